"""The worker's side of a job: starts the process that watches it, and waits for the outcome."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from castro_spark.beat.outcome import End, Outcome


def run(task: str, command: Sequence[str], limit: float, grace: float) -> Outcome:
    """Runs a job to its end, at most `limit` and `grace` seconds, and says how it ended.

    An exception in here (a time limit of Celery's, the worker's end) stops the job, and is raised when that has ended.
    """
    watch = subprocess.Popen(
        [sys.executable, "-m", "castro_spark.beat.watch", task, str(limit), str(grace), "--", *command],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    assert watch.stdin is not None
    assert watch.stdout is not None
    try:
        told = watch.stdout.read()
    finally:
        watch.stdin.close()  # which ends a job that still runs
        status = watch.wait()
        watch.stdout.close()
    try:
        return Outcome.of_json(told)
    except (ValueError, TypeError, KeyError):
        return Outcome(End.LOST, None, f"the process that watched the job has ended with {status} and no word of it")
