"""Staging: COPY of a batch's parsed records, on the driver or the executors, into tables that its transaction merges.

A small batch is staged by the driver, in temporary tables within the commit's transaction. A large one is staged by
the executors in parallel, in unlogged tables, one Arrow batch at a time, each under its own attempt number. Only the
attempts of tasks that Spark reports as successful are merged, so a retried or speculative task counts once; and the
commit compares the staged rows with the tasks' counts.

There are two slots of staging tables, so that one batch is staged while the previous one commits, and a third for
out-of-band commits. A slot is emptied by the commit that merged it, and at a start.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from io import BytesIO

import pyarrow as pa
import pyarrow.compute as pc
from psycopg2 import sql
from psycopg2.errors import LockNotAvailable
from pyarrow import csv

from castro_spark.parse import DELETE, EVENT, REJECT, ParseRules, Reason, parse_batch
from castro_spark.parse.identity import NATURAL_PATTERN, Kinds
from castro_spark.parse.notes import Notes
from castro_spark.parse.raw_ids import without_ambiguous
from castro_spark.sinks.postgres.commit.produce_times import ProduceTimes
from castro_spark.sinks.postgres.connection import Connection, names
from castro_spark.sinks.postgres.schema.working_tables import (
    SLOTS,
    TEMPORARY,
    events_table,
    rejects_table,
)
from castro_spark.streams.declaration import IdentityKind, StreamDeclaration

REJECT_COLUMNS = ("partition", "offset", "record_timestamp", "key", "value", "reason", "detail")
KEPT_BYTES = 1 << 20  # stored of a reject's key and of its value
_CUT = ("value_length", "value_sha256")  # of a longer value; else null
_ORIGIN = ("topic", "generation")  # of a reject, if not the ledger's
_CSV = csv.WriteOptions(include_header=False)


@dataclass
class Counts:
    """Records of one partition by outcome. `events` include deletes. Of these, `kept` have unsent columns, `natural`
    are identified by their natural key, and `raw_ids` have an id that was not sent in normal form."""

    events: int = 0
    rejects: int = 0
    skipped: int = 0
    kept: int = 0
    natural: int = 0
    raw_ids: int = 0

    @property
    def records(self) -> int:
        return self.events + self.rejects + self.skipped

    def add(
        self, events: int = 0, rejects: int = 0, skipped: int = 0, kept: int = 0, natural: int = 0, raw_ids: int = 0
    ) -> None:
        self.events += events
        self.rejects += rejects
        self.skipped += skipped
        self.kept += kept
        self.natural += natural
        self.raw_ids += raw_ids


@dataclass
class StagedBatch:
    """A batch ready for its transaction: counts by partition, and the location of its records.

    They are in `parsed` (the driver will COPY them), or staged under `attempts` in the tables of `slot`.
    """

    counts: dict[int, Counts] = field(default_factory=dict)
    parsed: list[pa.RecordBatch] = field(default_factory=list)
    attempts: list[int] = field(default_factory=list)
    slot: str = TEMPORARY
    unknown: set[str] = field(default_factory=set)  # names of fields that are not in the declaration
    notes: Notes = field(default_factory=Notes)
    produced: ProduceTimes = field(default_factory=ProduceTimes)
    bytes: int = 0  # of the records' keys and values
    stopped_at: dict[int, int] = field(default_factory=dict)  # partitions whose task stopped early: the next offset

    def reached(self, ends: Mapping[int, int]) -> dict[int, int]:
        """The batch's actual ends, given the planned `ends`. After an early stop, a partition without counts is left
        out: it may not have been read at all."""
        if not self.stopped_at:
            return dict(ends)
        return {p: self.stopped_at.get(p, end) for p, end in ends.items() if p in self.counts}

    def total(self, outcome: str) -> int:
        return sum(getattr(c, outcome) for c in self.counts.values())

    @property
    def kinds(self) -> Kinds:
        """The kinds of identity of its events."""
        natural, events = self.total("natural"), self.total("events")
        return frozenset(kind for kind, n in zip(IdentityKind, (events - natural, natural), strict=True) if n)


def new_attempt() -> int:
    """A random number, unique to one task's attempt."""
    return secrets.randbits(62)


