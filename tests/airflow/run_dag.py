"""For Airflow's own Python: runs DAGs of conf/airflow one after another, as `airflow dags test` does; one JSON line each.

run_dag.py parse                     what the folder holds, what its import warned of, and what it imported
run_dag.py run DAG_ID [CONF]...      CONF: the parameters, as JSON
"""

from __future__ import annotations

import json
import sys
import warnings
from typing import Any


def parse() -> dict[str, Any]:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        import castro_dags
    from airflow.sdk import DAG

    dags = [value for value in vars(castro_dags).values() if isinstance(value, DAG)]
    for dag in dags:
        dag.check_cycle()
    return {
        "warnings": [str(warning.message) for warning in told],
        "heavy": sorted({name.partition(".")[0] for name in sys.modules} & {"pyspark", "castro_spark", "pandas", "psycopg2"}),
        "dags": {
            dag.dag_id: {
                "schedule": getattr(dag.schedule, "expression", None), "zone": str(getattr(dag.schedule, "timezone", "")),
                "catchup": dag.catchup, "max_active_runs": dag.max_active_runs,
                "timeouts": [task.execution_timeout and task.execution_timeout.total_seconds() for task in dag.tasks],
            }
            for dag in dags
        },
    }  # fmt: skip


def run(dag_id: str, conf: dict[str, Any]) -> dict[str, Any]:
    from airflow.dag_processing.dagbag import DagBag

    bag = DagBag()
    assert not bag.import_errors, bag.import_errors
    done = bag.dags[dag_id].test(run_conf=conf)
    tasks = {task.task_id: [str(task.state), task.try_number] for task in done.get_task_instances()}
    return {"dag": dag_id, "state": str(done.state), "tasks": tasks}


if __name__ == "__main__":
    if sys.argv[1] == "parse":
        print(json.dumps(parse()))
    else:
        print(json.dumps(run(sys.argv[2], json.loads(sys.argv[3]) if sys.argv[3:] else {})))
