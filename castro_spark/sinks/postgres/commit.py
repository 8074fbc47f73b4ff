"""THE transaction: a batch's events, aggregates, quarantine, books and offsets, all or nothing.

Guarantee: exactly once. A batch that repeats finds the ledger at its end and changes nothing; a batch whose
COMMIT was sent when the connection broke is looked up in the ledger and done again only if it is not there.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from threading import Event
from typing import TypeVar

from psycopg2 import sql
from psycopg2.extras import execute_values

from castro_spark.errors import LedgerMoved, StagingLost
from castro_spark.settings import PostgresSettings
from castro_spark.sinks.postgres import staging
from castro_spark.sinks.postgres.connection import PASSING, Connection, connect, outlast_outages
from castro_spark.sinks.postgres.kept import fill_kept, without
from castro_spark.sinks.postgres.ledger import Ledger, Positions, advance, lock
from castro_spark.sinks.postgres.merge import Aggregate, statements
from castro_spark.sinks.postgres.projection import Horizon, Projection, aggregate_fields, newest_of_touched
from castro_spark.sinks.postgres.staging import Counts, StagedBatch
from castro_spark.streams.declaration import StreamDeclaration

log = logging.getLogger(__name__)
T = TypeVar("T")
_MOST_UNKNOWN = 200  # names of unknown fields that are noted of a stream


@dataclass(frozen=True)
class Books:
    """What became of one partition's offsets in one batch."""

    partition: int
    from_offset: int
    to_offset: int
    inserted: int
    corrected: int
    stale: int
    deleted: int
    quarantined: int
    skipped: int
    gaps: int


@dataclass(frozen=True)
class Changed:
    """What one partition's events did to the events table."""

    inserted: int = 0
    corrected: int = 0
    deleted: int = 0


@dataclass(frozen=True)
class Committed:
    """What a commit did."""

    epoch: int
    revision: int
    positions: dict[int, int]
    books: list[Books] = field(default_factory=list)
    projection: Projection = field(default_factory=Projection)

    def total(self, column: str) -> int:
        return sum(getattr(b, column) for b in self.books)


