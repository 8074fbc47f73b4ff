"""Writes warehouse tables: one extract of a table at a time, its rows and its watermark in one transaction.

Guarantee: an extract is atomic wherever it stops, and idempotent: the newest row of each key counts, whatever the order
of arrival, and an older row never overwrites a newer one.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import psycopg2.extensions
from psycopg2 import sql

from castro_spark.errors import ChecksFailed, ExtractBusy, StagingLost
from castro_spark.sections.servers import PostgresSettings
from castro_spark.sections.warehouse import LOADED_AT, TableMapping
from castro_spark.sinks.postgres.connection import Connection, connect, names, statement
from castro_spark.sinks.postgres.exclusive import try_lock
from castro_spark.sinks.postgres.warehouse.tables import check_tables, staging_table

if TYPE_CHECKING:  # a status reads the watermarks without Spark
    from castro_spark.sinks.postgres.warehouse.staging import StagedTable

Cursor = psycopg2.extensions.cursor
_POLL_SECONDS = 0.5
_STAGED = sql.SQL("attempt = ANY(%(attempts)s)")  # rows of the attempts that succeeded


@dataclass(frozen=True)
class Mark:
    """A table's committed watermark, which Redis mirrors."""

    watermark: datetime | None
    revision: int


@dataclass(frozen=True)
class Loaded:
    """The result of a load: counts of rows, and the new watermark."""

    inserted: int
    updated: int
    mark: Mark


@dataclass(frozen=True)
class Measured:
    """The staged rows: their count, and the nulls of each column."""

    rows: int
    nulls: dict[str, int]


@contextmanager
def exclusive_extract(
    settings: PostgresSettings, target: str, mapping: TableMapping, wait_seconds: float
) -> Iterator[Connection]:
    """A connection with the exclusive right to extract `target` until it closes; the staging table is empty.

    Raises ExtractBusy if another extract runs for longer than `wait_seconds`.
    """
    who = f"{socket.gethostname()} pid {os.getpid()}"
    connection = connect(settings, f"castro_spark extract {target} by {who}", long=True)
    try:
        check_tables(connection, target, mapping)
        _lock_target(connection, target, wait_seconds)
        with connection, connection.cursor() as cursor:
            cursor.execute(sql.SQL("TRUNCATE {}").format(staging_table(target)))
        yield connection
    finally:
        connection.close()  # releases the lock


def mark_of(connection: Connection, target: str) -> Mark | None:
    """The watermark of `target`; None if it was never extracted."""
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT watermark, revision FROM castro.extract_watermark WHERE target = %s", (target,))
        row = cursor.fetchone()
    return Mark(*row) if row else None


def extracted(connection: Connection) -> dict[str, dict[str, Any]]:
    """Of each extracted target: watermark, mode, rows_read and committed_at of the last commit; empty if the database
    has no watermark table yet."""
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('castro.extract_watermark') IS NOT NULL")
        if cursor.fetchone() != (True,):
            return {}
        cursor.execute("SELECT target, watermark, mode, rows_read, committed_at FROM castro.extract_watermark")
        columns = ("watermark", "mode", "rows_read", "committed_at")
        return {target: dict(zip(columns, values, strict=True)) for target, *values in cursor.fetchall()}


def upsert(connection: Connection, target: str, mapping: TableMapping, staged: StagedTable) -> Loaded:
    """Upserts the newest staged row of each key unless the stored one is newer, and moves the watermark with it."""
    with connection, connection.cursor() as cursor:
        check_never_null(target, mapping, measure(cursor, target, mapping, staged, staging_table(target), _STAGED))
        cursor.execute(_upsert(target, mapping), {"attempts": staged.attempts})
        inserted, updated = cursor.fetchone() or (0, 0)
        mark = move_watermark(cursor, target, "incremental", staged)
        cursor.execute(sql.SQL("TRUNCATE {}").format(staging_table(target)))
    return Loaded(inserted, updated, mark)


def measure(
    cursor: Cursor, target: str, mapping: TableMapping, staged: StagedTable, table: sql.Identifier, chosen: sql.SQL
) -> Measured:
    """Counts the `chosen` rows of `table`, where they were staged; raises StagingLost if they differ from the tasks'
    counts."""
    columns = tuple(c for c in mapping.columns if c in mapping.never_null or mapping.columns[c].required)
    nulls = names(columns, lambda c: sql.SQL("count(*) FILTER (WHERE {} IS NULL)").format(sql.Identifier(c)))
    cursor.execute(
        statement("warehouse/measure.sql", nulls=nulls, staging=table, chosen=chosen), {"attempts": staged.attempts}
    )
    rows, *counts = cursor.fetchone() or (0,)
    if rows != staged.rows:
        raise StagingLost(
            f"{target}: {staged.rows} rows were staged, {rows} are there: PostgreSQL crashed, or the staging"
            " table was emptied",
            "start the extract again",
        )
    return Measured(rows, dict(zip(columns, counts, strict=True)))


def check_never_null(target: str, mapping: TableMapping, measured: Measured) -> None:
    """Raises ChecksFailed if rows lack their key or the time of their last change."""
    missing = [f"{n:,} without {c}" for c, n in measured.nulls.items() if c in mapping.never_null and n]
    if missing:
        raise ChecksFailed(
            f"{target}: of {measured.rows:,} rows read, {', '.join(missing)}: the table cannot store them and"
            " stays as it was",
            f"fix the rows in {mapping.source}, or the mapping",
        )


def move_watermark(cursor: Cursor, target: str, mode: str, staged: StagedTable) -> Mark:
    """Moves the watermark to the largest value read, within the caller's transaction."""
    values = {"target": target, "watermark": staged.newest, "mode": mode, "rows": staged.rows}
    cursor.execute(statement("warehouse/move_watermark.sql"), values)
    watermark, revision = cursor.fetchone() or (None, 0)
    return Mark(watermark, revision)


def _lock_target(connection: Connection, target: str, wait_seconds: float) -> None:
    deadline = time.monotonic() + wait_seconds
    while True:
        with connection, connection.cursor() as cursor:
            if try_lock(cursor, "extract", target):
                return
            if time.monotonic() >= deadline:
                cursor.execute(statement("warehouse/who_extracts.sql"), {"target": target})
                (who,) = cursor.fetchone() or ("another connection",)
                raise ExtractBusy(
                    f"{target} is being extracted by {who}; waited {wait_seconds:g} s",
                    "wait until it ends; if it hangs, terminate it: its work is then rolled back",
                )
        time.sleep(_POLL_SECONDS)


def _upsert(target: str, mapping: TableMapping) -> sql.Composed:
    columns = tuple(mapping.columns)
    others = tuple(c for c in columns if c not in mapping.key)
    return statement(
        "warehouse/upsert.sql",
        target=sql.Identifier(target),
        staging=staging_table(target),
        key=names(mapping.key),
        columns=names(columns),
        version=sql.Identifier(mapping.watermark),
        others=names(others),
        stored=names(others, lambda c: sql.SQL("t.") + sql.Identifier(c)),
        excluded=names(others, lambda c: sql.SQL("EXCLUDED.") + sql.Identifier(c)),
        loaded_at=sql.Identifier(LOADED_AT),
    )