def stage_on_driver(
    records: Iterable[pa.RecordBatch], rules: ParseRules, positions: Mapping[int, int]
) -> StagedBatch:
    """A small batch: parsed here, buffered until its transaction copies it."""
    parsed = [parse_batch(not_yet_consumed(batch, positions), rules) for batch in records]
    parsed = without_ambiguous(parsed, rules.stream, REJECT)
    return StagedBatch(
        counts=count(parsed), parsed=parsed, unknown=unknown_fields(parsed), notes=Notes.of(parsed),
        produced=ProduceTimes.of(parsed), bytes=sum(record_bytes(batch) for batch in parsed),
    )  # fmt: skip


def not_yet_consumed(batch: pa.RecordBatch, positions: Mapping[int, int]) -> pa.RecordBatch:
    """The rows at or above the ledger's positions. An earlier commit consumed the rows below: a replayed batch."""
    partitions, offsets = batch.column("partition"), batch.column("offset")
    for partition in pc.unique(partitions).to_pylist():
        here = pc.equal(partitions, partition)
        consumed = pc.and_(here, pc.less(offsets, positions.get(partition, 0)))
        if pc.any(consumed).as_py():
            batch = batch.filter(pc.invert(consumed))
            partitions, offsets = batch.column("partition"), batch.column("offset")
    return batch


def count(parsed: Iterable[pa.RecordBatch]) -> dict[int, Counts]:
    """Records by partition and outcome."""
    counts: dict[int, Counts] = {}
    for batch in parsed:
        natural = pc.match_substring_regex(batch.column("event_id"), NATURAL_PATTERN).cast(pa.int64())
        columns = batch.select(["partition", "outcome", "kept", "raw_id"]).append_column("natural", natural)
        table = pa.Table.from_batches([columns])
        sums = [([], "count_all"), ("kept", "count"), ("natural", "sum"), ("raw_id", "count")]
        # Without threads: a small batch is counted in a third of the time.
        grouped = table.group_by(["partition", "outcome"], use_threads=False).aggregate(sums)
        for row in grouped.to_pylist():
            n, outcome = row["count_all"], row["outcome"]
            here = counts.setdefault(row["partition"], Counts())
            if outcome in (EVENT, DELETE):
                here.add(n, kept=row["kept_count"], natural=row["natural_sum"], raw_ids=row["raw_id_count"])
            elif outcome == REJECT:
                here.add(rejects=n)
            else:
                here.add(skipped=n)
    return counts


def record_bytes(records: pa.RecordBatch) -> int:
    """Bytes of the keys and values."""
    return sum(pc.sum(pc.binary_length(records.column(name))).as_py() or 0 for name in ("key", "value"))


def unknown_fields(parsed: Iterable[pa.RecordBatch]) -> set[str]:
    """The names of unknown fields in the records."""
    return {name for batch in parsed for name in pc.unique(pc.list_flatten(batch.column("unknown"))).to_pylist()}


def with_origin(parsed: pa.RecordBatch, topic: str, generation: int) -> pa.RecordBatch:
    """Adds topic and generation to parsed records: an out-of-band commit's may be of an earlier generation."""
    rows = len(parsed)
    origin = pa.array([topic] * rows), pa.array([generation] * rows, pa.int32())
    for name, values in zip(_ORIGIN, origin, strict=True):
        parsed = parsed.append_column(name, values)
    return parsed


def create_temporary_tables(connection: Connection, stream: StreamDeclaration) -> None:
    """Creates the session's temporary staging tables, emptied at the end of each transaction."""
    with connection, connection.cursor() as cursor:
        for table in (events_table, rejects_table):
            cursor.execute(
                sql.SQL("CREATE TEMP TABLE {} (LIKE {}) ON COMMIT DELETE ROWS").format(
                    table(stream, TEMPORARY), table(stream, SLOTS[0])
                )
            )


