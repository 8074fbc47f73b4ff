"""A full refresh: checks and indexes what executors loaded into a table beside the old one, and swaps it in.

Guarantee: readers see the old rows or the new ones, never a mix, an error or a missing table. A refresh that crashes or
fails a check leaves the table unchanged. Limit of PostgreSQL: a REPEATABLE READ transaction that took its snapshot
before the swap and first reads the table after it finds it empty, as after a TRUNCATE.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from psycopg2 import errors, sql
from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_delay, wait_exponential_jitter

from castro_spark.errors import ChecksFailed, ExtractBusy
from castro_spark.sections.warehouse import Limits, TableMapping
from castro_spark.sinks.postgres.connection import Connection, names, statement
from castro_spark.sinks.postgres.warehouse.copy import (
    Index,
    create_indexes,
    create_new,
    finish_new,
    keep_loaded,
    loading_name,
    new_name,
    take_place,
)
from castro_spark.sinks.postgres.warehouse.staging import StagedTable
from castro_spark.sinks.postgres.warehouse.tables import Cursor
from castro_spark.sinks.postgres.warehouse.watermark import Loaded, Measured, check_never_null, measure, move_watermark

# How long the swap, and every reader queued behind it, waits for a reader that has a lock on the table.
_LOCK_TIMEOUT = "500ms"
_MOST_GAPS = 0.1  # of the loaded rows: if more are superseded, the others are copied into a table without gaps

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Built:
    """The filled and indexed new table, and the old one's row count."""

    rows: int
    before: int
    indexes: list[Index]


def replace_table(
    connection: Connection, target: str, mapping: TableMapping, staged: StagedTable, limits: Limits, wait_seconds: float
) -> Loaded:
    """Replaces the table by the loaded one. Raises ChecksFailed or ExtractBusy: the table is unchanged."""
    built = _build(connection, target, mapping, staged, limits)
    log.info("%s: checked, %s rows beside %s; swapping", target, f"{built.rows:,}", f"{built.before:,}")
    try:
        for attempt in Retrying(
            retry=retry_if_exception_type((errors.LockNotAvailable, errors.DeadlockDetected)),
            stop=stop_after_delay(wait_seconds),
            wait=wait_exponential_jitter(initial=0.1, max=5),
        ):
            with attempt:
                return _swap(connection, target, staged, built)
    except RetryError:
        _drop(connection, target)
        raise ExtractBusy(
            f"{target} could not be swapped in {wait_seconds:g} s: readers have locks on the old table",
            "end long transactions on it (pg_stat_activity), or raise warehouse.swap_wait_seconds",
        ) from None
    raise AssertionError("unreachable: the retrying raises")


def _build(
    connection: Connection, target: str, mapping: TableMapping, staged: StagedTable, limits: Limits
) -> Built:
    loading = sql.Identifier(loading_name(target))
    with connection, connection.cursor() as cursor:  # an exception rolls all of it back
        # A task whose attempt does not count may still be loading: from here on it waits, then finds no table.
        cursor.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(loading))
        cursor.execute(statement("warehouse/forget.sql", loading=loading), {"attempts": staged.attempts})
        measured = measure(cursor, target, mapping, staged, loading, sql.SQL("true"))
        check_never_null(target, mapping, measured)
        cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(target)))
        (before,) = cursor.fetchone() or (0,)
        superseded, duplicates = _choose_newest(cursor, target, mapping, loading, measured.rows)
        rows = measured.rows - superseded
        if failed := failed_checks(measured, rows=rows, before=before, duplicates=duplicates, limits=limits):
            raise ChecksFailed(
                f"{target} stays as it was ({before:,} rows): {'; '.join(failed)}",
                f"fix {mapping.source}; if it is right, set the limit under warehouse.tables.{target}, for one run"
                " perhaps (--conf-file)",
            )
        finish_new(cursor, target, mapping.never_null)
        indexes = create_indexes(cursor, target)
        cursor.execute(sql.SQL("ANALYZE {}").format(sql.Identifier(new_name(target))))
    return Built(rows, before, indexes)


def _choose_newest(
    cursor: Cursor, target: str, mapping: TableMapping, loading: sql.Identifier, rows: int
) -> tuple[int, int]:
    """Makes the new table of the newest row of each key of the loaded one. Returns how many rows others superseded,
    and how many keys have several newest rows.

    Few superseded rows are deleted, which leaves the gaps that as many updates would; of many the rest is copied.
    """
    columns = {
        "loading": loading, "key": names(mapping.key), "version": sql.Identifier(mapping.watermark),
        "columns": names(tuple(mapping.columns)),
    }  # fmt: skip
    limit = int(rows * _MOST_GAPS)
    cursor.execute(statement("warehouse/supersede.sql", **columns), {"limit": limit})
    superseded, duplicates = cursor.fetchone() or (0, 0)
    if superseded <= limit:
        keep_loaded(cursor, target)
    else:
        create_new(cursor, target)
        cursor.execute(statement("warehouse/fill.sql", new=sql.Identifier(new_name(target)), **columns))
        cursor.execute(sql.SQL("DROP TABLE {}").format(loading))
    return superseded, duplicates


def failed_checks(measured: Measured, *, rows: int, before: int, duplicates: int, limits: Limits) -> list[str]:
    """Messages of the failed checks; `rows` is the new table's row count, `before` the old one's."""
    if measured.rows == 0:
        return ["row count: the source has no rows"]
    failed = []
    for column, nulls in measured.nulls.items():
        if nulls > limits.null_limit * measured.rows:
            failed.append(
                f"null rate: {column} is null in {nulls:,} of {measured.rows:,} rows"
                f" ({nulls / measured.rows:.4%}), the limit is {limits.null_limit:.4%}"
            )
    if duplicates > limits.duplicate_limit * rows:
        failed.append(
            f"duplicate keys: {duplicates:,} of {rows:,} keys have several rows of the same time with different"
            f" contents, the limit is {limits.duplicate_limit:.4%}"
        )
    if rows < before * (1 - limits.shrink_limit):
        failed.append(
            f"shrinkage: {rows:,} rows in place of {before:,} ({1 - rows / before:.2%} fewer),"
            f" the limit is {limits.shrink_limit:.2%}"
        )
    return failed


def _swap(connection: Connection, target: str, staged: StagedTable, built: Built) -> Loaded:
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", (_LOCK_TIMEOUT,))
        cursor.execute(sql.SQL("LOCK TABLE {} IN ACCESS EXCLUSIVE MODE").format(sql.Identifier(target)))
        take_place(cursor, target, built.indexes)
        mark = move_watermark(cursor, target, "full", staged)
    return Loaded(built.rows, 0, mark)


def _drop(connection: Connection, target: str) -> None:
    with connection, connection.cursor() as cursor:
        cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(new_name(target))))
