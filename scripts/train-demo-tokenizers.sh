#!/bin/sh
# Trains the tokenizers that ship with mom-tokenizers on the demo corpus in mom-data, and puts them where TokenizerSet.demo() finds
# them. Takes a few minutes; the same corpus gives the same files bit for bit.
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
cd "$root"
mvn -q -B -pl mom-tokenizers -am compile
mvn -q -B -pl mom-tokenizers -am dependency:build-classpath -Dmdep.outputFile=target/classpath.txt -Dmdep.includeScope=runtime
java=${JAVA_HOME:-/usr}/bin/java
"$java" -Xmx3g -cp "mom-tokenizers/target/classes:mom-core/target/classes:$(cat mom-tokenizers/target/classpath.txt)" \
    org.mixtureofmamba.tokenizers.DemoTokenizers "$corpus" "$out"
