#!/bin/sh
# Makes the table of the 16 combinations of split projections at tiny, three modalities, from nothing: 3 seeds, 600 steps of 2,048 tokens.
# Cost: 48 runs, 5.0e14 training FLOPs, about 1.9 GB of disk, up to five hours on 2 cores; the command says it for this machine before it begins.
#   benchmarks/run-ablation-tiny.sh                                           # on a CPU
#   benchmarks/run-ablation-tiny.sh --backend cuda                            # on one GPU
set -eu
root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
exec "$root/mom" ablate three-modality --scale tiny --seeds 3 --out runs/ablation-tiny "$@"
