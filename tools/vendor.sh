#!/usr/bin/env bash
# Fetches the front end's files of others from npm, in the versions named here, with their licences, and writes their hashes
# (SHA256SUMS). tests/unit/page/test_files.py compares these; look at what changed before you commit it.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
PAGE=$PWD/castro_spark/page/static/vendor # served
AXE=$PWD/tests/browser/vendor             # for the tests only
scratch=$(mktemp -d)
trap 'rm -rf -- "$scratch"' EXIT

fetch() { # fetch PACKAGE@VERSION FOLDER FILE[=NAME]...
    local package=$1 folder=$2 file
    shift 2
    mkdir -p -- "$folder" "$scratch/$package"
    (cd -- "$scratch" && npm pack --silent "$package" >/dev/null && tar xzf ./*.tgz -C "$package" && rm -f ./*.tgz)
    for file in "$@"; do
        cp -- "$scratch/$package/package/${file%%=*}" "$folder/$(basename -- "${file##*=}")"
    done
}

fetch htmx.org@4.0.1 "$PAGE" dist/htmx.min.js LICENSE=htmx.LICENSE.txt
fetch uplot@1.6.32 "$PAGE" dist/uPlot.iife.min.js dist/uPlot.min.css LICENSE=uPlot.LICENSE.txt
fetch axe-core@4.14.1 "$AXE" axe.min.js LICENSE=axe.LICENSE.txt
for folder in "$PAGE" "$AXE"; do
    (cd -- "$folder" && find . -type f ! -name SHA256SUMS -printf "%f\n" | LC_ALL=C sort | xargs sha256sum -- >SHA256SUMS)
done
