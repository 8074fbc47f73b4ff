#!/usr/bin/env bash
# ruff, mypy (strict), the import contract, then the tests on real servers.
#
#   ./test.sh            by two workers with servers of their own
#   ./test.sh quick      the unit tests, and one event end to end: before every commit
#   ./test.sh all        also those on a small Hadoop (tests/cluster), which need Linux and the right to unshare mounts,
#                        those on servers with TLS (tests/secured), with a Prometheus (tests/monitoring), in a real Airflow
#                        (tests/airflow), with Oozie's own schemas (tests/oozie), the notebooks (tests/notebooks), of the page
#                        in a browser (tests/browser), and the longest of the others. What they need of Debian's packages
#                        is installed, by root; a test that is skipped has failed
#   ./test.sh ARGUMENTS  these, given to pytest as they are
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")"
export CASTRO_DEV=1

# What the tests need of Debian: a command, and the package that has it.
DEBIAN=(unshare:util-linux setpriv:util-linux pgbouncer:pgbouncer chromium:chromium)

install_missing() {
    local pair missing=()
    PATH=$PATH:/usr/sbin:/sbin # where some of them are, and not every user looks
    for pair in "${DEBIAN[@]}"; do
        command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
    done
    ((${#missing[@]})) || return 0
    if ((EUID != 0)) || ! command -v apt-get >/dev/null; then
        printf 'test.sh: missing: %s\n  As root, on Debian or Ubuntu: apt-get install %s\n' "${missing[*]}" "${missing[*]}" >&2
        exit 2
    fi
    printf 'test.sh: installing %s\n' "${missing[*]}" >&2
    apt-get update -qq
    DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}" >/dev/null
}

if [[ ${1-} == all ]]; then
    install_missing
    export CASTRO_DEV_CLUSTER=1 CASTRO_TEST_ALL=1
fi
./spark-submit.sh prepare
BIN=${CASTRO_VENV:-${CASTRO_HOME:-$PWD/.castro}/venv}/bin
PATH=$BIN:$PATH
ruff check .
mypy
lint-imports --no-cache
case ${1-} in
    '') set -- -m 'not cluster and not browser and not long' -n 2 --dist loadfile --no-loadscope-reorder --durations=15 ;;
    all)
        status=0
        python -m pytest -m 'not cluster and not browser' -n 2 --dist loadfile --no-loadscope-reorder "${@:2}" || status=$?
        python -m pytest tests/browser -m browser --durations=5 "${@:2}" || status=$?
        # One at a time: each has JVMs enough.
        python -m pytest tests/cluster tests/secured tests/monitoring tests/airflow tests/oozie tests/notebooks -m cluster --durations=15 "${@:2}" || status=$?
        exit "$status"
        ;;
    quick) set -- tests/unit tests/integration/jobs/test_submit.py::test_one_event_end_to_end "${@:2}" ;;
esac
exec python -m pytest "$@"
