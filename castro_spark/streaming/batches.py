"""What happens to a batch: staged once, committed in one transaction, then published to Redis.

A batch is staged while the one before it commits and is published: one ahead, never more. So Spark may note
a batch as done before it is committed; a crash in between leaves its checkpoint ahead of the ledger, and a
start then goes on from the ledger (streaming/start).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from functools import partial
from threading import Event, Lock

import pyarrow as pa
from pyspark.sql import DataFrame

from castro_spark.parse.origin import Source
from castro_spark.rules import parse_rules
from castro_spark.settings import Settings
from castro_spark.sinks.postgres.commit import staging
from castro_spark.sinks.postgres.commit.books import prune
from castro_spark.sinks.postgres.commit.ledger import Ledger, Positions
from castro_spark.sinks.postgres.commit.staging import StagedBatch
from castro_spark.sinks.postgres.commit.transaction import Committed, StreamCommits
from castro_spark.sinks.postgres.connection import PASSING, connect
from castro_spark.sinks.postgres.working_tables import SLOTS
from castro_spark.streaming.cache import CachePublisher
from castro_spark.streaming.progress import BatchReport
from castro_spark.streams.declaration import StreamDeclaration

log = logging.getLogger(__name__)
_SECONDS_AN_HOUR = 3600.0


class StopRequested(Exception):
    """The stream was asked to stop before this batch began."""


class BatchWriter:
    """The foreachBatch function of one stream. A repeated batch changes nothing (sinks/postgres/commit)."""

    def __init__(
        self,
        settings: Settings,
        stream: StreamDeclaration,
        ledger: Ledger,
        ends_of_batch: Callable[[int], Positions],
        report: Callable[[BatchReport], None],
        stopping: Event,
    ) -> None:
        self._settings = settings
        self._stream = stream
        self._generation = ledger.generation
        self._known = ledger.warehouse_kinds  # once others are there, the commit says so, and the stream begins again
        self._positions = dict(ledger.positions)  # where the next batch begins, once those under way are committed
        self._ends_of_batch = ends_of_batch
        self._report = report
        self._stopping = stopping
        self._patience = settings.streaming.outage_retry_seconds
        self._commits = StreamCommits(
            settings.postgres, stream, epoch=ledger.epoch, patience=self._patience, stopping=stopping
        )
        self._cache = CachePublisher(settings, stream)
        self._source: Source | None = None
        self._slot = SLOTS[0]
        self._pruned = -_SECONDS_AN_HOUR
        self._committing: Future[None] | None = None
        self._committer = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"castro commit {stream.name}")
        self._staging = Lock()

    def begin(self, ledger: Ledger) -> None:
        """Clears what an earlier run left behind, and makes good what it left unpublished."""
        self._commits.begin()
        self._source = self._commits.source()
        self._cache.follow(Committed(ledger.epoch, ledger.revision, ledger.positions), force=True)

    def __call__(self, records: DataFrame, batch_id: int) -> None:
        """Stages one batch of Kafka records (parse.SOURCE_COLUMNS) and hands it to the commit."""
        with self._staging:
            if self._stopping.is_set():
                raise StopRequested(f"stream {self._stream.name} was asked to stop")
            began = time.monotonic()
            ends = {p: max(e, self._positions.get(p, 0)) for p, e in self._ends_of_batch(batch_id).items()}
            starts = {p: self._positions.get(p, 0) for p in ends}
            offsets = sum(ends[p] - starts[p] for p in ends)
            if offsets == 0:
                return
            batch = self._stage(records, starts, offsets)
            self.settle()
            self._positions |= ends
            self._committing = self._committer.submit(self._finish, batch, batch_id, starts, ends, began)

    def settle(self) -> None:
        """Waits for the commit under way; raises what it raised."""
        if self._committing is not None:
            self._committing.result()
            self._committing = None

    def drain(self) -> None:
        """Waits until the batch under way, if any, is staged and committed."""
        with self._staging:
            self.settle()

    def idle(self) -> None:
        """Between batches: raises what the last commit raised; makes good what an outage left unpublished, or
        a flush took away."""
        if not self._staging.acquire(blocking=False):
            return
        try:
            if self._committing is None or self._committing.done():
                self.settle()
                if self._cache.wants_a_look():
                    self._cache.look()
        finally:
            self._staging.release()

    def close(self) -> None:
        self._committer.shutdown()
        self._commits.close()
        self._cache.close()

    def _stage(self, records: DataFrame, starts: Positions, offsets: int) -> StagedBatch:
        rules = parse_rules(self._stream, self._settings, self._generation, self._known, source=self._source)
        if offsets < self._settings.streaming.executor_staging_rows:
            return staging.stage_on_driver(records.toArrow().to_batches(), rules, starts)
        self._slot = next(slot for slot in SLOTS if slot != self._slot)
        task: Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]] = partial(
            staging.stage_partition,
            settings=self._settings.postgres,
            rules=rules,
            positions=dict(starts),
            slot=self._slot,
            patience=self._patience,
        )
        return staging.stage_on_executors(records, task, self._slot)

    def _finish(
        self, batch: StagedBatch, batch_id: int, starts: Positions, ends: Positions, began: float
    ) -> None:
        staged = time.monotonic()
        committed = self._commits.commit(
            batch, batch_id=batch_id, starts=starts, ends=ends, horizon=self._cache.horizon()
        )
        in_postgres = time.monotonic()
        if batch.notes.sources and self._source is None:
            self._source = self._commits.source()
        self._cache.follow(committed)
        self._report(BatchReport.of(committed, batch_id, began, staged, in_postgres, time.monotonic()))
        self._prune()

    def _prune(self) -> None:
        if time.monotonic() - self._pruned < _SECONDS_AN_HOUR:
            return
        self._pruned = time.monotonic()
        try:
            with closing(connect(self._settings.postgres, f"castro_spark {self._stream.name}")) as connection:
                prune(connection, self._stream.name, self._settings.streaming.books_retention_days)
        except PASSING as error:
            log.warning("old books were not pruned, the next hour does it: %s", error)
