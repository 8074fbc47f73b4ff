#!/usr/bin/env bash
# ruff, mypy (strict), the import contract, then the tests on real servers.
#
#   ./test.sh            all of them, by two workers with servers of their own
#   ./test.sh quick      the unit tests, and one event end to end: before every commit
#   ./test.sh ARGUMENTS  these, given to pytest as they are
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"
export CASTRO_DEV=1
./spark-submit.sh prepare
BIN=${CASTRO_VENV:-${CASTRO_HOME:-$PWD/.castro}/venv}/bin
PATH=$BIN:$PATH
ruff check .
mypy
lint-imports --no-cache
case ${1-} in
    '') set -- -n 2 --dist loadfile --no-loadscope-reorder --durations=15 ;;
    quick) set -- tests/unit tests/integration/test_submit.py::test_one_event_end_to_end "${@:2}" ;;
esac
exec python -m pytest "$@"
