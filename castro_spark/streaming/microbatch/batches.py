"""Processes a micro-batch: cuts it into slices; stages each slice once and commits it in one transaction.

The size of a micro-batch is fixed when the query starts; a slice is what can be committed within a few seconds
(slices.py). Usually the micro-batch is one slice, and goes on with what comes after it (linger.py). Of a large one a
slice is staged while the previous one commits: one ahead, never more. So Spark may record a micro-batch as done before
it is committed, and the ledger may be in the middle of one or ahead of it; a start continues from the ledger
(streaming/start).
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, replace
from threading import Event, Lock

from pyspark.sql import DataFrame

from castro_spark.parse.origin import Source
from castro_spark.process.logs import log_fields
from castro_spark.settings import Settings
from castro_spark.sinks.postgres.commit.ledger import Ledger, Positions
from castro_spark.sinks.postgres.commit.session import CommitSession
from castro_spark.sinks.postgres.commit.staging import StagedBatch
from castro_spark.sinks.postgres.commit.transaction import Committed, StreamCommits
from castro_spark.sources.kafka.followed import FollowedTopic
from castro_spark.streaming.microbatch.linger import Linger
from castro_spark.streaming.microbatch.progress import BatchReport
from castro_spark.streaming.microbatch.slices import Measured, Pace, cut
from castro_spark.streaming.microbatch.stager import Slice, Stager, is_small
from castro_spark.streams.declaration import StreamDeclaration

log = logging.getLogger(__name__)
_SOON = 2  # times the next slice: slices may be so large a second or two later
# Of a micro-batch of so few offsets nothing is staged beside a commit: the next slice would have fewer records, which
# would wait for that commit. So there would be more commits, each with its fixed cost, and later ones. In a backlog
# staging takes as long as the commit, and is done beside it.
_SMALL = 10_000
_CONFIRM_SECONDS = 0.5  # how long a transaction waits, with its locks, for the topic's id: usually it is there already


class StopRequested(Exception):
    """The stream was asked to stop before this batch started."""


class _Unconfirmed(Exception):
    """The topic's id was not there in time: the transaction is rolled back, and repeated once the id is there."""


@dataclass(frozen=True)
class Staged:
    """A slice that is ready to commit; `began` and `at` are the start and end of its staging (time.monotonic);
    `more_follow`: what was read together has further slices."""

    batch: StagedBatch
    batch_id: int
    starts: Positions
    ends: Positions
    began: float
    at: float
    more_follow: bool
    session: CommitSession | None  # that has copied its records

    @property
    def offsets(self) -> int:
        return sum(end - self.starts[p] for p, end in self.ends.items())


