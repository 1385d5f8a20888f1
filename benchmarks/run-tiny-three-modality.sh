#!/bin/sh
# Makes the table of the contestants at tiny, three modalities, from nothing: dense and mixture with 5 seeds, 600 steps of 2,048 tokens.
# Cost: 10 runs, 1.05e14 training FLOPs, about 310 MB of disk, up to an hour on 2 cores; the command says it for this machine before it begins.
#   benchmarks/run-tiny-three-modality.sh                                     # on a CPU
#   benchmarks/run-tiny-three-modality.sh --backend cuda --models dense,mom,router,wide
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
exec "$root/mom" repro three-modality --scale tiny --seeds 5 --out runs/tiny-three-modality "$@"
