#!/bin/sh
# Makes an archive that trains on a bare GPU machine: no Java, no Maven, no network. docs/gpu-bundle.md says what is in it.
set -eu

usage="usage: scripts/make-bundle.sh [--with-tests] OUT.tar.xz [DATA...]"
fail() {
    echo "make-bundle: $1" >&2
    exit 2
}

with_tests=false
if [ "${1:-}" = --with-tests ]; then
    with_tests=true
    shift
fi
[ $# -ge 1 ] || fail "$usage"
case $1 in
    *.tar.xz) ;;
    *) fail "$1 does not end in .tar.xz; $usage" ;;
esac
out=$(realpath -m -- "$1")
[ -d "$(dirname -- "$out")" ] || fail "the folder $(dirname -- "$out") does not exist; make it first"
shift
for data in "$@"; do
    [ -e "$data" ] || fail "$data does not exist; name data directories as 'mom data prepare' leaves them"
done

root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
jdk=$("$root/scripts/jdk25.sh")

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bundle=$work/mixture-of-mamba
mkdir -p "$bundle/lib" "$bundle/scripts"

echo "make-bundle: building" >&2
"$root/mom" --help > /dev/null

# ND4J and OpenBLAS serve the reference and the CPU, Deeplearning4j the image tokenizers: training from prepared shards needs none of them.
# So the demo's corpus travels as the shards that it becomes here, in the folder where `mom demo` looks for them.
# Of the others only the natives of this platform travel.
for jar in "$root"/mom-cli/target/lib/*.jar; do
    case $(basename "$jar") in
        nd4j-* | deeplearning4j-* | fastutil-* | resources-1.0.0-M* | guava-1.0.0-M* | jackson-1.0.0-M* | protobuf-1.0.0-M* | flatbuffers-* | oshi-* | jna-* | openblas-*-linux-* | openblas-*-windows-* | openblas-*-macosx-*) ;;
        *) cp "$jar" "$bundle/lib/" ;;
    esac
done

# Repacks a jar without the files whose paths match an extended regular expression, unless they match another. Its entries are stored, so that
# the archive's own compression sees their content.
without() {
    mkdir "$work/jar"
    (cd "$work/jar" && "$jdk/bin/jar" --extract --file "$1" &&
        find . -regextype posix-extended -type f -regex "$2" -not -regex "$3" -delete)
    "$jdk/bin/jar" --create --no-compress --no-manifest --file "$1" -C "$work/jar" .
    rm -rf "$work/jar"
}
for jar in "$bundle"/lib/*.jar; do
    case $(basename "$jar") in
        cuda-*-linux-x86_64.jar) without "$jar" '.*/libjni.*\.so' '.*/libjni(cudart|nvrtc|cublas|nvml)\.so' ;;
        zstd-jni-*) without "$jar" '.*/libzstd-jni.*' '\./linux/amd64/.*' ;;
        snappy-java-*) without "$jar" '.*/native/.*' '.*/native/Linux/x86_64/.*' ;;
        mom-image-models-*) without "$jar" '.*/imagemodels/kl-.*\.safetensors' '' ;; # for Deeplearning4j; the quantizer is one of the demo's tokenizers
        mom-data-*) without "$jar" '.*/data/demo/.*\.gz' '' ;;
        *) without "$jar" '' '' ;;
    esac
done

echo "make-bundle: preparing the demo's corpus" >&2
tokenizers=$(sha256sum "$root/mom-tokenizers/src/main/resources/org/mixtureofmamba/tokenizers/demo/manifest.json" | cut -c 1-12)
demo=$bundle/data/demo-three-modality-$tokenizers
"$root/mom" data prepare demo --out "$demo" > /dev/null
rm -r "$demo/tokenizers" "$demo/.lock" # those of the demo, which are in a jar

if $with_tests; then
    echo "make-bundle: adding the tests of the GPU" >&2
    mvn --quiet --batch-mode --file "$root/pom.xml" -pl mom-core,mom-reference test-compile >&2
    mkdir -p "$bundle/tests/classes" "$bundle/tests/lib"
    for module in mom-core mom-reference; do
        cp -r "$root/$module/target/test-classes/." "$bundle/tests/classes/"
    done
    # The versions that Maven resolves, from its own list of the class path.
    mvn --quiet --batch-mode --file "$root/pom.xml" -pl mom-core dependency:copy-dependencies -DincludeScope=test \
        -DincludeGroupIds=org.junit.jupiter,org.junit.platform,org.opentest4j,org.apiguardian,org.jspecify,org.assertj,org.bytedeco \
        -DoutputDirectory="$bundle/tests/lib" >&2
    rm -f "$bundle"/tests/lib/cuda-* "$bundle"/tests/lib/javacpp-*
    for jar in "$bundle"/tests/lib/openblas-*-linux-x86_64.jar; do
        without "$jar" '.*/(include/.*|libjniopenblas_full\.so)' ''
    done
fi

echo "make-bundle: trimming Java" >&2
report=$("$jdk/bin/jdeps" --ignore-missing-deps --multi-release 25 --print-module-deps --class-path "$bundle/lib/*" \
    "$bundle"/lib/mom-*.jar) || fail "jdeps: $report"
modules=$(printf '%s\n' "$report" | tail -n 1) # after its warnings
# Beside what the project itself names: what libraries find by name at run time.
"$jdk/bin/jlink" --add-modules "$modules,java.logging,java.xml,jdk.management,jdk.zipfs" \
    --strip-debug --no-header-files --no-man-pages --output "$bundle/runtime" 2> "$work/jlink.log" || fail "jlink: $(cat "$work/jlink.log")"

cp "$root/mom" "$root/LICENSE" "$bundle/"
cp "$root/scripts/gpu-benchmark.sh" "$root/scripts/gpu-test.sh" "$bundle/scripts/"
cp -r "$root/configs" "$bundle/configs"
git -C "$root" rev-parse HEAD > "$bundle/COMMIT"
for data in "$@"; do
    cp -r "$data" "$bundle/data/"
done

echo "make-bundle: packing" >&2
tar --create --directory "$work" --owner=0 --group=0 mixture-of-mamba | xz --threads=0 -6 > "$out.part"
mv "$out.part" "$out"
echo "make-bundle: $out, $(du -m "$out" | cut -f 1) MB" >&2