def copy_parsed(
    connection: Connection, stream: StreamDeclaration, parsed: pa.RecordBatch, attempt: int, slot: str
) -> None:
    """COPY of a parsed batch's events, deletes and rejects, within the caller's transaction.

    A record with unsent columns is staged as event and as reject: the commit decides which it is (merging/unchanged).
    """
    outcome, kept = parsed.column("outcome"), parsed.column("kept")
    deleted = pc.equal(outcome, DELETE)
    events = parsed.append_column("deleted", deleted).filter(pc.or_(deleted, pc.equal(outcome, EVENT)))
    events = events.set_column(events.schema.get_field_index("kept"), "kept", _text_array(events.column("kept")))
    # In the order in which the merge sorts them, by bytes (COLLATE "C"): PostgreSQL sorts what is sorted in no time.
    events = events.take(pc.sort_indices(events.column("event_id")))
    copy_rows(
        connection,
        events.select(["partition", "offset", "deleted", "kept", *stream.event_columns]),
        events_table(stream, slot),
        ("source_partition", "source_offset", "deleted", "kept", *stream.event_columns),
        attempt,
    )
    if kept.null_count < len(kept):
        unsent = pc.and_(kept.is_valid(), pc.equal(outcome, EVENT))
        for name, value in (("reason", Reason.UNAVAILABLE_VALUE.value), ("detail", pc.binary_join(kept, ", "))):
            column = pc.if_else(unsent, value, parsed.column(name))
            parsed = parsed.set_column(parsed.schema.get_field_index(name), name, column)
        outcome = pc.if_else(unsent, REJECT, outcome)
    columns = (*REJECT_COLUMNS, *(name for name in _ORIGIN if name in parsed.schema.names))
    rejects = parsed.filter(pc.equal(outcome, REJECT)).select(list(columns))
    cut = [None if v is None or len(v) <= KEPT_BYTES else v for v in rejects.column("value").to_pylist()]
    for name in ("key", "value"):
        rejects = rejects.set_column(rejects.schema.get_field_index(name), name, _bytea(rejects.column(name)))
    rejects = rejects.append_column(_CUT[0], pa.array([v and len(v) for v in cut], pa.int64()))
    hashes = [v and f"\\x{hashlib.sha256(v).hexdigest()}" for v in cut]
    rejects = rejects.append_column(_CUT[1], pa.array(hashes, pa.string()))
    copy_rows(connection, rejects, rejects_table(stream, slot), (*columns, *_CUT), attempt)


def copy_rows(
    connection: Connection, rows: pa.RecordBatch, table: sql.Identifier, columns: Sequence[str], attempt: int | None
) -> None:
    """COPY of rows into the `columns` of a staging table, under an attempt number, within the caller's transaction.

    Without an attempt: into a table that has no such column.
    """
    if rows.num_rows == 0:
        return
    for index, column in enumerate(rows.schema):
        if pa.types.is_timestamp(column.type) and column.type.tz:
            # In UTC, the session's zone. Arrow writes zoned instants thirty times slower.
            rows = rows.set_column(index, column.name, rows.column(index).cast(pa.timestamp(column.type.unit)))
        elif pa.types.is_binary(column.type):
            rows = rows.set_column(index, column.name, _bytea(rows.column(index)))
    if attempt is not None:
        rows = rows.add_column(0, "attempt", pa.array([attempt] * rows.num_rows, pa.int64()))
        columns = ("attempt", *columns)
    payload = BytesIO()
    csv.write_csv(rows, payload, _CSV)
    payload.seek(0)
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv)").format(table, names(tuple(columns)))
    with connection.cursor() as cursor:
        cursor.copy_expert(statement.as_string(cursor), payload)


def _bytea(values: pa.Array) -> pa.Array:
    """Bytes as bytea literals, truncated to KEPT_BYTES."""
    return pa.array([None if v is None else f"\\x{v[:KEPT_BYTES].hex()}" for v in values.to_pylist()], pa.string())


def _text_array(values: pa.Array) -> pa.Array:
    """Lists of column names as array literals."""
    return pc.binary_join_element_wise("{", pc.binary_join(values, ","), "}", "")


def empty_slot(connection: Connection, stream: StreamDeclaration, slot: str) -> None:
    """Empties a slot within the caller's transaction, which must have the stream's lock.

    Never waits: if a task of a fenced or frozen writer is in mid-COPY, the rows are deleted instead of truncated.
    """
    tables = events_table(stream, slot), rejects_table(stream, slot)
    with connection.cursor() as cursor:
        cursor.execute("SAVEPOINT castro_empty_slot")
        try:
            cursor.execute(sql.SQL("LOCK TABLE {}, {} IN ACCESS EXCLUSIVE MODE NOWAIT").format(*tables))
            cursor.execute(sql.SQL("TRUNCATE {}, {}").format(*tables))
        except LockNotAvailable:
            cursor.execute("ROLLBACK TO SAVEPOINT castro_empty_slot")
            for table in tables:
                cursor.execute(sql.SQL("DELETE FROM {}").format(table))
