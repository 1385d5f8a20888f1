#!/bin/sh
# Makes on a GPU machine, from an unpacked bundle, the figures of benchmarks/cuda-step.md, of benchmarks/37m-three-modality.md and the card's half of
# the fifty steps in benchmarks/parity.md. Four minutes on one H100. Everything is in OUT.tar too, one file to carry home.
set -eu

usage="usage: scripts/gpu-benchmark.sh OUT [steps] [pair] [parity]   (all three without a name)"
[ $# -ge 1 ] || {
    echo "gpu-benchmark: $usage" >&2
    exit 2
}
out=$1
shift
for what in "$@"; do
    case $what in
        steps | pair | parity) ;;
        *)
            echo "gpu-benchmark: no figures are called '$what'; $usage" >&2
            exit 2
            ;;
    esac
done
wanted=" ${*:-steps pair parity} "
[ ! -e "$out" ] || {
    echo "gpu-benchmark: $out exists already; name another folder or remove it" >&2
    exit 2
}

root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
mkdir -p "$out"
"$root/mom" doctor > "$out/doctor.txt" 2>&1 || true # of other backends something may be missing
! command -v nvidia-smi > /dev/null || nvidia-smi --query-gpu=name,driver_version,clocks.max.sm --format=csv > "$out/card.txt"
[ ! -f "$root/COMMIT" ] || cp "$root/COMMIT" "$out/"

wants() {
    case $wanted in *" $1 "*) true ;; *) false ;; esac
}

bench() {
    "$root/mom" bench --backend cuda --json "$@" >> "$out/cuda-step.jsonl"
}

# Dense and the mixtures in turn, twice: a card that is warm is slower.
steps() {
    for i in 1 2; do
        bench --scale 443m --model dense,mom
        bench --scale 443m --model mom --modalities 3
    done
    bench --scale 37m --model dense,mom
    bench --scale 37m --model dense,mom --modalities 3 --vocabulary 3067
    bench --scale 94m --model dense,mom
    bench --scale 94m --model mom --batch 16 --steps 10
    bench --scale 94m --model mom --batch 1 --length 65536 --steps 10
    bench --scale 880m --model dense,mom --steps 8
    bench --scale 1.5b --model mom --steps 8
}

pair() {
    for kind in dense mom; do
        run=$out/37m-three-modality/$kind
        "$root/mom" train "$root/configs/37m-three-modality-$kind.yaml" "run=$run"
        "$root/mom" eval "$run" > "$run/held-out.txt"
        rm -r "$run/checkpoints"
    done
    "$root/mom" compare "$out/37m-three-modality/dense" "$out/37m-three-modality/mom" --out "$out/37m-three-modality/report"
}

parity() {
    for precision in float32 bf16; do
        "$root/mom" train "$root/configs/demo-mom.yaml" "run=$out/tiny-50-cuda-$precision" steps=50 model.scale=tiny data.length=512 \
            backend.name=cuda "backend.precision=$precision"
        rm -r "$out/tiny-50-cuda-$precision/checkpoints"
    done
}

for figures in steps pair parity; do
    if wants $figures; then
        $figures
    fi
done
tar --create --file "$out.tar" --directory "$(dirname -- "$out")" "$(basename -- "$out")"
