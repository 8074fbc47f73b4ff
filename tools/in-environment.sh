#!/usr/bin/env bash
# Runs a tool of the project's own environment, which ./spark-submit.sh prepares:  tools/in-environment.sh ruff check .
set -euo pipefail
ROOT=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
BIN=${CASTRO_VENV:-${CASTRO_HOME:-$ROOT/.castro}/venv}/bin
if [[ ! -x $BIN/$1 ]]; then
    printf 'no %s in %s\n  what to do: CASTRO_DEV=1 ./spark-submit.sh prepare\n' "$1" "$BIN" >&2
    exit 2
fi
PATH=$BIN:$PATH exec "$@"
