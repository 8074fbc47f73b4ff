"""Status: the running parts beside the streams (archives, projectors, jobs), and how each ended that ran before."""

from __future__ import annotations

from collections.abc import Iterator

from castro_spark.observe.instance import is_silent, summary
from castro_spark.observe.status.block import Asked, Block, Part, error_lines
from castro_spark.observe.status.blocks.stream_text import ago
from castro_spark.process.component import ALIVE, Mode, State
from castro_spark.sinks.postgres.operations.instances import all_current

_STREAM = "stream"  # a block of its own
_SHOWN = frozenset({"extract loop"})  # continuous parts whose last run is shown


def _answer(asked: Asked, _: Part) -> Part:
    rows = [row for row in all_current(asked.connection) if row["kind"] != _STREAM]
    return {
        "running": [row for row in rows if State(row["state"]) in ALIVE],
        "ended": [row for row in rows if State(row["state"]) not in ALIVE],
    }


def _lines(part: Part) -> Iterator[str]:
    if "error" in part:
        yield "components:"
        yield from error_lines(part["error"], "  ")
        return
    for row in (*part["running"], *filter(_is_worth_a_line, part["ended"])):
        name = f"{row['kind']} {row['stream']}".rstrip()
        line = f"{name}: {summary(row)}"
        if (row["mode"] == Mode.ONCE.value or row["kind"] in _SHOWN) and row["progress"]:
            line += "".join(f", {entry} {value}" for entry, value in row["progress"].items() if value is not None)
        if is_silent(row):
            line += f"; NO HEARTBEAT for {ago(row['silent_seconds'])}: it was killed, or cannot reach PostgreSQL"
        if row["error"]:
            line += f": {row['error'].partition(chr(10))[0]}"
        yield line


def _is_worth_a_line(row: Part) -> bool:
    """How a job ended, and what ended badly; that a projector stopped with its stream is no news."""
    return bool(row["mode"] == Mode.ONCE.value or row["kind"] in _SHOWN or row["error"])


COMPONENTS = Block("components", _answer, _lines)
