"""Extracts warehouse tables to PostgreSQL, several in parallel and independently, and reports each result.

Steps per table: take the table's lock; read (sources/hive); stage (executors); if the table feeds a stream, send the
new rows to the stream's own tables (history.py); commit rows and watermark in one transaction (in a full refresh: the
swap and the watermark). Transient errors (an outage, a file system error) retry all steps, which is safe because each
step is idempotent. A table's failure does not affect the others.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from threading import Event
from typing import Any

import psycopg2
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from tenacity import (
    RetryCallState,
    Retrying,
    retry_if_exception,
    sleep_using_event,
    stop_after_attempt,
    stop_when_event_set,
    wait_exponential,
)

from castro_spark.batch.history import send_to_stream
from castro_spark.counted import counted
from castro_spark.errors import CastroError, NotMigrated, SourceUnreadable, StagingLost, UsageError, first_line
from castro_spark.sections.warehouse import TableMapping
from castro_spark.settings import Settings
from castro_spark.sinks.postgres.connection import PASSING, Connection, may_pass
from castro_spark.sinks.postgres.warehouse.copy import check_replaceable, create_loading, drop_loading
from castro_spark.sinks.postgres.warehouse.staging import StagedTable, stage_table
from castro_spark.sinks.postgres.warehouse.swap import replace_table
from castro_spark.sinks.postgres.warehouse.watermark import Loaded, exclusive_extract, mark_of, upsert
from castro_spark.sources.hive import read_table, reading
from castro_spark.streams import StreamDeclaration, all_streams

INCREMENTAL, FULL = "incremental", "full"
_LONGEST_WAIT = 60  # seconds between two attempts

log = logging.getLogger(__name__)


@dataclass
class TableResult:
    """The result of one table's extract."""

    table: str
    source: str
    mode: str
    status: str = "failed"  # or done; or not_begun: asked to stop before
    seconds: float = 0.0
    read: int = 0
    copy_seconds: float = 0.0  # part of `seconds`: from the warehouse's files into staging
    inserted: int = 0
    updated: int = 0
    watermark: datetime | None = None
    unknown_columns: list[str] = field(default_factory=list)
    rows_from_the_future: int = 0
    texts_cleaned: int = 0
    events: dict[str, int] = field(default_factory=dict)  # by stream: events changed in the stream's own tables
    notes: list[str] = field(default_factory=list)  # follow-up actions for the operator
    problem: str | None = None

    @property
    def done(self) -> bool:
        return self.status == "done"

    def as_dict(self) -> dict[str, Any]:
        """As plain data for JSON."""
        return asdict(self)


def extract(
    spark: SparkSession,
    settings: Settings,
    tables: Mapping[str, TableMapping],
    mode: str,
    *,
    stopping: Event | None = None,
) -> list[TableResult]:
    """Extracts `tables`, up to `parallel_tables` at a time. Never raises for a table; returns a result for each.

    Once `stopping` is set, no table is begun or tried again; those under way are finished.
    """
    stopping = stopping or Event()
    with ThreadPoolExecutor(max_workers=settings.warehouse.parallel_tables) as pool:
        tasks = [
            pool.submit(_one, spark, settings, target, mapping, mode, stopping) for target, mapping in tables.items()
        ]
        return [task.result() for task in tasks]


def chosen_tables(settings: Settings, names: Sequence[str]) -> dict[str, TableMapping]:
    """The mapped tables that `names` name by target or source; all if there are none. Raises UsageError."""
    tables = settings.warehouse.mapped
    if unknown := [n for n in names if n not in tables and n not in {m.source for m in tables.values()}]:
        raise UsageError(f"no table {', '.join(unknown)} in the settings", f"there are {', '.join(tables)}")
    return {t: m for t, m in tables.items() if not names or t in names or m.source in names}


def fed_streams(settings: Settings, tables: Mapping[str, TableMapping]) -> list[StreamDeclaration]:
    """The streams whose events `tables` hold: an extract may change them."""
    return [s for s in all_streams().values() if (history := settings.history(s.name)) and history.table in tables]


def _one(
    spark: SparkSession, settings: Settings, target: str, mapping: TableMapping, mode: str, stopping: Event
) -> TableResult:
    begun = time.monotonic()
    result = TableResult(target, mapping.source, mode)
    if stopping.is_set():
        result.status = "not_begun"
        return result
    try:
        for attempt in _retrying(settings, target, stopping):
            with attempt:
                TableExtract(spark, settings, target, mapping, result).run()
        result.status = "done"
    except (CastroError, psycopg2.Error) as error:
        result.problem = str(error).strip()
    except Exception as error:  # of one table: the others continue; the result reports it
        log.debug("trace", exc_info=True)
        result.problem = f"{type(error).__name__}: {str(error).strip()[:400]}"
    result.seconds = round(time.monotonic() - begun, 1)
    if result.problem:
        log.error("%s: failed after %.1f s: %s", target, result.seconds, result.problem.partition("\n")[0])
    return result


