#!/bin/sh
# Trains the tokenizers of the demo on its corpus in mom-data, text and speech, and puts them where TokenizerSet.demo() finds them, with the
# manifest that names all three: that of images is vq-64 of scripts/train-image-models.sh. Takes a few minutes; the same corpus gives the
# same files bit for bit.
#
#   scripts/train-demo-tokenizers.sh [OUT]
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
packed="$root/mom-data/src/main/resources/org/mixtureofmamba/data/demo"
out="${1:-$root/mom-tokenizers/src/main/resources/org/mixtureofmamba/tokenizers/demo}"
corpus=$(mktemp -d)
trap 'rm -rf "$corpus"' EXIT
mkdir "$corpus/images" "$corpus/speech"
tar xzf "$packed/images.tar.gz" -C "$corpus/images"
tar xzf "$packed/speech.tar.gz" -C "$corpus/speech"
gzip -dc "$packed/text.txt.gz" > "$corpus/text.txt"
"$root/mom" --help > /dev/null # builds what has changed
"$("$root/scripts/jdk25.sh")/bin/java" -Xmx3g --add-modules=jdk.incubator.vector --enable-native-access=ALL-UNNAMED \
    --sun-misc-unsafe-memory-access=allow -cp "$root/mom-cli/target/lib/*" org.mixtureofmamba.tokenizers.DemoTokenizers "$corpus" "$out"
rm "$out/image.safetensors" # a copy of vq-64, which ships once
