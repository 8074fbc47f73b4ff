"""Warehouse tables to PostgreSQL: several at a time, each on its own, and what became of each.

One table's way: take the turn; read (sources/hive); stage (executors); where the table is a stream's history, bring
what is new to the stream's own tables (history.py); one transaction for rows and watermark (in a full
refresh: for the swap and the watermark). What may pass (an outage, a file system's
error) is tried again as a whole, which is safe because each of these steps changes nothing when it repeats. One table's
failure is not another's.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from typing import Any

import psycopg2
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_exponential

from castro_spark.batch.history import bring
from castro_spark.errors import CastroError, NotMigrated, SourceUnreadable, StagingLost, first_line
from castro_spark.mapping import TableMapping
from castro_spark.settings import Settings
from castro_spark.sinks.postgres.connection import Connection, may_pass
from castro_spark.sinks.postgres.warehouse.copy import check_replaceable
from castro_spark.sinks.postgres.warehouse.staging import StagedTable, stage_table
from castro_spark.sinks.postgres.warehouse.swap import replace_table
from castro_spark.sinks.postgres.warehouse.watermark import Loaded, exclusive_extract, mark_of, upsert
from castro_spark.sources.hive import read_table, reading
from castro_spark.streams import all_streams

INCREMENTAL, FULL = "incremental", "full"
_LONGEST_WAIT = 60  # seconds between two tries

log = logging.getLogger(__name__)


@dataclass
class TableResult:
    """What became of one table."""

    table: str
    source: str
    mode: str
    status: str = "failed"
    seconds: float = 0.0
    read: int = 0
    copy_seconds: float = 0.0  # of `seconds`: from the warehouse's files into staging
    inserted: int = 0
    updated: int = 0
    watermark: datetime | None = None
    unknown_columns: list[str] = field(default_factory=list)
    rows_from_the_future: int = 0
    texts_cleaned: int = 0
    events: dict[str, int] = field(default_factory=dict)  # of a stream: those that this changed in its own tables
    notes: list[str] = field(default_factory=list)  # what is left for somebody to do
    problem: str | None = None

    @property
    def done(self) -> bool:
        return self.status == "done"

    def as_dict(self) -> dict[str, Any]:
        """For programs."""
        return asdict(self)


def extract(
    spark: SparkSession, settings: Settings, tables: Mapping[str, TableMapping], mode: str
) -> list[TableResult]:
    """Extracts `tables`, up to `parallel_tables` at a time; raises for none of them, and tells of each."""
    with ThreadPoolExecutor(max_workers=settings.warehouse.parallel_tables) as pool:
        tasks = [pool.submit(_one, spark, settings, target, mapping, mode) for target, mapping in tables.items()]
        return [task.result() for task in tasks]


def _one(spark: SparkSession, settings: Settings, target: str, mapping: TableMapping, mode: str) -> TableResult:
    begun = time.monotonic()
    result = TableResult(target, mapping.source, mode)
    try:
        for attempt in _retrying(settings, target):
            with attempt:
                TableExtract(spark, settings, target, mapping, result).run()
        result.status = "done"
    except (CastroError, psycopg2.Error) as error:
        result.problem = str(error).strip()
    except Exception as error:  # of one table: the others go on, and this is told at the end
        log.debug("trace", exc_info=True)
        result.problem = f"{type(error).__name__}: {str(error).strip()[:400]}"
    result.seconds = round(time.monotonic() - begun, 1)
    if result.problem:
        log.error("%s: failed after %.1f s: %s", target, result.seconds, result.problem.partition("\n")[0])
    return result


class TableExtract:
    """One table's extract; `result` is filled on the way."""

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
        """Everything from the turn to the commit; what it raises has changed nothing."""
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
        held = mark_of(connection, self._target)
        watermark = held.watermark if held else None
        since = watermark - self._limits.overlap if watermark else None
        staged = self._stage(since, since)
        return upsert(connection, self._target, self._mapping, staged)

    def _full(self, connection: Connection) -> Loaded:
        check_replaceable(connection, self._target)
        wait = self._settings.warehouse.swap_wait_seconds
        held = mark_of(connection, self._target)
        # The watermark will pass what no incremental run has brought to the streams' tables yet.
        brought = held.watermark - self._limits.overlap if held and held.watermark else None
        staged = self._stage(None, brought)
        return replace_table(connection, self._target, self._mapping, staged, self._limits, wait)

    def _stage(self, since: datetime | None, unbrought: datetime | None) -> StagedTable:
        """Stages the rows changed `since` (None: all), and brings the streams those changed since `unbrought`."""
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
                tasks=self._settings.warehouse.copies_a_table,
            )  # fmt: skip
        result.copy_seconds = round(time.monotonic() - copying, 1)
        result.read, result.rows_from_the_future, result.texts_cleaned = staged.rows, staged.ahead, staged.cleaned
        if staged.ahead:
            log.warning("%s: %d rows changed in the future: the watermark leaves them out", self._target, staged.ahead)
        if staged.cleaned:
            log.warning("%s: %d texts held NUL characters, which were taken out", self._target, staged.cleaned)
        log.info("%s: %s rows staged in %.1f s", self._target, f"{staged.rows:,}", time.monotonic() - begun)
        if staged.rows:  # before the watermark moves: what fails here is read again
            rows = read.rows
            if since is None and unbrought is not None:
                rows = rows.where(F.col(self._mapping.watermark) >= F.lit(unbrought))
            self._bring_to_streams(rows, unbrought)
        return staged

    def _bring_to_streams(self, rows: DataFrame, since: datetime | None) -> None:
        """The table's rows changed `since` are a stream's events too; `backfill` brings those changed before, and all
        where that is not known (a first extract)."""
        for stream in all_streams().values():
            history = self._settings.history(stream.name)
            if history and history.on_extract and history.table == self._target:
                if since is None or self._result.mode == FULL:
                    before = f" that changed before {since.isoformat(timespec='seconds')}" if since else ""
                    self._note(
                        f"rows{before} are not brought to stream {stream.name}: that is for"
                        f" backfill --stream {stream.name}"
                    )
                if since is None:
                    continue
                try:
                    changed = bring(self._settings, stream, rows)
                except NotMigrated:  # a database for some of the streams
                    log.info("%s: stream %s has no tables here: it gets no events", self._target, stream.name)
                    continue
                self._result.events[stream.name] = changed
                log.info("%s: %s events of stream %s changed", self._target, f"{changed:,}", stream.name)

    def _note(self, words: str) -> None:
        if words not in self._result.notes:  # of an earlier try
            self._result.notes.append(words)
            log.info("%s: %s", self._target, words)


def _retrying(settings: Settings, target: str) -> Retrying:
    def tell(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        log.warning("%s: %s; attempt %d, trying again", target, first_line(error), state.attempt_number)

    return Retrying(
        retry=retry_if_exception(_may_pass),
        stop=stop_after_attempt(settings.warehouse.retries + 1),
        wait=wait_exponential(settings.warehouse.retry_wait_seconds, max=_LONGEST_WAIT),
        before_sleep=tell,
        reraise=True,
    )


def _may_pass(error: BaseException) -> bool:
    return isinstance(error, (SourceUnreadable, StagingLost)) or may_pass(error, starting=True)
