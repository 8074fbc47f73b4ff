#!/usr/bin/env bash
# ruff, mypy (strict), the import contract, then the tests on real servers.
#
#   ./test.sh            by two workers with servers of their own
#   ./test.sh quick      the unit tests, and one event end to end: before every commit
#   ./test.sh all        also those on a small Hadoop (tests/cluster), which need Linux and the right to unshare mounts, and
#                        those on servers with TLS (tests/secured): as root it installs Debian's postgresql and redis-server
#   ./test.sh ARGUMENTS  these, given to pytest as they are
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"
export CASTRO_DEV=1
[[ ${1-} != all ]] || export CASTRO_DEV_CLUSTER=1
./spark-submit.sh prepare
BIN=${CASTRO_VENV:-${CASTRO_HOME:-$PWD/.castro}/venv}/bin
PATH=$BIN:$PATH
ruff check .
mypy
lint-imports --no-cache
case ${1-} in
    '') set -- -m 'not cluster' -n 2 --dist loadfile --no-loadscope-reorder --durations=15 ;;
    all)
        python -m pytest -m 'not cluster' -n 2 --dist loadfile --no-loadscope-reorder "${@:2}"
        set -- tests/cluster tests/secured -m cluster --durations=15 "${@:2}" # one at a time: each has JVMs enough
        ;;
    quick) set -- tests/unit tests/integration/test_submit.py::test_one_event_end_to_end "${@:2}" ;;
esac
exec python -m pytest "$@"