class StreamCommits:
    """Commits the batches of one stream, for the writer of `epoch` (None: a guest, see guest.py).

    Keeps one connection, and makes a new one when that broke. Not for use by several threads at once.
    """

    _slots: tuple[str, ...] = staging.SLOTS  # those that `begin` empties: another's may be in use

    def __init__(
        self,
        settings: PostgresSettings,
        stream: StreamDeclaration,
        *,
        epoch: int | None,
        patience: float,
        stopping: Event | None = None,
    ) -> None:
        self._settings = settings
        self._stream = stream
        self._epoch = epoch
        self._patience = patience
        self._stopping = stopping
        self._statements = statements(stream)
        self._connection: Connection | None = None

    def commit(
        self, batch: StagedBatch, *, batch_id: int, starts: Positions, ends: Positions, horizon: Horizon
    ) -> Committed:
        """Commits a batch that was cut to `starts`..`ends`; outlasts outages up to the patience given."""
        return self._outlast(lambda: self._try(batch, batch_id, starts, ends, horizon))

    def begin(self) -> None:
        """Empties the staging slots of what an earlier writer left there; outlasts outages as a commit does."""
        self._outlast(self._empty_slots)

    def close(self) -> None:
        """Closes the connection; the next commit makes a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _outlast(self, work: Callable[[], T]) -> T:
        for attempt in outlast_outages(self._patience, self._stopping):
            with attempt:
                try:
                    return work()
                except PASSING:
                    self.close()
                    raise
        raise AssertionError("unreachable: the retrying reraises")

    def _empty_slots(self) -> None:
        connection = self._open()
        with connection:
            lock(connection, self._stream.name, self._epoch)
            for slot in self._slots:
                staging.empty_slot(connection, self._stream, slot)

    def _open(self) -> Connection:
        if self._connection is None:
            connection = connect(self._settings, f"castro_spark {self._stream.name}")
            staging.create_temporary_tables(connection, self._stream)
            with connection, connection.cursor() as cursor:
                cursor.execute(self._statements.create_temporary)
            self._connection = connection
        return self._connection

    def _try(
        self, batch: StagedBatch, batch_id: int, starts: Positions, ends: Positions, horizon: Horizon
    ) -> Committed:
        connection = self._open()
        with connection:
            # 1. Lock the stream's row: from here to COMMIT this writer is alone, or it is fenced.
            ledger = lock(connection, self._stream.name, self._epoch)
            if _reached(ledger, ends):
                # An earlier try's COMMIT arrived although its answer did not.
                return Committed(ledger.epoch, ledger.revision, ledger.positions)
            if any(ledger.positions.get(p, 0) != start for p, start in starts.items()):
                raise LedgerMoved(
                    f"the ledger of {self._stream.name} is at {ledger.positions}, the batch begins at {dict(starts)}",
                    "start the stream again: it goes on from the ledger",
                )
            committed = self._merge(connection, ledger, batch, starts, ends, horizon)
            # 7. The books, whose CHECK refuses what does not balance.
            self._write_books(connection, committed, batch_id)
            # 8. The offsets, then COMMIT at the end of this block.
            advance(connection, self._stream.name, ends, committed.revision, ledger.positions)
        return committed

    def _merge(
        self,
        connection: Connection,
        ledger: Ledger,
        batch: StagedBatch,
        starts: Positions,
        ends: Positions,
        horizon: Horizon,
    ) -> Committed:
        attempts = batch.attempts or [staging.new_attempt()]
        # 2. A small batch's records are copied here; a large one's lie in their slot already.
        for parsed in batch.parsed:
            staging.copy_parsed(connection, self._stream, parsed, attempts[0], batch.slot)
        if batch.attempts:
            self._check_staged(connection, batch)
        revision = ledger.revision + 1
        projection = Projection()
        changed: dict[int, Changed] = {}
        counts = batch.counts
        with connection.cursor() as cursor:
            if batch.total("kept"):
                counts = without(counts, fill_kept(connection, self._stream, batch.slot, attempts))
            # Every join here is of a batch with an indexed table: a plan must not flip as the table grows.
            cursor.execute("SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off")
            if any(c.events for c in counts.values()):
                # 3. Events, and what they change of each product-day.
                known = {"attempts": attempts, "stream": self._stream.name}
                cursor.execute(self._statements.merge_events[batch.slot], known)
                changed = {partition: Changed(*numbers) for partition, *numbers in cursor.fetchall()}
            if changed:
                # 4. The newest event of each product touched; 5. the daily and monthly aggregates.
                cursor.execute(self._statements.newest)
                cursor.execute(self._statements.note_touched, {"stream": self._stream.name, "revision": revision})
                corrected = any(c.corrected or c.deleted for c in changed.values())
                daily, monthly = self._statements.daily, self._statements.monthly
                projection.daily = self._aggregate(connection, daily, revision, horizon.day, corrected)
                projection.monthly = self._aggregate(connection, monthly, revision, horizon.month, corrected)
                projection.newest = newest_of_touched(connection, self._stream)
            if any(c.rejects for c in counts.values()):
                # 6. The records that could not be used, with their bytes.
                named = {"stream": self._stream.name, "topic": ledger.topic, "generation": ledger.generation}
                cursor.execute(self._statements.quarantine[batch.slot], {"attempts": attempts, **named})
            if batch.unknown:
                noted = {"stream": self._stream.name, "names": sorted(batch.unknown), "most": _MOST_UNKNOWN}
                cursor.execute(self._statements.note_unknown, noted)
            if batch.slot != staging.TEMPORARY:
                staging.empty_slot(connection, self._stream, batch.slot)
        books = [_books(p, starts.get(p, 0), end, counts, changed) for p, end in sorted(ends.items())]
        return Committed(
            ledger.epoch,
            revision,
            {**ledger.positions, **ends},
            [b for b in books if b.to_offset > b.from_offset],
            projection,
        )

    def _aggregate(
        self, connection: Connection, aggregate: Aggregate, revision: int, oldest: date, corrected: bool
    ) -> list[tuple[str, date, dict[str, str] | None]]:
        with connection.cursor() as cursor:
            cursor.execute(aggregate.merge, {"revision": revision, "oldest": oldest})
            rows = [(code, period, aggregate_fields(*sums)) for code, period, *sums in cursor.fetchall()]
            if corrected:
                cursor.execute(aggregate.remove_emptied, {"revision": revision, "stream": self._stream.name})
        return rows

    def _check_staged(self, connection: Connection, batch: StagedBatch) -> None:
        with connection.cursor() as cursor:
            cursor.execute(self._statements.count_staged[batch.slot], {"attempts": batch.attempts})
            staged = cursor.fetchone()
        counted = batch.total("events"), batch.total("rejects") + batch.total("kept")
        if staged != counted:
            raise StagingLost(
                f"stream {self._stream.name}: {counted} events and rejects were staged, but {staged} are there",
                "nothing: the ledger has not moved, the stream begins again there (PostgreSQL empties unlogged"
                " tables when it crashes)",
            )

    def _write_books(self, connection: Connection, committed: Committed, batch_id: int) -> None:
        rows = [
            (
                self._stream.name, committed.revision, b.partition, batch_id, b.from_offset, b.to_offset,
                b.inserted, b.corrected, b.stale, b.deleted, b.quarantined, b.skipped, b.gaps,
            )
            for b in committed.books
        ]
        with connection.cursor() as cursor:
            execute_values(
                cursor,
                "INSERT INTO castro.batch_books (stream, revision, partition, batch_id, from_offset, to_offset,"
                " inserted, corrected, stale, deleted, quarantined, skipped, gaps) VALUES %s",
                rows,
            )


def prune(connection: Connection, stream: str, days: int) -> None:
    """Removes books, and notes of what was emptied or deleted, older than `days`."""
    with connection, connection.cursor() as cursor:
        for table, column in (("batch_books", "committed_at"), ("emptied", "emptied_at"), ("deleted", "deleted_at")):
            cursor.execute(
                sql.SQL("DELETE FROM {} WHERE stream = %s AND {} < now() - %s * interval '1 day'").format(
                    sql.Identifier("castro", table), sql.Identifier(column)
                ),
                (stream, days),
            )


def _reached(ledger: Ledger, ends: Positions) -> bool:
    return all(ledger.positions.get(p, 0) >= end for p, end in ends.items())


def _books(
    partition: int,
    start: int,
    end: int,
    counts: Mapping[int, Counts],
    changed: Mapping[int, Changed],
) -> Books:
    held = counts.get(partition, Counts())
    did = changed.get(partition, Changed())
    return Books(
        partition=partition,
        from_offset=start,
        to_offset=end,
        inserted=did.inserted,
        corrected=did.corrected,
        # Events that changed nothing: an older position of a known event, or of one in the same batch.
        stale=held.events - did.inserted - did.corrected - did.deleted,
        deleted=did.deleted,
        quarantined=held.rejects,
        skipped=held.skipped,
        # Control records, and what compaction took away.
        gaps=(end - start) - held.records,
    )
