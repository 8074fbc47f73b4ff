"""The standard streams of a job that must end its work also where nobody reads its output any more.

`./spark-submit.sh migrate | head -1` closes the pipe after a line. The next write would end the job half-way. Here the
rest of the output is dropped instead, which one line on stderr says, and the job goes on.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO


class Streams:
    """Whether output was lost, and why: the first error of a write to stdout or stderr."""

    def __init__(self) -> None:
        self.error: OSError | None = None

    @property
    def truncated(self) -> bool:
        """Output was lost although somebody wants it: a full disk, not a reader that left."""
        return self.error is not None and not isinstance(self.error, BrokenPipeError)

    def lost(self, error: OSError) -> None:
        """Notes the loss and says it once, where stderr still has a reader."""
        first, self.error = self.error is None, self.error or error
        if first:
            why = "nobody reads it any more" if isinstance(error, BrokenPipeError) else error.strerror
            print(f"output: {why}; the job goes on to its end, what else it prints is dropped", file=sys.stderr)


class _Droppable(io.FileIO):
    """A standard stream that goes to the null device from the first write on that fails."""

    def __init__(self, number: int, lost: Callable[[OSError], None]) -> None:
        super().__init__(number, "w", closefd=False)
        self._lost = lost

    def write(self, data: bytes) -> int:  # type: ignore[override]
        try:
            return super().write(data)
        except OSError as error:
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self.fileno())  # child processes write there too from now on
            os.close(null)
            self._lost(error)
            return len(data)


@contextmanager
def droppable_output() -> Iterator[Streams]:
    """Makes this program's stdout and stderr droppable until the block ends; leaves streams that were replaced."""
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
