#!/bin/sh
# Prints the figures of the image models that ship, on the images held out from their training, and writes a sheet to look at.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
sheet="${1:-$root/benchmarks/tokenizers-image.png}"
corpus=$(mktemp -d)
trap 'rm -rf "$corpus"' EXIT
mkdir "$corpus/images"
tar xzf "$root/mom-data/src/main/resources/org/mixtureofmamba/data/demo/images.tar.gz" -C "$corpus/images"
cd "$root"
mvn -q -B -pl mom-tokenizers -am compile
mvn -q -B -pl mom-tokenizers -am dependency:build-classpath -Dmdep.outputFile=target/classpath.txt -Dmdep.includeScope=runtime
java=${JAVA_HOME:-/usr}/bin/java
"$java" -Xmx3g --add-modules=jdk.incubator.vector --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow \
    -cp "mom-tokenizers/target/classes:mom-core/target/classes:$(cat mom-tokenizers/target/classpath.txt)" \
    org.mixtureofmamba.tokenizers.image.HeldOutFigures "$corpus" "$sheet"
