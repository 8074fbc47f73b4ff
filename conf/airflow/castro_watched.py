"""Runs a command for an Airflow task, and ends it when the task is gone: castro_watched.py -- COMMAND [ARGUMENT]...

BashOperator starts its child in a session of its own. If the worker is killed (kill -9, out of memory), the child would
go on with nobody to report to, beside the task's next attempt. So each second this looks whether the processes that
CASTRO_WATCHED_PIDS names are still there; if one is not, the job gets SIGTERM, as it does when Airflow ends the task.

SIGTERM goes to the job alone, not to its process group: the group has Spark's JVM, which would end in mid-batch.
A job that is still there after CASTRO_WATCHED_GRACE seconds (default 120) is killed with its group.

The exit status is the command's. psutil comes with Airflow.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress

import psutil

_LOOK_SECONDS = 1.0
_SIGNALLED = 128  # and the signal's number: as a shell tells it


def main(command: Sequence[str], pids: Sequence[int], grace: float) -> int:
    """Runs the command to its end; returns its exit status."""
    watched = [_process(pid) for pid in pids]
    asked: list[str] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: asked.append("Airflow ends this task"))
    job = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
    deadline: float | None = None
    while True:
        with suppress(subprocess.TimeoutExpired):
            status = job.wait(_LOOK_SECONDS)
            return status if status >= 0 else _SIGNALLED - status
        if not asked and not all(_lives(process) for process in watched):
            asked.append("the Airflow task that started this job is gone")
        if asked and deadline is None:
            deadline = time.monotonic() + grace
            _say(f"{asked[0]}: asking the job (pid {job.pid}) to stop")
            job.terminate()
        elif deadline is not None and time.monotonic() > deadline:
            _say(f"the job (pid {job.pid}) has not stopped in {grace:.0f} s: killing it")
            with suppress(ProcessLookupError):
                os.killpg(job.pid, signal.SIGKILL)
            deadline = None if job.poll() is not None else deadline + grace


def _process(pid: int) -> psutil.Process | None:
    try:
        return psutil.Process(pid)
    except psutil.NoSuchProcess:
        return None  # gone before we looked


def _lives(process: psutil.Process | None) -> bool:
    """Whether it is the same process still, and not one that has ended and waits for its parent."""
    try:
        return process is not None and process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _say(words: str) -> None:
    with suppress(OSError):  # nobody may read it any more
        print(f"castro_watched: {words}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    if len(sys.argv) < 3 or sys.argv[1] != "--":  # noqa: PLR2004
        sys.exit(__doc__)
    sys.exit(
        main(
            sys.argv[2:],
            [int(pid) for pid in os.environ.get("CASTRO_WATCHED_PIDS", "").split()],
            float(os.environ.get("CASTRO_WATCHED_GRACE", "120")),
        )
    )
