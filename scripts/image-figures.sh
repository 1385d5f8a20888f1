#!/bin/sh
# Prints the figures of the image models that ship, on the images held out from their training, and writes a sheet to look at.
#
#   scripts/image-figures.sh [SHEET.png]
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
sheet="${1:-$root/benchmarks/tokenizers-image.png}"
corpus=$(mktemp -d)
trap 'rm -rf "$corpus"' EXIT
mkdir "$corpus/images"
tar xzf "$root/mom-data/src/main/resources/org/mixtureofmamba/data/demo/images.tar.gz" -C "$corpus/images"
"$root/mom" --help > /dev/null # builds what has changed
OMP_NUM_THREADS=1 "$("$root/scripts/jdk25.sh")/bin/java" -Xmx3g --add-modules=jdk.incubator.vector --enable-native-access=ALL-UNNAMED \
    --sun-misc-unsafe-memory-access=allow -cp "$root/mom-cli/target/lib/*" org.mixtureofmamba.imagemodels.HeldOutFigures "$corpus" "$sheet"
