"""Sends a stream's events from the warehouse to the stream's own tables: a range, month by month, or an extract's rows.

Guarantee: as for a backfill (backfill.py). A warehouse row never overwrites a streamed event, whichever came first
(parse/history). An interrupted range resumes with the month in which it was interrupted.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import date
from functools import partial
from threading import Event

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from castro_spark.batch.backfill import Progress, run
from castro_spark.batch.exclusive import ensure_introduced, exclusively, ledger_of
from castro_spark.errors import SettingsError
from castro_spark.parse import ParseRules
from castro_spark.parse.history import GENERATION, parse_history
from castro_spark.rules import configured, parse_rules
from castro_spark.sections.streams import HistorySettings
from castro_spark.sections.warehouse import TableMapping
from castro_spark.settings import Settings
from castro_spark.sinks.postgres import backfill_progress
from castro_spark.sinks.postgres.commit import staging
from castro_spark.sinks.postgres.commit.out_of_band import OutOfBandCommits
from castro_spark.sinks.postgres.commit.rules.kinds import check_warehouse
from castro_spark.sinks.postgres.commit.staging import StagedBatch
from castro_spark.sinks.postgres.connection import connect
from castro_spark.sources.history import ChangedRecords, Months, WarehouseHistory, records_of
from castro_spark.sources.hive import read_table
from castro_spark.streams.declaration import StreamDeclaration

log = logging.getLogger(__name__)


def history_of(settings: Settings, stream: StreamDeclaration) -> tuple[HistorySettings, TableMapping]:
    """The settings of the stream's history and the mapping of its table. Raises SettingsError if it has none."""
    history = settings.history(stream.name)
    if history is None:
        raise SettingsError(
            f"streams.{stream.name}.history is not set, or its table is disabled: the warehouse table of this stream is"
            " unknown",
            "name its table of warehouse.tables there, as conf/base.yaml does for inventory",
        )
    return history, settings.warehouse.mapped[history.table]


def check_history(spark: SparkSession, settings: Settings, stream: StreamDeclaration) -> None:
    """Raises if the stream's history in the warehouse does not match the settings; reads no rows."""
    history, mapping = history_of(settings, configured(stream, settings))
    stream = configured(stream, settings)
    rows = read_table(spark, mapping, None, settings.zone).rows
    records_of(rows, parse_rules(stream, settings, GENERATION), mapping, history)


def from_warehouse(
    spark: SparkSession,
    settings: Settings,
    stream: StreamDeclaration,
    first: date,
    last: date,
    *,
    restart: bool,
    stopping: Event,
    report: Callable[[Progress], None],
) -> Progress:
    """Backfills the business days `first` to `last` of `stream` from the warehouse; `spark` needs Hive support.

    An interrupted range resumes with the months that are not done; `restart` repeats all months.
    """
    stream = configured(stream, settings)
    history, mapping = history_of(settings, stream)
    with (
        exclusively(settings, stream, "backfill") as check,
        closing(connect(settings.postgres, "castro_spark backfill")) as connection,
    ):
        if restart:
            backfill_progress.forget(connection, stream.name, first, last)
        done = backfill_progress.done(connection, stream.name, first, last)
        began = backfill_progress.began(connection)
        if done:
            log.info("%d months of this range are done already: --restart repeats them", len(done))
        rules = parse_rules(stream, settings, GENERATION)
        source = WarehouseHistory(
            spark, rules, mapping, history, Months(first, last, settings.zone, done, settings.parse.future_allowance),
            allowance=settings.parse.future_allowance,
            spill=f"{settings.checkpoint_dir.rstrip('/')}/.backfill/{stream.name}",
            chunk_records=settings.backfill.chunk_records,
        )  # fmt: skip

        def record(progress: Progress) -> None:
            number = progress.chunks_done - 1
            month = source.month(number)
            if source.ends_month(number):
                backfill_progress.note(connection, stream.name, first, last, month, began)
            report(replace(progress, month=f"{month:%Y-%m}"))

        parse = partial(parse_rows, source=mapping.source)
        with closing(source):
            check_warehouse(ledger_of(settings, stream, "backfill"), stream.name, source.kinds)
            progress = run(
                settings, stream, source, parse, check=check, stopping=stopping, report=record, warehouse=source.kinds
            )
        backfill_progress.forget(connection, stream.name, first, last)
    return progress


def send_to_stream(settings: Settings, stream: StreamDeclaration, rows: DataFrame) -> int:
    """Sends rows that an extract read from the stream's warehouse table to the stream's own tables.

    Returns the number of events changed there. Commits out-of-band, from the driver. Idempotent.
    """
    stream = configured(stream, settings)
    history, mapping = history_of(settings, stream)
    ensure_introduced(settings, stream, "extract")
    rules = parse_rules(stream, settings, GENERATION)
    changed = 0
    with closing(ChangedRecords(rows, rules, mapping, history)) as source:
        check_warehouse(ledger_of(settings, stream, "extract"), stream.name, source.kinds)
        commits = OutOfBandCommits(
            settings.postgres, stream, patience=settings.streaming.outage_retry_seconds, warehouse=source.kinds
        )
        with closing(commits):
            for records in source.chunks(settings.backfill.chunk_records):
                parsed = [p for b in records.to_batches() for p in parse_rows(b, rules, source=mapping.source)]
                committed = commits.commit(StagedBatch(staging.count(parsed), parsed))
                changed += sum(committed.total(outcome) for outcome in ("inserted", "corrected", "deleted"))
    return changed


def parse_rows(batch: pa.RecordBatch, rules: ParseRules, *, source: str) -> Iterator[pa.RecordBatch]:
    """The warehouse's records -> parsed records with their table as origin."""
    for parsed in parse_history(batch, replace(rules, generation=GENERATION)):
        yield staging.with_origin(parsed, source, GENERATION)