class BatchWriter:
    """The foreachBatch function of one stream. Idempotent: a repeated batch changes nothing (sinks/postgres/commit)."""

    def __init__(
        self,
        settings: Settings,
        stream: StreamDeclaration,
        ledger: Ledger,
        ends_of_batch: Callable[[int], Positions],
        report: Callable[[BatchReport], None],
        stopping: Event,
        confirm_source: Callable[[], None],
        confirm_ends: Callable[[Positions], None],
        followed: FollowedTopic | None,
        linger: Linger,
    ) -> None:
        self._settings = settings
        self._stream = stream
        self._confirm_source = confirm_source  # called after the read, before COMMIT: raises if the topic was recreated
        self._confirm_ends = confirm_ends  # raises if the topic ends before these positions
        self._followed = followed
        self._linger = linger
        self._generation, self._epoch = ledger.generation, ledger.epoch
        self._known = ledger.warehouse_kinds  # if these change, the commit raises, and the stream restarts
        self._positions = dict(ledger.positions)  # start of the next slice, assuming that pending slices commit
        self._ends_of_batch = ends_of_batch
        self._report = report
        self._stopping = stopping
        self._patience = settings.streaming.outage_retry_seconds
        self._commits = StreamCommits(
            settings.postgres, stream, epoch=ledger.epoch, patience=self._patience, stopping=stopping,
            fresh_from=settings.fresh_from,
        )  # fmt: skip
        self._source: Source | None = None
        self._stager: Stager | None = None  # created by the first micro-batch, which provides the session
        self._pace = Pace()
        self._committing: Future[None] | None = None
        self._session: CommitSession | None = None  # of the pending commit
        self._committer = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"castro commit {stream.name}")
        self._confirmer = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"castro topic {stream.name}")
        self._staging = Lock()

    def begin(self) -> None:
        """Clears the staging that an earlier run left behind."""
        self._commits.begin()
        self._source = self._commits.source()

    def __call__(self, records: DataFrame, batch_id: int) -> None:
        """Stages a micro-batch of Kafka records (stager.up_to_size) slice by slice, and submits each for commit.

        A small micro-batch is committed when this returns, and often what came after it (linger.py); of a larger one
        the last slice may not be.
        """
        with self._staging, log_fields(stream=self._stream.name, batch_id=batch_id):
            self._check_stop()
            planned = self._ends_of_batch(batch_id)
            if any(end < self._positions.get(p, 0) for p, end in planned.items()):
                # Spark asked where the topic ends after all these were committed. It plans less if it catches up.
                self._confirm_ends(dict(self._positions))
            ends = {p: max(end, self._positions.get(p, 0)) for p, end in planned.items()}
            offsets = self._left(ends).offsets
            if self._stager is None:
                self._stager = Stager(
                    records.sparkSession, self._settings, self._stream, self._followed,
                    self._generation, self._known, self._epoch,
                )  # fmt: skip
            self._stage(self._stager, batch_id, ends, records)
            if offsets <= _SMALL:
                self.settle()
                self._go_on(self._stager, batch_id)

    def saw_ends(self, ends: Positions) -> None:
        """Learns where the topic ends, as the brokers say."""
        self._linger.saw_ends(ends, self._positions)

    def brokers_silent(self) -> None:
        """Learns that the brokers do not answer: Spark asks them, and says so."""
        self._linger.give_turn()

    def settle(self) -> None:
        """Waits for the pending commit; re-raises its error."""
        if self._committing is not None:
            self._committing.result()
            self._committing = None

    def drain(self) -> None:
        """Waits until the current batch, if any, is staged and committed."""
        with self._staging:
            self.settle()

    def idle(self) -> None:
        """Between batches: re-raises the last commit's error. Returns at once while a batch is being staged."""
        if not self._staging.acquire(blocking=False):
            return
        try:
            if self._committing is None or self._committing.done():
                self.settle()
        finally:
            self._staging.release()

    def wait_no_more(self) -> None:
        """Ends a batch that waits for further records."""
        self._linger.stop()

    def close(self) -> None:
        self._committer.shutdown()
        self._confirmer.shutdown()
        self._commits.close()

    def _go_on(self, stager: Stager, batch_id: int) -> None:
        """Commits what comes after a small micro-batch, until it is Spark's turn."""
        self._linger.begin()
        while is_small(self._pace.offset_bytes) and (ends := self._linger.more(self._positions)):
            self._stage(stager, batch_id, ends)
            self.settle()

    def _stage(self, stager: Stager, batch_id: int, ends: Positions, records: DataFrame | None = None) -> None:
        """Stages everything up to `ends` slice by slice, and submits each for commit. `records`: all of them, as Spark
        has planned them."""
        whole = self._left(ends)
        while (left := self._left(ends)).offsets:
            self._check_stop()
            if self._pace.is_learning(left.offsets, stager.limits()):
                self.settle()  # its measure first: else each size that a growing slice goes through comes twice
            began = time.monotonic()
            most = self._pace.next_offsets(left.offsets, stager.limits())
            part = replace(left, ends=cut(left.starts, ends, most))
            if self._followed is None and part.offsets == whole.offsets:
                # The usual case: reuse the DataFrame that Spark has planned already.
                part = replace(part, records=records)
            batch, reached = stager.stage(part, self._source)
            more = replace(left, starts={**left.starts, **reached}).offsets > 0
            session = self._copied_ahead(batch)
            staged = Staged(batch, batch_id, part.starts, reached, began, time.monotonic(), more, session)
            self.settle()
            if self._pace.measured:  # not before the first commit, which it would delay
                soon = _SOON * self._pace.next_offsets(left.offsets, stager.limits())
                stager.expect(replace(left, ends=cut(left.starts, ends, soon)))
            self._positions |= reached
            self._session = session
            self._committing = self._committer.submit(self._finish, staged)

    def _left(self, ends: Positions) -> Slice:
        """Everything up to `ends` that is not staged yet."""
        starts = {p: self._positions.get(p, 0) for p in ends}
        return Slice(starts, ends, self._pace.offset_bytes, self._pace.proven_small)

    def _copied_ahead(self, batch: StagedBatch) -> CommitSession | None:
        """Copies the records while the previous slice commits, if it does; returns the session that must commit them.

        None: the commit copies them.
        """
        if self._committing is None or self._committing.done() or not batch.parsed:
            return None
        return self._commits.copy_ahead(batch, self._session)

    def _check_stop(self) -> None:
        if self._stopping.is_set():
            raise StopRequested(f"stream {self._stream.name} was asked to stop")

    def _finish(self, staged: Staged) -> None:
        with log_fields(stream=self._stream.name, batch_id=staged.batch_id):
            self._commit(staged)

    def _commit(self, staged: Staged) -> None:
        begun = time.monotonic()
        batch, committed = staged.batch, self._confirmed_commit(staged)
        in_postgres = time.monotonic()
        if batch.notes.sources and self._source is None:
            self._source = self._commits.source(staged.session)
        seconds = max(staged.at - staged.began, in_postgres - begun)
        measured = Measured(staged.offsets, staged.batch.bytes, seconds)
        self._pace = self._pace.after(measured, self._settings.streaming.commit_seconds)
        times = staged.began, begun, in_postgres
        report = BatchReport.of(committed, staged.batch_id, *times, staged.more_follow)
        log.debug("%d offsets are committed", report.offsets, extra=report.as_dict())
        self._report(report)

    def _confirmed_commit(self, staged: Staged) -> Committed:
        # The records are read. While the transaction merges them, the topic's id is requested; COMMIT needs the answer.
        confirmed = self._confirmer.submit(self._confirm_source)

        def confirm() -> None:
            if not wait([confirmed], _CONFIRM_SECONDS).done:
                raise _Unconfirmed
            confirmed.result()

        def commit() -> Committed:
            return self._commits.commit(
                staged.batch, batch_id=staged.batch_id, starts=staged.starts, ends=staged.ends, confirm=confirm,
                session=staged.session,
            )  # fmt: skip

        try:
            return commit()
        except _Unconfirmed:
            confirmed.result()  # without a transaction: Kafka may be away for a while
            return commit()
