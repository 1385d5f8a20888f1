#!/usr/bin/env bash
# Trains the text tokenizers that ship with mom-tokenizers, bpe-8192 and bpe-32000, and puts them where PretrainedBpe finds them. Fetches
# what they are trained on (scripts/fetch-corpus.sh) and adds captions and transcripts of the demo corpus. About five minutes; the same
# text gives the same files bit for bit, on any number of threads.
#
#   scripts/train-tokenizers.sh [CORPUS [OUT]]      CORPUS is a directory that fetch-corpus.sh filled, if there is one already
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
corpus=${1:-}
out=${2:-$root/mom-tokenizers/src/main/resources/org/mixtureofmamba/tokenizers/text}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
if [ -z "$corpus" ]; then
    corpus=$scratch/corpus
    "$root/scripts/fetch-corpus.sh" "$corpus" wordnet jargon devil python-doc sqlite-doc postgres-doc node-doc
fi
packed=$root/mom-data/src/main/resources/org/mixtureofmamba/data/demo
mkdir "$scratch/demo"
tar xzf "$packed/images.tar.gz" -C "$scratch/demo" --wildcards '*.json'
tar xzf "$packed/speech.tar.gz" -C "$scratch/demo" --wildcards '*.txt'
python3 - "$scratch/demo" >"$scratch/captions.txt" <<'PYTHON'
import json, pathlib, sys
for file in sorted(pathlib.Path(sys.argv[1]).iterdir()):
    text = file.read_text("utf-8")
    sys.stdout.buffer.write((json.loads(text)["caption"] if file.suffix == ".json" else text.strip()).encode("utf-8") + b"\n")
PYTHON
mkdir -p "$out"
for size in 8192 32000; do
    "$root/mom" tokenizer train text "$corpus"/{wordnet,jargon,devil,sqlite-doc,postgres-doc,node-doc}.txt "$corpus/python-doc" \
        "$scratch/captions.txt" --size $size --pre-tokenizer llama3 --special '<|endoftext|>' --out "$scratch/bpe-$size.json"
    gzip -9n <"$scratch/bpe-$size.json" >"$out/bpe-$size.json.gz"
done
