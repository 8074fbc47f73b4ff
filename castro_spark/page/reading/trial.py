"""Tries a mended value: what the stream's own code would make of it now. Nothing is written.

It runs in a process of its own, one at a time, for a few seconds at most: the parser needs PySpark and PyArrow, 100 MB
that the page does not keep, and the bytes come from whoever sent them. Loading these two is not counted: it takes a
second, and on a busy machine half a minute.
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from multiprocessing.connection import Connection
from threading import Lock
from typing import Any

from castro_spark.parse.rules import ParseRules

_SECONDS, _LOAD_SECONDS = 20.0, 60.0
_LOADED = "loaded"
_one_at_a_time = Lock()


@dataclass(frozen=True)
class Record:
    """A record as the stream read it; `value`: the mended one."""

    partition: int
    offset: int
    timestamp: datetime | None
    key: bytes | None
    value: bytes | None


@dataclass(frozen=True)
class Trial:
    """What became of it: event, delete, reject or skip; of a reject or a skipped record why. `problem`: it could not be
    tried. `values`: an event's columns, as text. `position`: its place in the order of its source."""

    outcome: str | None = None
    reason: str | None = None
    detail: str | None = None
    values: Mapping[str, str | None] = field(default_factory=dict)
    unknown: tuple[str, ...] = ()
    position: bytes | None = None
    problem: str | None = None


def tried(rules: ParseRules, record: Record) -> Trial:
    """The trial of a record."""
    if not _one_at_a_time.acquire(timeout=_SECONDS):
        return Trial(problem="busy")
    try:
        return _in_a_process(rules, record)
    finally:
        _one_at_a_time.release()


def _in_a_process(rules: ParseRules, record: Record) -> Trial:
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=_answer, args=(there, rules, record), daemon=True)
    process.start()
    there.close()
    try:
        if not here.poll(_LOAD_SECONDS):
            return Trial(problem="slow")
        assert here.recv() == _LOADED
        if not here.poll(_SECONDS):
            return Trial(problem="slow")
        trial = here.recv()
        assert isinstance(trial, Trial)
    except EOFError:
        return Trial(problem="failed")
    else:
        return trial
    finally:
        here.close()
        process.kill()
        process.join()


def _answer(there: Connection, rules: ParseRules, record: Record) -> None:
    import castro_spark.parse  # noqa: F401, PLC0415 - before the time is counted

    there.send(_LOADED)
    there.send(parsed(rules, record))
    there.close()


def parsed(rules: ParseRules, record: Record) -> Trial:
    """What the parser makes of it, in this process."""
    import pyarrow as pa  # noqa: PLC0415 - the page's own process does not load it

    from castro_spark.parse import parse_batch  # noqa: PLC0415

    columns: dict[str, Any] = {
        "partition": pa.array([record.partition], pa.int32()),
        "offset": pa.array([record.offset], pa.int64()),
        "timestamp": pa.array([record.timestamp], pa.timestamp("us", tz="UTC")),
        "key": pa.array([record.key], pa.binary()),
        "value": pa.array([record.value], pa.binary()),
    }
    (row,) = parse_batch(pa.RecordBatch.from_pydict(columns), rules).to_pylist()
    shown = {name: row[name] for name in rules.stream.event_columns if name != "source_position"}
    return Trial(
        outcome=row["outcome"], reason=row["reason"], detail=row["detail"],
        values={name: None if value is None else str(value) for name, value in shown.items()},
        unknown=tuple(row["unknown"] or ()), position=row["source_position"],
    )  # fmt: skip
