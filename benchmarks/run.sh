#!/usr/bin/env bash
# One command for all figures: prepares what is missing, then runs run.py with its arguments; `run.sh NAME ...` runs
# warehouse.py, sizes.py, checkpoint.py (on a small Hadoop), quality.py, quality_month.py, critical.py, page.py or the room
# peers with theirs.
set -euo pipefail
cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.."
export CASTRO_DEV=1
SCRIPT=run
if [[ ${1-} == @(warehouse|sizes|checkpoint|quality|quality_month|critical|page|peers) ]]; then
    SCRIPT=$1
    shift
fi
[[ $SCRIPT != checkpoint ]] || export CASTRO_DEV_CLUSTER=1
./spark-submit.sh prepare
export PYTHONPATH=$PWD
PYTHON=${CASTRO_VENV:-${CASTRO_HOME:-$PWD/.castro}/venv}/bin/python
[[ $SCRIPT != peers ]] || exec "$PYTHON" -m benchmarks.peers "$@"
exec "$PYTHON" "benchmarks/$SCRIPT.py" "$@"
