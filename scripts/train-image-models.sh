#!/bin/sh
# Trains the image models that ship with mom-image-models (vq-64, kl-64) on the demo corpus in mom-data but for every twentieth image by name:
# under half an hour on one core. Broken off, the same command with the same directory goes on.
#
#   scripts/train-image-models.sh [OUT]
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
out="${1:-$root/mom-image-models/target/image-models}"
corpus=$(mktemp -d)
trap 'rm -rf "$corpus"' EXIT
tar xzf "$root/mom-data/src/main/resources/org/mixtureofmamba/data/demo/images.tar.gz" -C "$corpus"
(cd "$corpus" && LC_ALL=C ls | grep '\.png$' | awk 'NR % 20 == 0' | xargs rm)
mkdir -p "$out"
for model in vq-64 kl-64; do
    [ -f "$out/$model.safetensors" ] ||
        OMP_NUM_THREADS=1 "$root/mom" tokenizer train image "$corpus" --model "$model" --seed 0 --out "$out/$model.safetensors"
done
