#!/bin/sh
# Trains the image models that ship with mom-tokenizers (vq-64, kl-64) on the demo corpus in mom-data, on one core: about a quarter of an
# hour. Broken off, the same command with the same directory goes on.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
out="${1:-$root/mom-tokenizers/target/image-models}"
corpus=$(mktemp -d)
trap 'rm -rf "$corpus"' EXIT
mkdir -p "$corpus/images" "$out"
tar xzf "$root/mom-data/src/main/resources/org/mixtureofmamba/data/demo/images.tar.gz" -C "$corpus/images"
cd "$root"
mvn -q -B -pl mom-tokenizers -am compile
mvn -q -B -pl mom-tokenizers -am dependency:build-classpath -Dmdep.outputFile=target/classpath.txt -Dmdep.includeScope=runtime
java=${JAVA_HOME:-/usr}/bin/java
OMP_NUM_THREADS=1 "$java" -Xmx2g --add-modules=jdk.incubator.vector --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow \
    -cp "mom-tokenizers/target/classes:mom-core/target/classes:$(cat mom-tokenizers/target/classpath.txt)" \
    org.mixtureofmamba.tokenizers.image.ImageModelTraining "$corpus" "$out"
