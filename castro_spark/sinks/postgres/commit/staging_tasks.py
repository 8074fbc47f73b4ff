"""Staging of a large batch by the executors: each task streams its records to COPY, one Arrow batch at a time.

Each Arrow batch is one transaction under its own attempt number. An outage thus repeats only the current batch, and an
attempt whose COMMIT may have been lost is never merged.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame

from castro_spark.parse import ParseRules, parse_batch
from castro_spark.parse.notes import Notes
from castro_spark.sections.servers import PostgresSettings
from castro_spark.sinks.postgres.commit.ledger import check_writer
from castro_spark.sinks.postgres.commit.produce_times import ProduceTimes
from castro_spark.sinks.postgres.commit.staging import (
    Counts,
    StagedBatch,
    copy_parsed,
    count,
    new_attempt,
    not_yet_consumed,
    record_bytes,
    unknown_fields,
)
from castro_spark.sinks.postgres.connection import Connection, connect, outlast_outages
from castro_spark.sinks.postgres.session.refused_tasks import raise_refusal
from castro_spark.streams.declaration import StreamDeclaration

_COUNTS = ("events", "rejects", "skipped", "kept", "natural", "raw_ids")
COUNTS_SCHEMA = (
    f"attempt bigint, partition int, {', '.join(f'{name} bigint' for name in _COUNTS)}, unknown array<string>,"
    " notes string, produced string, bytes bigint, stopped_at bigint"
)
_COUNTS_TYPES = pa.schema(
    {
        "attempt": pa.int64(),
        "partition": pa.int32(),
        **dict.fromkeys(_COUNTS, pa.int64()),
        "unknown": pa.list_(pa.string()),
        "notes": pa.string(),
        "produced": pa.string(),
        "bytes": pa.int64(),
        "stopped_at": pa.int64(),
    }
)


@dataclass(frozen=True)
class TaskBounds:
    """The bounds at which a task stops early: bytes of keys and values, and seconds."""

    bytes: int
    seconds: float


def stage_partition(
    batches: Iterator[pa.RecordBatch],
    *,
    settings: PostgresSettings,
    rules: ParseRules,
    positions: Mapping[int, int],
    slot: str,
    patience: float,
    bounds: TaskBounds,
    epoch: int | None = None,
) -> Iterator[pa.RecordBatch]:
    """One task of a large batch: parse and COPY the records of one partition, an Arrow batch at a time; reports counts.

    Runs on an executor (mapInArrow). Out: COUNTS_SCHEMA. Repeated: stages again, under new attempt numbers. Once
    `bounds` are reached it stops early and reports the next offset. `epoch`: the writer's, for the writer's slots; a
    late task of a fenced writer raises Fenced and leaves nothing there.
    """
    began, taken = time.monotonic(), 0

    def parsed() -> Iterator[tuple[pa.RecordBatch, bool]]:
        nonlocal taken
        for batch in batches:
            records = not_yet_consumed(batch, positions)
            taken += record_bytes(records)
            if not len(records):
                continue
            full = taken >= bounds.bytes or time.monotonic() - began >= bounds.seconds
            yield parse_batch(records, rules), full
            if full:
                return

    yield from _stage(parsed(), rules.stream, settings=settings, slot=slot, patience=patience, epoch=epoch)


def stage_on_executors(
    records: DataFrame, task: Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]], slot: str
) -> StagedBatch:
    """A large batch: `task` copies each partition into the slot; returns the counts of the successful tasks.

    Raises ExecutorRefused if PostgreSQL refuses the tasks' sessions.
    """
    batch = StagedBatch(slot=slot)
    try:
        rows = records.mapInArrow(task, COUNTS_SCHEMA).collect()
    except PySparkException as error:
        raise_refusal(error)
        raise
    for row in rows:
        batch.attempts.append(row.attempt)
        counts = batch.counts.setdefault(row.partition, Counts())
        counts.add(*(row[name] for name in _COUNTS))
        batch.unknown.update(row.unknown)
        batch.notes.add(Notes.of_json(row.notes))
        batch.produced.add(ProduceTimes.of_json(row.produced))
        batch.bytes += row.bytes
        if row.stopped_at is not None:
            batch.stopped_at[row.partition] = row.stopped_at
    return batch


def stage_parsed(
    parsed: Iterable[pa.RecordBatch],
    stream: StreamDeclaration,
    *,
    settings: PostgresSettings,
    slot: str,
    patience: float,
    epoch: int | None = None,
) -> Iterator[pa.RecordBatch]:
    """COPY of a task's parsed records into the slot, batch by batch; yields the counts (COUNTS_SCHEMA)."""
    each = ((batch, False) for batch in parsed)
    yield from _stage(each, stream, settings=settings, slot=slot, patience=patience, epoch=epoch)


def _stage(
    parsed: Iterable[tuple[pa.RecordBatch, bool]],
    stream: StreamDeclaration,
    *,
    settings: PostgresSettings,
    slot: str,
    patience: float,
    epoch: int | None = None,
) -> Iterator[pa.RecordBatch]:
    """Stages (batch, whether the task stops after it) pairs."""
    connection: Connection | None = None
    try:
        for batch, last in parsed:
            if not len(batch):
                continue
            # A refused login is told at once: only the driver can report it.
            for again in outlast_outages(patience, starting=True):
                with again:
                    attempt = new_attempt()  # an attempt whose COMMIT may have been lost is never merged
                    if connection is None or connection.closed:
                        connection = connect(settings, f"castro_spark {stream.name} staging")
                    try:
                        copy_parsed(connection, stream, batch, attempt, slot)
                        if epoch is not None:
                            check_writer(connection, stream.name, epoch)
                        connection.commit()
                    except BaseException:
                        connection.close()
                        raise
            yield _counted(batch, attempt, last)
    finally:
        if connection is not None:
            connection.close()


def _counted(parsed: pa.RecordBatch, attempt: int, last: bool) -> pa.RecordBatch:
    """The counts of a batch copied under `attempt`, one row per partition (COUNTS_SCHEMA)."""
    partitions = parsed.column("partition")
    rows = []
    for partition, counts in count([parsed]).items():
        here = parsed.filter(pc.equal(partitions, partition))
        rows.append({
            "attempt": attempt, "partition": partition, **{name: getattr(counts, name) for name in _COUNTS},
            "unknown": sorted(unknown_fields([here])), "notes": Notes.of([here]).as_json(),
            "produced": ProduceTimes.of([here]).as_json(), "bytes": record_bytes(here),
            "stopped_at": pc.max(here.column("offset")).as_py() + 1 if last else None,
        })  # fmt: skip
    return pa.RecordBatch.from_pylist(rows, schema=_COUNTS_TYPES)
