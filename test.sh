#!/usr/bin/env bash
# ruff, mypy (strict), the import contract, then every test on real servers. Arguments go to pytest.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"
export CASTRO_DEV=1
./spark-submit.sh prepare
BIN=${CASTRO_VENV:-${CASTRO_HOME:-$PWD/.castro}/venv}/bin
PATH=$BIN:$PATH
ruff check .
mypy
lint-imports --no-cache
exec python -m pytest "$@"
