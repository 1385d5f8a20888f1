#!/bin/sh
# Prints the home of a JDK 25, for the scripts beside this one.
set -eu
for home in ${JAVA25_HOME:+"$JAVA25_HOME"} ${JAVA_HOME:+"$JAVA_HOME"} /usr/lib/jvm/*; do
    if [ -x "$home/bin/jlink" ] && grep -q '^JAVA_VERSION="25[."]' "$home/release"; then
        echo "$home"
        exit
    fi
done
echo "no JDK 25 with jlink found; install one or set JAVA25_HOME" >&2
exit 2
