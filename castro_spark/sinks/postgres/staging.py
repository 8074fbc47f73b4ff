"""Staging: COPY of a batch's lines, from wherever they are, into tables that its transaction takes up.

A small batch is staged by the driver, in temporary tables and within the commit's own transaction; a large
one by the executors in parallel, in unlogged tables, each task under an attempt number of its own. Only the
attempts that Spark counts as done are taken up, so a task that was retried or speculated counts once.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from io import BytesIO

import pyarrow as pa
import pyarrow.compute as pc
from psycopg2 import sql

from castro_spark.settings import PostgresSettings
from castro_spark.sinks.postgres.connection import Connection, connect, names, outlast_outages
from castro_spark.sinks.postgres.copy_text import REJECT_COLUMNS, staged_columns
from castro_spark.streams.declaration import StreamDeclaration

COUNTS_SCHEMA = "attempt bigint, partition int, events bigint, rejects bigint, skipped bigint"


@dataclass
class Counts:
    """What a partition of the batch held."""

    events: int = 0
    rejects: int = 0
    skipped: int = 0

    @property
    def records(self) -> int:
        return self.events + self.rejects + self.skipped

    def add(self, events: int, rejects: int, skipped: int) -> None:
        self.events += events
        self.rejects += rejects
        self.skipped += skipped


@dataclass
class StagedBatch:
    """A batch ready for its transaction: counts by partition, and where its lines lie.

    Either `lines` holds them (the driver will COPY them), or `attempts` names them in the staging tables.
    """

    counts: dict[int, Counts] = field(default_factory=dict)
    lines: list[pa.RecordBatch] = field(default_factory=list)
    attempts: list[int] = field(default_factory=list)

    @property
    def in_temporary_tables(self) -> bool:
        return not self.attempts


def new_attempt() -> int:
    return secrets.randbits(62)


def not_yet_consumed(batch: pa.RecordBatch, positions: Mapping[int, int]) -> pa.RecordBatch:
    """The rows at or above the ledger. What is below was consumed by an earlier commit: a replayed batch."""
    partitions, offsets = batch.column("partition"), batch.column("offset")
    for partition in pc.unique(partitions).to_pylist():
        here = pc.equal(partitions, partition)
        consumed = pc.and_(here, pc.less(offsets, positions.get(partition, 0)))
        if pc.any(consumed).as_py():
            batch = batch.filter(pc.invert(consumed))
            partitions, offsets = batch.column("partition"), batch.column("offset")
    return batch


def count(batches: Iterable[pa.RecordBatch]) -> dict[int, Counts]:
    """Records by partition and outcome."""
    counts: dict[int, Counts] = {}
    for batch in batches:
        grouped = (
            pa.Table.from_batches([batch])
            .group_by("partition")
            .aggregate([("event", "count"), ("reject", "count"), ([], "count_all")])
        )
        for row in grouped.to_pylist():
            events, rejects = row["event_count"], row["reject_count"]
            here = counts.setdefault(row["partition"], Counts())
            here.add(events, rejects, row["count_all"] - events - rejects)
    return counts


def create_temporary_tables(connection: Connection, stream: StreamDeclaration) -> None:
    """This session's own staging tables, empty at each transaction's end."""
    with connection, connection.cursor() as cursor:
        for table in (stream.staged_events_table, stream.staged_rejects_table):
            cursor.execute(
                sql.SQL("CREATE TEMP TABLE {} (LIKE {}) ON COMMIT DELETE ROWS").format(
                    sql.Identifier(table), sql.Identifier("castro", table)
                )
            )


def copy_lines(
    connection: Connection,
    stream: StreamDeclaration,
    batch: pa.RecordBatch,
    attempt: int,
    *,
    temporary: bool,
) -> None:
    """COPY of a batch's event and reject lines; the caller's transaction decides."""
    targets = (
        ("event", stream.staged_events_table, staged_columns(stream)),
        ("reject", stream.staged_rejects_table, REJECT_COLUMNS),
    )
    with connection.cursor() as cursor:
        for column, table, columns in targets:
            lines = batch.column(column).drop_null()
            if len(lines) == 0:
                continue
            numbered = pc.binary_join_element_wise(str(attempt), lines, "\t")
            name = sql.Identifier(table) if temporary else sql.Identifier("castro", table)
            statement = sql.SQL("COPY {} ({}) FROM STDIN").format(name, names(("attempt", *columns)))
            payload = "\n".join(numbered.to_pylist()) + "\n"
            cursor.copy_expert(statement.as_string(cursor), BytesIO(payload.encode()))


def stage_partition(
    batches: Iterator[pa.RecordBatch],
    *,
    settings: PostgresSettings,
    stream: StreamDeclaration,
    positions: Mapping[int, int],
    patience: float,
) -> Iterator[pa.RecordBatch]:
    """One task of a large batch: COPY its rows into the staging tables, commit, and tell the counts.

    Runs on an executor (mapInArrow). Out: COUNTS_SCHEMA. Repeated: stages again, under another attempt.
    """
    held = [not_yet_consumed(batch, positions) for batch in batches]
    counts = count(held)
    if not counts:
        return
    attempt = new_attempt()
    for again in outlast_outages(patience):
        with again:
            connection = connect(settings, f"castro_spark {stream.name} staging")
            try:
                for batch in held:
                    copy_lines(connection, stream, batch, attempt, temporary=False)
                connection.commit()
            finally:
                connection.close()
    rows = [
        {"attempt": attempt, "partition": p, "events": c.events, "rejects": c.rejects, "skipped": c.skipped}
        for p, c in counts.items()
    ]
    schema = pa.schema(
        [("attempt", pa.int64()), ("partition", pa.int32())]
        + [(name, pa.int64()) for name in ("events", "rejects", "skipped")]
    )
    yield pa.RecordBatch.from_pylist(rows, schema=schema)


def empty_staging(connection: Connection, stream: StreamDeclaration) -> None:
    """Removes what earlier batches and failed attempts left behind."""
    with connection, connection.cursor() as cursor:
        for table in (stream.staged_events_table, stream.staged_rejects_table):
            cursor.execute(sql.SQL("TRUNCATE {}").format(sql.Identifier("castro", table)))