class TableExtract:
    """One table's extract; fills `result` as it proceeds."""

    def __init__(
        self, spark: SparkSession, settings: Settings, target: str, mapping: TableMapping, result: TableResult
    ) -> None:
        self._spark = spark
        self._settings = settings
        self._target = target
        self._mapping = mapping
        self._result = result
        self._limits = mapping.limits(settings.warehouse.limits)

    def run(self) -> None:
        """Runs all steps from the lock to the commit. If it raises, the target table is unchanged."""
        wait = self._settings.warehouse.lock_wait_seconds
        with exclusive_extract(self._settings.postgres, self._target, self._mapping, wait) as connection:
            loaded = self._full(connection) if self._result.mode == FULL else self._incremental(connection)
            self._result.inserted, self._result.updated = loaded.inserted, loaded.updated
            self._result.watermark = loaded.mark.watermark
            log.info(
                "%s: committed: %s new, %s changed, watermark %s",
                self._target, f"{loaded.inserted:,}", f"{loaded.updated:,}", loaded.mark.watermark,
            )  # fmt: skip

    def _incremental(self, connection: Connection) -> Loaded:
        mark = mark_of(connection, self._target)
        watermark = mark.watermark if mark else None
        since = watermark - self._limits.overlap if watermark else None
        staged = self._stage(since, since)
        return upsert(connection, self._target, self._mapping, staged)

    def _full(self, connection: Connection) -> Loaded:
        check_replaceable(connection, self._target)
        wait = self._settings.warehouse.swap_wait_seconds
        mark = mark_of(connection, self._target)
        # The full refresh moves the watermark past rows that no incremental run has sent to the streams' tables yet.
        unsent_since = mark.watermark - self._limits.overlap if mark and mark.watermark else None
        create_loading(connection, self._target, self._mapping.never_null)
        try:
            staged = self._stage(None, unsent_since)
            return replace_table(connection, self._target, self._mapping, staged, self._limits, wait)
        finally:  # a no-op once it is the table; what a killed run leaves, the next one drops
            with suppress(*PASSING):
                drop_loading(connection, self._target)

    def _stage(self, since: datetime | None, unsent_since: datetime | None) -> StagedTable:
        """Stages the rows changed `since` (None: all), and sends those changed since `unsent_since` to the streams."""
        begun, result = time.monotonic(), self._result
        log.info("%s: reading %s %s", self._target, self._mapping.source, f"since {since}" if since else "whole")
        read = read_table(self._spark, self._mapping, since, self._settings.zone)
        result.unknown_columns = list(read.unknown)
        if read.unknown:
            log.warning(
                "%s: %s has columns that the mapping does not know: %s",
                self._target, self._mapping.source, ", ".join(read.unknown),
            )  # fmt: skip
        copying = time.monotonic()
        with reading(self._mapping.source):
            staged = stage_table(
                read.rows, self._settings.postgres, self._target, version=self._mapping.watermark,
                not_after=datetime.now(timezone.utc) + self._settings.parse.future_allowance,
                tasks=self._settings.warehouse.copies_a_table, replacing=result.mode == FULL,
            )  # fmt: skip
        result.copy_seconds = round(time.monotonic() - copying, 1)
        result.read, result.rows_from_the_future, result.texts_cleaned = staged.rows, staged.ahead, staged.cleaned
        if staged.ahead:
            ahead = counted(staged.ahead, "row")
            log.warning("%s: %s changed in the future: not in the watermark", self._target, ahead)
        if staged.cleaned:
            log.warning("%s: NUL characters were removed from %s", self._target, counted(staged.cleaned, "text"))
        log.info("%s: %s rows staged in %.1f s", self._target, f"{staged.rows:,}", time.monotonic() - begun)
        if staged.rows:  # before the watermark moves: after a failure here the rows are read again
            rows = read.rows
            if since is None and unsent_since is not None:
                rows = rows.where(F.col(self._mapping.watermark) >= F.lit(unsent_since))
            self._send_to_streams(rows, unsent_since)
        return staged

    def _send_to_streams(self, rows: DataFrame, since: datetime | None) -> None:
        """Sends the rows, changed `since`, to the tables of the streams whose events they are.

        Earlier rows are left to `backfill`, and all rows if `since` is None (a first extract)."""
        for stream in all_streams().values():
            history = self._settings.history(stream.name)
            if history and history.on_extract and history.table == self._target:
                if since is None or self._result.mode == FULL:
                    before = f" that changed before {since.isoformat(timespec='seconds')}" if since else ""
                    self._note(
                        f"rows{before} are not sent to stream {stream.name}: run backfill --stream {stream.name}"
                    )
                if since is None:
                    continue
                try:
                    changed = send_to_stream(self._settings, stream, rows)
                except NotMigrated:  # the database may serve only some of the streams
                    log.info("%s: stream %s has no tables here: no events are sent", self._target, stream.name)
                    continue
                self._result.events[stream.name] = changed
                log.info("%s: %s events of stream %s changed", self._target, f"{changed:,}", stream.name)

    def _note(self, note: str) -> None:
        if note not in self._result.notes:  # from an earlier attempt
            self._result.notes.append(note)
            log.info("%s: %s", self._target, note)


def _retrying(settings: Settings, target: str, stopping: Event) -> Retrying:
    def log_retry(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        log.warning("%s: %s; attempt %d, retrying", target, first_line(error), state.attempt_number)

    return Retrying(
        retry=retry_if_exception(_is_transient),
        stop=stop_after_attempt(settings.warehouse.retries + 1) | stop_when_event_set(stopping),
        sleep=sleep_using_event(stopping),
        wait=wait_exponential(settings.warehouse.retry_wait_seconds, max=_LONGEST_WAIT),
        before_sleep=log_retry,
        reraise=True,
    )


def _is_transient(error: BaseException) -> bool:
    return isinstance(error, (SourceUnreadable, StagingLost)) or may_pass(error, starting=True)
