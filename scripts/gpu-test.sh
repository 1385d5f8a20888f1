#!/bin/sh
# Runs every test tagged "gpu" on a GPU machine, or those of one class that is named, from an unpacked bundle made with --with-tests: no Maven,
# no network. Fails if one fails, if one is skipped or if there is none.
set -eu

root=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
if [ ! -d "$root/tests" ]; then
    echo "gpu-test: this is no bundle with tests; make one with scripts/make-bundle.sh --with-tests OUT.tar.xz" >&2
    exit 2
fi
exec "$root/runtime/bin/java" --add-modules=jdk.incubator.vector --enable-native-access=ALL-UNNAMED \
    --sun-misc-unsafe-memory-access=allow -cp "$root/tests/classes:$root/lib/*:$root/tests/lib/*" \
    org.mixtureofmamba.core.TaggedTests gpu "$@"
