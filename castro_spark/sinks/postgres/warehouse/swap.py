"""A full refresh: builds a new table beside the old one, checks it, swaps it in.

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
from castro_spark.mapping import Limits, TableMapping
from castro_spark.sinks.postgres.connection import Connection, names, statement
from castro_spark.sinks.postgres.warehouse.copy import Index, create_indexes, create_like, new_name, take_place
from castro_spark.sinks.postgres.warehouse.staging import StagedTable
from castro_spark.sinks.postgres.warehouse.tables import Cursor, staging_table
from castro_spark.sinks.postgres.warehouse.watermark import Loaded, Measured, check_never_null, measure, move_watermark

# How long the swap, and every reader queued behind it, waits for a reader that has a lock on the table.
_LOCK_TIMEOUT = "500ms"

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
    """Replaces the table's rows by the staged ones. Raises ChecksFailed or ExtractBusy: the table is unchanged."""
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
    with connection, connection.cursor() as cursor:  # an exception rolls all of it back
        measured = measure(cursor, target, mapping, staged)
        check_never_null(target, mapping, measured)
        cursor.execute(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(target)))
        (before,) = cursor.fetchone() or (0,)
        create_like(cursor, target)
        # A table just filled has no statistics: without them the planner would look keys up one by one below.
        cursor.execute(sql.SQL("ANALYZE {}").format(staging_table(target)))
        columns = {
            "new": sql.Identifier(new_name(target)), "staging": staging_table(target), "key": names(mapping.key),
            "version": sql.Identifier(mapping.watermark), "columns": names(tuple(mapping.columns)),
        }  # fmt: skip
        cursor.execute(statement("warehouse/fill.sql", **columns), {"attempts": staged.attempts})
        rows = cursor.rowcount
        indexes = create_indexes(cursor, target)
        cursor.execute(sql.SQL("ANALYZE {}").format(columns["new"]))
        duplicates = _duplicates(cursor, target, mapping, staged)
        if failed := failed_checks(measured, rows=rows, before=before, duplicates=duplicates, limits=limits):
            raise ChecksFailed(
                f"{target} stays as it was ({before:,} rows): {'; '.join(failed)}",
                f"fix {mapping.source}; if it is right, set the limit under warehouse.tables.{target}, for one run"
                " perhaps (--conf-file)",
            )
    return Built(rows, before, indexes)


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
        cursor.execute(sql.SQL("TRUNCATE {}").format(staging_table(target)))
    return Loaded(built.rows, 0, mark)


def _drop(connection: Connection, target: str) -> None:
    with connection, connection.cursor() as cursor:
        cursor.execute(sql.SQL("DROP TABLE IF EXISTS {}").format(sql.Identifier(new_name(target))))


def _duplicates(cursor: Cursor, target: str, mapping: TableMapping, staged: StagedTable) -> int:
    def of(table: str, columns: tuple[str, ...]) -> sql.Composed:
        return names(columns, lambda c: sql.SQL(table) + sql.SQL(".") + sql.Identifier(c))

    columns = tuple(mapping.columns)
    query = statement(
        "warehouse/duplicates.sql",
        staging=staging_table(target),
        new=sql.Identifier(new_name(target)),
        version=sql.Identifier(mapping.watermark),
        staged_key=of("s", mapping.key),
        new_key=of("n", mapping.key),
        staged_columns=of("s", columns),
        new_columns=of("n", columns),
    )
    cursor.execute(query, {"attempts": staged.attempts})
    (count,) = cursor.fetchone() or (0,)
    return int(count)
