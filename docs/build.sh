#!/usr/bin/env bash
# Builds the documentation as HTML in build/docs, from the Markdown of this repository. A warning is an error: a link or an
# anchor that leads nowhere, a page that no list has. Nothing is fetched but the packages of requirements/docs.txt, once.
#
#   docs/build.sh            then open build/docs/index.html
#   docs/build.sh OPTIONS    given to sphinx-build, such as -E (read all pages anew)
#
# CASTRO_HOME is where the environment is kept; CASTRO_PYTHON the Python that makes it (default: python3).
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."

HOME_FOLDER=${CASTRO_HOME:-$PWD/.castro}
VENV=$HOME_FOLDER/docs
mkdir -p -- "$HOME_FOLDER"
if ! cmp -s -- requirements/docs.txt "$VENV/castro-lock"; then
    printf 'docs/build.sh: making the environment %s\n' "$VENV" >&2
    "${CASTRO_PYTHON:-python3}" -m venv --clear "$VENV"
    "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --no-input --require-hashes -r requirements/docs.txt
    cp -- requirements/docs.txt "$VENV/castro-lock"
fi
exec "$VENV/bin/sphinx-build" -W --keep-going --quiet -c docs -b html "$@" . build/docs
