#!/usr/bin/env bash
# Makes the demo corpus of mom-data from public packages, found by name through the package clients (Debian, npm):
#   openmoji 17.0.0 (npm)                       images and captions        CC BY-SA 4.0
#   asterisk-core-sounds-{en,es,fr}(-wav) 1.6.1-1   speech and transcripts CC BY-SA 3.0
#   dict-wn 1:3.0-37                            text: WordNet 3.0          WordNet licence
# The result is checked in, so nobody needs to run this; it records how the files came to be.
# Needs: apt-get, dpkg, npm, python3, and (installed if missing) rsvg-convert, pngquant, flac, oggenc.
#
#   scripts/make-demo-corpus.sh [OUT]           OUT defaults to the resources of mom-data; RAW=DIR keeps the downloads
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here/../mom-data/src/main/resources/org/mixtureofmamba/data/demo}
raw=${RAW:-$(mktemp -d)}
mkdir -p "$out" "$raw"

command -v rsvg-convert pngquant flac oggenc >/dev/null \
    || apt-get install -y --no-install-recommends librsvg2-bin pngquant flac vorbis-tools

cd "$raw"
[ -d openmoji ] || { npm pack openmoji@17.0.0 --silent && mkdir openmoji && tar xzf openmoji-17.0.0.tgz -C openmoji; }
for package in asterisk-core-sounds-{en,es,fr}{-wav,}=1.6.1-1 dict-wn=1:3.0-37; do
    name=${package%%=*}
    [ -d "$name" ] || { apt-get download "$package" && dpkg -x "$name"_*.deb "$name"; }
done

# 64 pixels square on white, 32 colours: what the drawings need and no more.
mkdir -p png
find openmoji/package/color/svg -name '*.svg' | sort | xargs -P "$(nproc)" -n 1 sh -c '
    png=png/$(basename "$0" .svg).png
    [ -s "$png" ] || rsvg-convert -w 64 -h 64 -b white "$0" | pngquant --speed 1 --strip 32 - >"$png"'

python3 "$here/make_demo_corpus.py" "$raw" "$out"
