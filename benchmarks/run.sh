#!/usr/bin/env bash
# One command for all figures: prepares what is missing, then runs run.py with its arguments; `run.sh warehouse ...`
# runs warehouse.py, `run.sh critical ...` critical.py.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
export CASTRO_DEV=1
./spark-submit.sh prepare
SCRIPT=run
if [[ ${1-} == warehouse || ${1-} == critical ]]; then
    SCRIPT=$1
    shift
fi
PYTHONPATH=$PWD exec "${CASTRO_VENV:-${CASTRO_HOME:-$PWD/.castro}/venv}/bin/python" "benchmarks/$SCRIPT.py" "$@"
