"""Standard streams for jobs that must complete even if their output can no longer be written.

`./spark-submit.sh migrate | head -1` closes the pipe after one line. The next write would abort the job. Instead, the
rest of the output is dropped, one line on stderr reports it, and the job continues.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TextIO

JOB_LOG = "job.log"  # in a container's log folder
_LOG_BYTES, _OLD_LOGS = 10_000_000, 9  # as those of conf/log4j2-yarn.properties
_STDERR = 2


class JobLog(RotatingFileHandler):
    """A log that is rolled by size, and takes the place of stderr: what is written there goes to the newest file."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, maxBytes=_LOG_BYTES, backupCount=_OLD_LOGS, encoding="utf-8")
        self._redirect()

    def doRollover(self) -> None:  # noqa: N802 - the standard library's name
        super().doRollover()
        self._redirect()

    def _redirect(self) -> None:
        assert self.stream is not None  # it is None only with a delay, or once closed
        sys.stderr.flush()
        if self.stream is not None:  # it is open: only a closed handler has none
            os.dup2(self.stream.fileno(), _STDERR)


@cache
def job_log() -> JobLog | None:
    """For a driver on YARN (deploy/shipping.py sets the variable) a log that YARN keeps, in place of stderr; else None.

    Spark's launcher of Python drivers joins stderr to stdout, where nobody could tell a job's output from its log.
    """
    folder = os.environ.get("LOG_DIRS", "").partition(",")[0]
    return JobLog(Path(folder, JOB_LOG)) if os.environ.get("CASTRO_VARIABLES_FILE") and folder else None


class Streams:
    """The first write error of stdout or stderr, if output was lost."""

    def __init__(self) -> None:
        self.error: OSError | None = None

    @property
    def truncated(self) -> bool:
        """Whether output was lost for another reason than a closed pipe, such as a full disk."""
        return self.error is not None and not isinstance(self.error, BrokenPipeError)

    def lost(self, error: OSError) -> None:
        """Records the error, and reports the first one on stderr."""
        first, self.error = self.error is None, self.error or error
        if first:
            reason = "the pipe was closed" if isinstance(error, BrokenPipeError) else error.strerror
            print(f"output: {reason}; the job continues, further output is dropped", file=sys.stderr)


class _Droppable(io.FileIO):
    """A standard stream that is redirected to the null device after the first failed write."""

    def __init__(self, number: int, lost: Callable[[OSError], None]) -> None:
        super().__init__(number, "w", closefd=False)
        self._lost = lost

    def write(self, data: bytes) -> int:  # type: ignore[override]
        try:
            return super().write(data)
        except OSError as error:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self.fileno())  # child processes inherit the redirection
            os.close(null)
            self._lost(error)
            return len(data)


@contextmanager
def droppable_output() -> Iterator[Streams]:
    """Makes this program's stdout and stderr droppable until the block ends; skips streams that were replaced."""
    streams = Streams()
    before = sys.stdout, sys.stderr
    if (out := sys.__stdout__) is not None and sys.stdout is out:
        sys.stdout = _text(out, streams)
    if (err := sys.__stderr__) is not None and sys.stderr is err:
        sys.stderr = _text(err, streams)
    try:
        yield streams
    finally:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
        sys.stdout, sys.stderr = before


def _text(stream: TextIO, streams: Streams) -> TextIO:
    stream.flush()
    raw: io.RawIOBase = _Droppable(stream.fileno(), streams.lost)
    return io.TextIOWrapper(
        io.BufferedWriter(raw),
        encoding=stream.encoding, errors=stream.errors, line_buffering=True,
    )  # fmt: skip
