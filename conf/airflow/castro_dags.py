"""castro_spark's DAGs for Airflow 3: docs/scheduling.md says how to install them, castro_schedule.py what runs when.

Why BashOperator and not SparkSubmitOperator: spark-submit.sh is the one door. It prepares the machine, checks the
settings before anything is submitted, brings a job's output and exit status back from YARN, and lets a stream end its
batch on SIGTERM. SparkSubmitOperator calls a program named spark-submit and nothing else: it would bypass all of that,
and the jobs that need no Spark would not fit it.

Exit statuses of the door: 0 is success; 1 is a failure, retried; 2 is wrong usage or settings, failed without a retry.
Nothing here imports Spark or castro_spark: Airflow parses these files again and again.
"""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pendulum
from airflow.providers.standard.operators.bash import BashOperator
from airflow.providers.standard.operators.python import ShortCircuitOperator
from airflow.providers.standard.operators.trigger_dagrun import TriggerDagRunOperator
from airflow.sdk import DAG, CronTriggerTimetable, Param, Variable
from airflow.sdk.exceptions import AirflowException, AirflowFailException, AirflowSkipException
from castro_schedule import JOBS, STREAMS, WATCH_CRON, WRONG_USAGE, ZONE, Job, Verdict, business_day, command_line, seen

log = logging.getLogger(__name__)

_DOOR = "{{ var.value.get('castro_door', '/opt/castro_spark/spark-submit.sh') }}"
_ENV = "{{ var.value.get('castro_env', 'cluster') }}"
_CONF_FILE = "{{ var.value.get('castro_conf_file', '') }}"
_WATCHED = str(Path(__file__).with_name("castro_watched.py"))
_STATUS_SECONDS = 60
_LAST_CHARACTERS = 2000

_DATE = r"^\d{4}-\d{2}-\d{2}$"
_PARAMS: dict[str, dict[str, Any]] = {
    "castro_backfill": {
        "stream": Param(STREAMS[0], type="string", enum=list(STREAMS), title="Stream"),
        "from": Param(None, type="string", format="date", pattern=_DATE, title="First business day"),
        "to": Param(None, type="string", format="date", pattern=_DATE, title="Last business day"),
        "from_archive": Param(False, type="boolean", title="Read the archive instead of the warehouse"),
        "restart": Param(False, type="boolean", title="Repeat the months that an earlier run has done"),
    },
    "castro_reconcile": {
        "date": Param(
            None, type=["null", "string"], format="date", pattern=_DATE, title="Business day; none: yesterday"
        ),
        "apply": Param(True, type="boolean", title="Repair, not only compare"),
        "force": Param(False, type="boolean", title="Even beyond reconcile.change_limit"),
    },
}


class CastroOperator(BashOperator):
    """Runs a job by the one door. Exit status 2 fails the task without a retry. When the task ends, the job ends."""

    def __init__(self, *, words: tuple[str, ...], **arguments: Any) -> None:
        command, env = command_line(words)
        env |= {"CASTRO_DOOR": _DOOR, "CASTRO_JOB_ENV": _ENV, "CASTRO_JOB_CONF_FILE": _CONF_FILE}
        # A skip is how BashOperator tells of one exit status among others.
        super().__init__(
            bash_command=command, env=env, append_env=True, skip_on_exit_code=WRONG_USAGE, do_xcom_push=False,
            **arguments,
        )  # fmt: skip

    def execute(self, context: Any) -> Any:
        """Raises AirflowFailException on exit status 2, AirflowException on others that are not 0."""
        # This process, and Airflow's supervisor that watches it. Process 1 is a container's: with it all ends anyway.
        pids = [pid for pid in (os.getpid(), os.getppid()) if pid > 1]
        watched = {"CASTRO_WATCHED": _WATCHED, "CASTRO_WATCHED_PYTHON": sys.executable}
        self.env = {**(self.env or {}), **watched, "CASTRO_WATCHED_PIDS": " ".join(map(str, pids))}
        try:
            return super().execute(context)
        except AirflowSkipException as skipped:
            raise AirflowFailException(
                "exit status 2: wrong usage or settings. The job's last lines above say which, and what is right."
                " Not retried, since it would meet the same again"
            ) from skipped


