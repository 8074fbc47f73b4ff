"""Staging of a warehouse table: executors COPY its rows in parallel, each task under its own attempt number; or, in a
full refresh, straight into the table that will replace it, each task in a transaction of its own number.

Guarantee: only attempts of tasks that Spark reports as successful are loaded, so a retried or speculative task counts
once. Each task needs memory for one Arrow batch, however many rows there are. The driver gets one row per task.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import psycopg2
import psycopg2.errors
import pyarrow as pa
import pyarrow.compute as pc
from psycopg2 import sql
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame

from castro_spark.sections.servers import PostgresSettings
from castro_spark.sinks.postgres.commit.staging import copy_rows, new_attempt
from castro_spark.sinks.postgres.connection import Connection, connect
from castro_spark.sinks.postgres.session.refused_tasks import raise_refusal
from castro_spark.sinks.postgres.warehouse.copy import loading_name
from castro_spark.sinks.postgres.warehouse.tables import staging_table

_COUNTS_SCHEMA = "attempt bigint, rows bigint, cleaned bigint, ahead bigint, newest timestamp"
# The last line of a Python traceback, as in "psycopg2.errors.DiskFull: could not extend file".
_POSTGRES_ERROR = re.compile(r"^psycopg2\.(?:errors\.)?(\w+): (.*)$", re.MULTILINE)


@dataclass(frozen=True)
class StagedTable:
    """What was staged of a table, and its largest watermark."""

    attempts: list[int]  # that succeeded; of a table that is replaced: their transactions
    rows: int
    cleaned: int  # texts with NUL characters, which PostgreSQL cannot store: these were removed
    ahead: int  # rows from the future: loaded, but ignored for the watermark
    newest: datetime | None


def stage_table(
    rows: DataFrame, settings: PostgresSettings, target: str, *, version: str, not_after: datetime, tasks: int,
    replacing: bool = False,
) -> StagedTable:
    """Copies `rows` into the staging table of `target`, with up to `tasks` parallel tasks.

    `replacing`: straight into the table that will replace it (copy.create_loading).
    """
    copy = partial(
        copy_partition, settings=settings, target=target, version=version, not_after=not_after, replacing=replacing
    )
    try:
        counts = rows.coalesce(tasks).mapInArrow(copy, _COUNTS_SCHEMA).toArrow()
    except PySparkException as error:
        raise_as_postgres(error)
        raise
    newest = pc.max(counts.column("newest")).as_py() if counts.num_rows else None
    return StagedTable(
        attempts=counts.column("attempt").to_pylist(),
        rows=pc.sum(counts.column("rows")).as_py() or 0,
        cleaned=pc.sum(counts.column("cleaned")).as_py() or 0,
        ahead=pc.sum(counts.column("ahead")).as_py() or 0,
        newest=newest,
    )


def raise_as_postgres(error: PySparkException) -> None:
    """Re-raises a task's PostgreSQL error, which reaches the driver as text, as its original class; else returns.

    A refused session is raised as ExecutorRefused.
    """
    raise_refusal(error)
    matches = _POSTGRES_ERROR.findall(str(error))
    if matches:
        name, message = matches[-1]
        kind: type[Exception] = getattr(psycopg2.errors, name, getattr(psycopg2, name, psycopg2.DatabaseError))
        raise kind(message) from None


def copy_partition(
    batches: Iterator[pa.RecordBatch], *, settings: PostgresSettings, target: str, version: str, not_after: datetime,
    replacing: bool,
) -> Iterator[pa.RecordBatch]:
    """One task: COPY of its rows in one transaction; yields its counts. Repeated: copies again, as another attempt.

    Runs on an executor (mapInArrow).
    """
    attempt = None if replacing else new_attempt()
    table = sql.Identifier(loading_name(target)) if replacing else staging_table(target)
    rows = cleaned = ahead = 0
    newest: datetime | None = None
    connection: Connection | None = None
    try:
        for batch in batches:
            if batch.num_rows == 0:
                continue
            connection = connection or connect(settings, f"castro_spark extract {target} staging")
            storable, with_nul = _without_nul(batch)
            copy_rows(connection, storable, table, storable.schema.names, attempt)
            times = batch.column(version)
            counted = pc.less_equal(times, pa.scalar(not_after, times.type))
            latest = pc.max(times.filter(counted)).as_py()
            newest = max(filter(None, (newest, latest)), default=None)
            ahead += batch.num_rows - times.null_count - (pc.sum(counted).as_py() or 0)
            rows += batch.num_rows
            cleaned += with_nul
        if connection is None:
            return
        if attempt is None:
            attempt = transaction_of(connection)
        connection.commit()
    finally:
        if connection is not None:
            connection.close()
    counts = {"attempt": attempt, "rows": rows, "cleaned": cleaned, "ahead": ahead, "newest": newest}
    kinds = [(name, pa.int64()) for name in ("attempt", "rows", "cleaned", "ahead")]
    yield pa.RecordBatch.from_pylist([counts], schema=pa.schema([*kinds, ("newest", pa.timestamp("us", tz="UTC"))]))


def transaction_of(connection: Connection) -> int:
    """The number that PostgreSQL gives each row of the connection's transaction (xmin)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_current_xact_id()::xid::text::bigint")
        (number,) = cursor.fetchone() or (0,)
    return int(number)


def _without_nul(batch: pa.RecordBatch) -> tuple[pa.RecordBatch, int]:
    count = 0
    for index, column in enumerate(batch.schema):
        if not pa.types.is_string(column.type):
            continue
        values = batch.column(index)
        with_nul = pc.sum(pc.greater(pc.count_substring(values, "\0"), 0)).as_py()
        if with_nul:
            count += with_nul
            batch = batch.set_column(index, column.name, pc.replace_substring(values, "\0", ""))
    return batch, count
