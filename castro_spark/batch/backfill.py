"""Sends past records through the same code as streamed ones: parse, staging, commit.

Guarantee: afterwards PostgreSQL is in the state it would have if each record had arrived exactly once, whatever its
state before, and also while the stream runs. Idempotent: records keep their source positions, so the commit inserts
missing events and never overwrites newer streamed ones; no offsets move (commit/out_of_band). An interrupted backfill
is simply run again.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from datetime import date
from functools import partial
from threading import Event
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession

from castro_spark.batch.exclusive import exclusively, ledger_of
from castro_spark.counted import counted
from castro_spark.errors import CastroError, SettingsError, StagingLost
from castro_spark.parse import SOURCE_COLUMNS, ParseRules, parse_batch
from castro_spark.parse.history import GENERATION
from castro_spark.parse.identity import Kinds
from castro_spark.rules import configured, parse_rules
from castro_spark.sections.servers import PostgresSettings
from castro_spark.settings import Settings
from castro_spark.sinks.postgres.commit import staging, staging_tasks
from castro_spark.sinks.postgres.commit.out_of_band import OutOfBandCommits
from castro_spark.sinks.postgres.commit.transaction import Committed
from castro_spark.sinks.postgres.schema.working_tables import OUT_OF_BAND_SLOT
from castro_spark.sources.archive import ArchivedRange
from castro_spark.streams.declaration import StreamDeclaration

log = logging.getLogger(__name__)
_TRIES = 3  # per chunk, if its staging is lost


# Records of a source -> parsed records with their topic and its generation (staging.with_origin).
Parse = Callable[[pa.RecordBatch, ParseRules], Iterator[pa.RecordBatch]]


class Chunks(Protocol):
    """Past records in chunks; all records of an identity are in the same chunk (sources/archive, sources/history)."""

    @property
    def records(self) -> int: ...

    @property
    def chunks(self) -> int: ...

    def chunk(self, number: int) -> DataFrame: ...

    def close(self) -> None: ...


@dataclass(frozen=True)
class Progress:
    """Progress of a backfill: records and chunks done, and the records' outcomes."""

    stream: str
    records: int = 0
    done: int = 0
    chunks: int = 0
    chunks_done: int = 0
    inserted: int = 0
    corrected: int = 0
    stale: int = 0
    deleted: int = 0
    rejects: int = 0
    seconds: float = 0.0
    month: str | None = None  # the current month (YYYY-MM), if the backfill runs month by month

    def plus(self, committed: Committed, records: int, seconds: float) -> Progress:
        """The progress after one more chunk, `seconds` after the start."""
        return replace(
            self,
            done=self.done + records,
            chunks_done=self.chunks_done + 1,
            inserted=self.inserted + committed.total("inserted"),
            corrected=self.corrected + committed.total("corrected"),
            stale=self.stale + committed.total("stale"),
            deleted=self.deleted + committed.total("deleted"),
            rejects=self.rejects + committed.total("quarantined"),
            seconds=round(seconds, 1),
        )

    def line(self) -> str:
        """One line for a terminal, while it runs."""
        rate = self.done / self.seconds if self.seconds else 0.0
        left = f", about {(self.records - self.done) / rate:,.0f} s left" if rate else ""
        month = f" {self.month}," if self.month else ""
        return (
            f"{self.stream}:{month} chunk {self.chunks_done} of {self.chunks},"
            f" {self.done:,} of {self.records:,} records, {rate:,.0f} records/s{left}"
        )

    def summary(self) -> str:
        """One line, at the end."""
        return (
            f"{self.stream}: {self.done:,} records in {self.seconds:,.1f} s = {self.inserted:,} inserted,"
            f" {self.corrected:,} corrected, {self.stale:,} stale, {self.deleted:,} deleted,"
            f" {counted(self.rejects, 'reject')} (each once in quarantine)"
        )

    def as_dict(self) -> dict[str, object]:
        return asdict(self)


