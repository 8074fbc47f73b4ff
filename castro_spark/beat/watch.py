"""Runs a job for a Celery task, and ends it when its time is up or its worker is gone:

    python -m castro_spark.beat.watch TASK LIMIT_SECONDS GRACE_SECONDS -- COMMAND [ARGUMENT]...

A process of its own, in a session of its own, so that it outlives a worker that is killed. It takes the task's lock in
PostgreSQL and holds it until the job has ended: whatever beat sends, and whatever became of a worker, two runs of a
task never overlap. (With CASTRO_DEPLOY_MODE=cluster the application on YARN may outlive this process; and PostgreSQL's
restart frees the lock. Then the jobs' own locks hold: one extract of a table, one reconciliation of a stream.)

The worker's process that runs the task holds the other end of our standard input: when it closes, that process has
ended, or gives the task up. (A pool's process ends with the worker's main process: Celery asks the kernel for that.)
Then, at the limit, and on SIGTERM, the job gets SIGTERM: it alone, not its process group, in which Spark's JVM would
end in mid-batch. A job that is still there after the grace is killed with its group. If this process is killed, the
kernel sends the job SIGTERM. The kernel does so on Linux only.

What the job prints passes on to standard error, which is the worker's log. Its end is kept for the outcome, the only
line on standard output. conf/airflow/castro_watched.py does likewise for Airflow, which has no castro_spark.
"""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress

import psycopg2
from billiard.util import set_pdeathsig

from castro_spark.beat.door import settings
from castro_spark.beat.outcome import End, Outcome
from castro_spark.errors import CastroError, UsageError, in_words
from castro_spark.sinks.postgres.exclusive import ExclusiveLock

_KEPT_BYTES = 4000
_CHUNK = 65536
_PIPE_CHUNKS = 16  # at most so much is in a pipe
_LOOK_SECONDS = 1.0
_SIGNALLED = 128  # and the signal's number: as a shell tells it


class Watch:
    """One job, from its start to its end."""

    def __init__(self, command: Sequence[str], limit: float, grace: float) -> None:
        self._command, self._limit, self._grace = list(command), limit, grace
        self._end: End | None = None  # why it was asked to stop
        self._kill_at: float | None = None
        self._last = b""
        self._selector = selectors.DefaultSelector()
        self._selector.register(sys.stdin.fileno(), selectors.EVENT_READ, "worker")
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._ask(End.STOPPED))

    def run(self) -> Outcome:
        """Runs the command to its end. Raises OSError if it cannot be started."""
        deadline = time.monotonic() + self._limit
        job = subprocess.Popen(
            self._command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            start_new_session=True, preexec_fn=_end_with_parent,  # noqa: PLW1509 - there is one thread
        )  # fmt: skip
        assert job.stdout is not None
        output = job.stdout.fileno()
        os.set_blocking(output, False)
        self._selector.register(output, selectors.EVENT_READ, "output")
        asked = False
        while job.poll() is None:
            for key, _ in self._selector.select(_LOOK_SECONDS):
                if key.data == "output":
                    if self._read(output) == b"":
                        self._selector.unregister(output)  # closed; the job may go on
                else:
                    self._selector.unregister(key.fd)
                    self._ask(End.STOPPED)
            if time.monotonic() > deadline:
                self._ask(End.TIME_UP)
            if self._end and not asked:
                asked = True
                self._kill_at = time.monotonic() + self._grace
                job.terminate()
            if self._kill_at and time.monotonic() > self._kill_at:
                _say(f"the job (pid {job.pid}) has not stopped within {self._grace:.0f} s: killing it")
                with suppress(ProcessLookupError):
                    os.killpg(job.pid, signal.SIGKILL)
                self._kill_at += self._grace
        for _ in range(_PIPE_CHUNKS):  # what is left; a process that the job left behind may go on writing
            self._read(output)
        status = job.returncode if job.returncode >= 0 else _SIGNALLED - job.returncode
        return Outcome(self._end or End.EXITED, status, self._words())

    def _ask(self, end: End) -> None:
        """The first reason counts."""
        self._end = self._end or end

    def _read(self, output: int) -> bytes | None:
        """Passes on what is there; None if there is nothing now, b"" if the pipe is closed."""
        try:
            chunk = os.read(output, _CHUNK)
        except BlockingIOError:
            return None
        with suppress(OSError):  # nobody may read it any more
            os.write(sys.stderr.fileno(), chunk)
        self._last = (self._last + chunk)[-_KEPT_BYTES:]
        return chunk

    def _words(self) -> str:
        text = self._last.decode(errors="replace").replace("\0", "")
        if len(self._last) == _KEPT_BYTES:
            text = text.partition("\n")[2] or text  # without the line that was cut
        return text.strip()


def _end_with_parent() -> None:
    """In the job's process, before it becomes the job."""
    with suppress(OSError):  # not Linux
        set_pdeathsig(signal.SIGTERM)


def _say(words: str) -> None:
    with suppress(OSError):
        print(f"castro_spark.beat: {words}", file=sys.stderr, flush=True)


def outcome(task: str, watch: Watch, command: Sequence[str]) -> Outcome:
    """Runs the job if the task's lock is free. What prevents that is an outcome, with the exit status of its kind."""
    lock = None
    try:
        lock = ExclusiveLock(settings().postgres, "task", task)
        if not lock.take():
            return Outcome(End.BUSY, None, f"not started: an earlier run of {task} goes on")
        return watch.run()
    except CastroError as error:
        return Outcome(End.EXITED, error.exit_status, str(error))
    except psycopg2.Error as error:
        return Outcome(End.EXITED, CastroError.exit_status, f"PostgreSQL, for the lock on {task}: {in_words(error)}")
    except OSError as error:
        words = f"{command[0]} cannot be started: {error.strerror}; set CASTRO_DOOR to castro_spark's spark-submit.sh"
        return Outcome(End.EXITED, UsageError.exit_status, words)
    finally:
        if lock is not None:
            lock.release()


def main(arguments: Sequence[str]) -> None:
    """Prints the outcome."""
    task, limit, grace = arguments[:3]
    command = arguments[arguments.index("--") + 1 :]
    watch = Watch(command, float(limit), float(grace))
    told = outcome(task, watch, command)
    with suppress(OSError):  # a worker that is gone asks no more
        print(told.as_json(), flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