def page(context: Any) -> None:
    """Tells a person of a failed task: runs the command in the Variable castro_page_command, the text on its stdin."""
    task = context["ti"]
    reason = context.get("exception") or "its log says why"  # a restart that was ordered before raises nothing
    text = f"{task.dag_id}.{task.task_id} failed (run {task.run_id}): {reason}"
    command = Variable.get("castro_page_command", default="")
    if not command:
        log.warning("nobody is paged, since the Variable castro_page_command is not set: %s", text)
        return
    done = subprocess.run(
        ["bash", "-c", command], input=text + "\n", text=True, capture_output=True, timeout=60, check=False
    )
    if done.returncode:
        log.error("castro_page_command failed with %s: %s", done.returncode, done.stderr[-_LAST_CHARACTERS:])


def look(stream: str, door: str, env: str, conf_file: str) -> str | None:
    """Asks `status` for a stream. Returns the dead process's name if it is to be restarted, None if all is well.

    Raises if a person is needed.
    """
    options = [*(["--env", env] if env else []), *(["--conf-file", conf_file] if conf_file else [])]
    done = subprocess.run(
        [door, "status", "--stream", stream, "--json", *options],
        stdin=subprocess.DEVNULL, text=True, capture_output=True, timeout=_STATUS_SECONDS, check=False,
    )  # fmt: skip
    try:
        document = json.loads(done.stdout)
    except ValueError:
        problem = f"`status` gave exit status {done.returncode} and no JSON: {done.stderr[-_LAST_CHARACTERS:]}"
        if done.returncode == WRONG_USAGE:
            raise AirflowFailException(problem) from None
        raise AirflowException(problem) from None
    found = seen(stream, document)
    if found.verdict is Verdict.FINE:
        log.info("%s", found.words)
        return None
    restarts = Variable.get("castro_restart_streams", default="no").strip().lower() in ("yes", "true", "1")
    if found.verdict is Verdict.RESTART and restarts:
        log.warning("%s; restarting it", found.words)
        return found.instance
    raise AirflowFailException(found.words)


def _dag(dag_id: str, cron: str | None, about: str, **more: Any) -> DAG:
    return DAG(
        dag_id, schedule=CronTriggerTimetable(cron, timezone=ZONE) if cron else None,
        start_date=pendulum.datetime(2026, 1, 1, tz=ZONE), catchup=False, max_active_runs=1, description=about,
        tags=["castro_spark"], user_defined_macros={"business_day": business_day}, **more,
    )  # fmt: skip


def _job_dag(job: Job) -> DAG:
    with _dag(job.dag_id, job.cron, job.about, params=_PARAMS.get(job.dag_id)) as dag:
        CastroOperator(
            task_id=job.words[0], words=job.words, execution_timeout=job.timeout, retries=job.retries,
            retry_delay=job.retry_delay, on_failure_callback=page if job.paged else None,
        )  # fmt: skip
    return dag


def _watch_dag() -> DAG:
    about = "Whether the streams run. A silent one is restarted (if so configured) or paged; a failed one is paged."
    with _dag("castro_watch", WATCH_CRON, about) as dag:
        for stream in STREAMS:
            looked = ShortCircuitOperator(
                task_id=f"look_{stream}", python_callable=look, retries=1, retry_delay=timedelta(seconds=20),
                op_kwargs={"stream": stream, "door": _DOOR, "env": _ENV, "conf_file": _CONF_FILE},
                execution_timeout=timedelta(minutes=2), on_failure_callback=page,
            )  # fmt: skip
            # A run a dead process: if it is dead still after its restart was ordered, this fails, and pages.
            restart = TriggerDagRunOperator(
                task_id=f"restart_{stream}", trigger_dag_id=f"castro_stream_{stream}", fail_when_dag_is_paused=True,
                trigger_run_id=f"restart_after_{{{{ ti.xcom_pull(task_ids='look_{stream}') }}}}", retries=0,
                execution_timeout=timedelta(minutes=2), on_failure_callback=page,
            )  # fmt: skip
            looked >> restart
    return dag


for _job in JOBS:
    globals()[_job.dag_id] = _job_dag(_job)
castro_watch = _watch_dag()