def from_archive(
    spark: SparkSession,
    settings: Settings,
    stream: StreamDeclaration,
    first: date,
    last: date,
    *,
    stopping: Event,
    report: Callable[[Progress], None],
) -> Progress:
    """Backfills the business days `first` to `last` of `stream` from its archive; `spark` needs Delta Lake."""
    archive = settings.archive
    if archive.dir is None:
        raise SettingsError("there is no archive to read records from", "set archive.dir or CASTRO_ARCHIVE_DIR")
    stream = configured(stream, settings)
    with exclusively(settings, stream, "backfill") as check:
        source = ArchivedRange(
            spark, archive.folder(stream.name), f"{archive.folder('.backfill')}/{stream.name}", first, last,
            settings.backfill.chunk_records,
        )  # fmt: skip
        with closing(source):
            return run(settings, stream, source, parse_past, check=check, stopping=stopping, report=report)


def run(
    settings: Settings,
    stream: StreamDeclaration,
    source: Chunks,
    parse: Parse,
    *,
    check: Callable[[], None],
    stopping: Event,
    report: Callable[[Progress], None],
    warehouse: Kinds | None = None,
) -> Progress:
    """Parses, stages and commits each chunk. `check` raises if the job has lost its exclusive lock.

    `warehouse`: the rows' kinds of identity, if they come from the warehouse.
    """
    progress = Progress(stream.name, records=source.records, chunks=source.chunks)
    patience = settings.streaming.outage_retry_seconds
    commits = OutOfBandCommits(
        settings.postgres, stream, patience=patience, stopping=stopping, warehouse=warehouse
    )  # fmt: skip
    began = time.monotonic()
    try:
        commits.begin()
        generation = 0 if warehouse is None else GENERATION
        known = Kinds() if warehouse is not None else ledger_of(settings, stream, "backfill").warehouse_kinds
        fixed = commits.source()
        for number in range(source.chunks):
            if stopping.is_set():
                raise CastroError(
                    f"stopped after {number} of {counted(source.chunks, 'chunk')}",
                    "run it again: committed chunks stay as they are",
                )
            check()
            rules = parse_rules(stream, settings, generation, warehouse=known, source=fixed)
            committed, records = _commit(settings, rules, source.chunk(number), parse, commits)
            progress = progress.plus(committed, records, time.monotonic() - began)
            report(progress)
    finally:
        commits.close()
    return progress


def _commit(
    settings: Settings,
    rules: ParseRules,
    records: DataFrame,
    parse: Parse,
    commits: OutOfBandCommits,
) -> tuple[Committed, int]:
    task: Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]] = partial(
        stage_parsed,
        parse=parse,
        settings=settings.postgres,
        rules=rules,
        patience=settings.streaming.outage_retry_seconds,
    )
    for attempt in range(1, _TRIES + 1):
        batch = staging_tasks.stage_on_executors(records, task, OUT_OF_BAND_SLOT)
        try:
            committed = commits.commit(batch)
        except StagingLost as lost:
            if attempt == _TRIES:
                raise
            log.warning("%s", lost)
        else:
            return committed, sum(counts.records for counts in batch.counts.values())
    raise AssertionError("unreachable: the last try raises")


def stage_parsed(
    batches: Iterable[pa.RecordBatch], *, parse: Parse, settings: PostgresSettings, rules: ParseRules, patience: float
) -> Iterator[pa.RecordBatch]:
    """One task of a chunk: parses its records and copies them into the staging slot of out-of-band commits."""
    parsed = (piece for batch in batches for piece in parse(batch, rules))
    yield from staging_tasks.stage_parsed(
        parsed, rules.stream, settings=settings, slot=OUT_OF_BAND_SLOT, patience=patience
    )


def parse_past(batch: pa.RecordBatch, rules: ParseRules) -> Iterator[pa.RecordBatch]:
    """Records (sources.archive.PAST_COLUMNS) of several topics and generations -> parsed records with their origin.

    Records with a `known_at` are checked for future timestamps against the earliest `known_at` among them, instead of
    the rules' `now`.
    """
    topics, generations, known = batch.column("topic"), batch.column("generation"), batch.column("known_at").is_valid()
    groups = pa.table({"topic": topics, "generation": generations, "known": known})
    for group in groups.group_by(groups.column_names).aggregate([]).to_pylist():
        topic, generation = group["topic"], group["generation"]
        of_generation = pc.and_(pc.equal(topics, topic), pc.equal(generations, generation))
        rows = batch.filter(pc.and_(of_generation, pc.equal(known, group["known"])))
        now = pc.min(rows.column("known_at")).as_py() if group["known"] else rules.now
        parsed = parse_batch(rows.select(list(SOURCE_COLUMNS)), replace(rules, now=now, generation=generation))
        yield staging.with_origin(parsed, topic, generation)
