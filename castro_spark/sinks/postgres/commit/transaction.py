"""The commit transaction: a batch's events, aggregates, quarantine, books and offsets, all or nothing.

Guarantee: exactly once. A repeated batch finds the ledger at its end and changes nothing. If the connection breaks
during COMMIT, the ledger shows whether the batch was committed; only if not is it redone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from threading import Event

from castro_spark.errors import LedgerMoved
from castro_spark.parse.origin import Source
from castro_spark.sections.servers import PostgresSettings
from castro_spark.sinks.postgres.commit import staging
from castro_spark.sinks.postgres.commit.books import Books, books_of, write_books
from castro_spark.sinks.postgres.commit.ledger import Ledger, Positions, lock_as_writer
from castro_spark.sinks.postgres.commit.merging.merge import Merge
from castro_spark.sinks.postgres.commit.merging.statements import statements
from castro_spark.sinks.postgres.commit.rules.kinds import take_streamed
from castro_spark.sinks.postgres.commit.rules.source import fixed_source, take_source
from castro_spark.sinks.postgres.commit.session import CommitSession
from castro_spark.sinks.postgres.commit.skipped import note_skipped
from castro_spark.sinks.postgres.commit.staging import StagedBatch
from castro_spark.sinks.postgres.connection import Connection
from castro_spark.sinks.postgres.operations.latency import note_commit
from castro_spark.sinks.postgres.schema.working_tables import SLOTS
from castro_spark.sinks.postgres.session.together import one_round_trip
from castro_spark.streams.declaration import StreamDeclaration


@dataclass(frozen=True)
class Committed:
    """The result of a commit."""

    epoch: int
    revision: int
    positions: dict[int, int]
    books: list[Books] = field(default_factory=list)

    def total(self, column: str) -> int:
        return sum(getattr(b, column) for b in self.books)


class StreamCommits:
    """Commits the batches of one stream, for the writer of `epoch`.

    Not thread-safe, but that a thread may `copy_ahead` the next batch while another one commits.
    """

    def __init__(
        self,
        settings: PostgresSettings,
        stream: StreamDeclaration,
        *,
        epoch: int,
        patience: float,
        stopping: Event | None = None,
        fresh_from: Callable[[], date] | None = None,
    ) -> None:
        """`fresh_from`: the first local day whose events are fresh news now (critical/); None: no day."""
        self._stream = stream
        self._epoch = epoch
        self._fresh_from = fresh_from
        composed = statements(stream)
        self._merge = Merge(stream, composed)
        self._sessions = [
            CommitSession(settings, stream, composed, patience=patience, stopping=stopping) for _ in range(2)
        ]

    def begin(self) -> None:
        """Removes an earlier writer's leftovers from the staging slots; outlasts outages as a commit does."""
        self._sessions[0].transaction(self._empty_slots)

    def copy_ahead(self, batch: StagedBatch, previous: CommitSession | None) -> CommitSession | None:
        """Copies a batch's records while the previous one commits in its session (None: the first one): COPY is a tenth
        of a commit, and PostgreSQL can do it on another core.

        Returns the session that must commit the batch; None if it could not: its commit then copies them.
        """
        other = next(session for session in self._sessions if session is not (previous or self._sessions[0]))
        return other if other.copy_ahead(batch.parsed) else None

    def commit(
        self,
        batch: StagedBatch,
        *,
        batch_id: int,
        starts: Positions,
        ends: Positions,
        confirm: Callable[[], object] = lambda: None,
        session: CommitSession | None = None,
    ) -> Committed:
        """Commits a batch of the offsets `starts`..`ends`; outlasts outages up to the patience given. Idempotent.

        `confirm` is called last before COMMIT; if it raises, nothing is committed. It holds the stream's lock
        meanwhile, so it must not wait for long. `session`: as `copy_ahead` returned it.
        """
        chosen = session or self._sessions[0]

        def commit(connection: Connection) -> Committed:
            return self._commit(connection, batch, batch_id, starts, ends, confirm, chosen.copied)

        return chosen.transaction(commit)

    def source(self, session: CommitSession | None = None) -> Source | None:
        """The stream's committed source; None before its first change. `session`: that of the last commit."""
        return (session or self._sessions[0]).transaction(lambda c: fixed_source(c, self._stream.name))

    def close(self) -> None:
        """Closes the connections; the next commit opens a new one."""
        for session in self._sessions:
            session.close()

    def _commit(
        self,
        connection: Connection,
        batch: StagedBatch,
        batch_id: int,
        starts: Positions,
        ends: Positions,
        confirm: Callable[[], object],
        copied: int | None,
    ) -> Committed:
        # 1. Lock the stream's row: until COMMIT no other commit to this stream runs. Raises Fenced after a takeover.
        lock = lock_as_writer(connection, self._stream.name, self._epoch)
        ledger = lock.ledger
        if _reached(ledger, ends):
            # An earlier attempt was committed although COMMIT's answer was lost.
            return Committed(ledger.epoch, ledger.revision, ledger.positions)
        if any(ledger.positions.get(p, 0) != start for p, start in starts.items()):
            raise LedgerMoved(
                f"the ledger of {self._stream.name} is at {ledger.positions}, the batch begins at {dict(starts)}",
                "start the stream again: it resumes from the ledger",
            )
        take_source(connection, lock, batch.notes)
        take_streamed(connection, lock, batch)
        # 2. to 6. Merge the records into the tables.
        merged = self._merge(connection, lock, batch, self._fresh_from and self._fresh_from(), copied)
        # 7. The books; a CHECK rejects those that do not balance.
        books = books_of(starts, ends, merged.counts, merged.changed)
        with connection.cursor() as cursor, one_round_trip(cursor) as together:
            write_books(together, self._stream.name, lock.next_revision, batch_id, books)
            note_skipped(together, self._stream.name, batch.notes)
            # 8. The offsets and the revision; the session's COMMIT follows.
            lock.advance(together, ends, batch.produced.newest)
            lock.name_commit(together)
        confirm()
        produced = batch.produced
        note_commit(connection, self._stream.name, lock.next_revision, produced.cells, produced.untimed)
        return Committed(ledger.epoch, lock.next_revision, {**ledger.positions, **ends}, books)

    def _empty_slots(self, connection: Connection) -> None:
        lock_as_writer(connection, self._stream.name, self._epoch)
        for slot in SLOTS:
            staging.empty_slot(connection, self._stream, slot)


def _reached(ledger: Ledger, ends: Positions) -> bool:
    return all(ledger.positions.get(p, 0) >= end for p, end in ends.items())
