"""What happens to a batch: staged once, committed in one transaction, then published to Redis."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime
from functools import partial
from threading import Event, Lock

import pyarrow as pa
import redis
from pyspark.sql import DataFrame

from castro_spark.settings import Settings
from castro_spark.sinks.postgres import staging
from castro_spark.sinks.postgres.commit import Committed, StreamCommits, prune_books
from castro_spark.sinks.postgres.connection import PASSING, Connection, connect, outlast_outages
from castro_spark.sinks.postgres.ledger import Ledger, Positions
from castro_spark.sinks.postgres.projection import Horizon, Projection, changed_since
from castro_spark.sinks.postgres.staging import Counts, StagedBatch
from castro_spark.sinks.redis.publish import Publisher, Rows
from castro_spark.streaming.progress import BatchReport
from castro_spark.streams.declaration import StreamDeclaration

log = logging.getLogger(__name__)
_SECONDS_AN_HOUR = 3600.0
_LOOK_SECONDS = 5.0


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
        self._positions = dict(ledger.positions)
        self._ends_of_batch = ends_of_batch
        self._report = report
        self._stopping = stopping
        patience = settings.streaming.outage_retry_seconds
        self._commits = StreamCommits(
            settings.postgres, stream, epoch=ledger.epoch, patience=patience, stopping=stopping
        )
        self._cache = CachePublisher(settings, stream)
        self._pruned = -_SECONDS_AN_HOUR
        self.busy = Lock()

    def __call__(self, lines: DataFrame, batch_id: int) -> None:
        """Writes one batch of staged_lines (sinks/postgres/copy_text)."""
        with self.busy:
            if self._stopping.is_set():
                raise StopRequested(f"stream {self._stream.name} was asked to stop")
            self._write(lines, batch_id)

    def start(self, ledger: Ledger) -> None:
        """Makes good what an earlier run left unpublished."""
        self._cache.follow(Committed(ledger.epoch, ledger.revision, ledger.positions), force=True)

    def idle(self) -> None:
        """Between batches: makes good what an outage left unpublished, or a flush took away."""
        if self._cache.wants_a_look() and self.busy.acquire(blocking=False):
            try:
                self._cache.look()
            finally:
                self.busy.release()

    def close(self) -> None:
        self._commits.close()
        self._cache.close()

    def _write(self, lines: DataFrame, batch_id: int) -> None:
        began = time.monotonic()
        ends = {p: max(e, self._positions.get(p, 0)) for p, e in self._ends_of_batch(batch_id).items()}
        starts = {p: self._positions.get(p, 0) for p in ends}
        offsets = sum(ends[p] - starts[p] for p in ends)
        if offsets == 0:
            return
        batch = self._stage(lines, starts, offsets)
        committed = self._commits.commit(
            batch, batch_id=batch_id, starts=starts, ends=ends, horizon=self._cache.horizon()
        )
        self._positions = dict(committed.positions)
        in_postgres = time.monotonic()
        self._cache.follow(committed)
        self._report(BatchReport.of(committed, batch_id, began, in_postgres, time.monotonic()))
        self._prune()

    def _stage(self, lines: DataFrame, starts: Positions, offsets: int) -> StagedBatch:
        if offsets < self._settings.streaming.executor_staging_rows:
            held = [staging.not_yet_consumed(b, starts) for b in lines.toArrow().to_batches()]
            return StagedBatch(counts=staging.count(held), lines=held)
        for attempt in outlast_outages(self._settings.streaming.outage_retry_seconds, self._stopping):
            with attempt, closing(self._connect()) as connection:
                staging.empty_staging(connection, self._stream)
        task: Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]] = partial(
            staging.stage_partition,
            settings=self._settings.postgres,
            stream=self._stream,
            positions=dict(starts),
            patience=self._settings.streaming.outage_retry_seconds,
        )
        batch = StagedBatch()
        for row in lines.mapInArrow(task, staging.COUNTS_SCHEMA).collect():
            batch.attempts.append(row.attempt)
            counts = batch.counts.setdefault(row.partition, Counts())
            counts.add(row.events, row.rejects, row.skipped)
        return batch

    def _prune(self) -> None:
        if time.monotonic() - self._pruned < _SECONDS_AN_HOUR:
            return
        self._pruned = time.monotonic()
        try:
            with closing(self._connect()) as connection:
                prune_books(connection, self._stream.name, self._settings.streaming.books_retention_days)
        except PASSING as error:
            log.warning("old books were not pruned, the next hour does it: %s", error)

    def _connect(self) -> Connection:
        return connect(self._settings.postgres, f"castro_spark {self._stream.name}")


class CachePublisher:
    """Keeps Redis up with the commits; while it is away PostgreSQL goes on, and it is made good after."""

    def __init__(self, settings: Settings, stream: StreamDeclaration) -> None:
        self._settings = settings
        self._stream = stream
        self._publisher = Publisher(settings.redis, stream)
        self._last: Committed | None = None
        self._behind = False
        self._looked = 0.0

    def horizon(self) -> Horizon:
        """What is recent enough to be cached, by today's local date."""
        ttl = self._settings.redis.ttl
        today = datetime.now(self._settings.zone).date()
        return Horizon.of(today, ttl.daily_days, ttl.monthly_days)

    def follow(self, committed: Committed, *, force: bool = False) -> None:
        """Publishes a commit, and whatever Redis lacks before it."""
        self._last = committed
        try:
            held = self._publisher.published()
            if not force and held is not None and held[1] == committed.revision - 1:
                self._publisher.write(as_rows(committed.projection), committed.epoch, committed.revision)
                self._publisher.mark(committed.epoch, committed.revision)
            elif held is None or held < (committed.epoch, committed.revision):
                self.catch_up(committed.epoch, committed.revision)
        except (redis.RedisError, *PASSING) as error:
            if not self._behind:
                log.warning("not published: %s; the stream goes on, Redis is made good later", str(error).strip())
            self._behind = True
        else:
            if self._behind:
                log.warning("Redis is back and holds revision %d", committed.revision)
            self._behind = False

    def wants_a_look(self) -> bool:
        """At once while something is unpublished; else every few seconds, because Redis may lose its data."""
        return self._behind or time.monotonic() - self._looked > _LOOK_SECONDS

    def look(self) -> None:
        """Compares Redis with the last commit and makes good what it lacks."""
        self._looked = time.monotonic()
        if self._last is not None:
            self.follow(self._last, force=True)

    def catch_up(self, epoch: int, revision: int, *, everything: bool = False) -> int:
        """Writes from PostgreSQL what Redis lacks up to `revision`, or everything; returns how many keys."""
        connection = connect(self._settings.postgres, f"castro_spark {self._stream.name} cache")
        try:
            # One snapshot, so that all that is written is of one state.
            connection.set_session(isolation_level="REPEATABLE READ", readonly=True)

            def rows(since: int) -> Iterator[Rows]:
                for part in changed_since(connection, self._stream, -1 if everything else since, self.horizon()):
                    yield as_rows(part)

            return self._publisher.catch_up(epoch, revision, rows)
        finally:
            connection.close()

    def close(self) -> None:
        self._publisher.close()


def as_rows(projection: Projection) -> Rows:
    """What the Redis sink takes."""
    return projection.newest, projection.daily, projection.monthly
