"""Commits beside the writer's own: records that the stream has consumed already (a replay, a backfill, an extract).

Guarantee: no offsets move and nobody is fenced; a commit only takes its turn at the stream's row. Records keep their
source positions, so what the stream wrote since is not overwritten, and what is there already is stale: a commit that
repeats changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Event

from castro_spark.parse.identity import Kinds
from castro_spark.parse.origin import Source
from castro_spark.servers import PostgresSettings
from castro_spark.sinks.postgres.commit import staging
from castro_spark.sinks.postgres.commit.books import books_of
from castro_spark.sinks.postgres.commit.kinds import take_streamed, take_warehouse
from castro_spark.sinks.postgres.commit.ledger import StreamLock, lock_out_of_band
from castro_spark.sinks.postgres.commit.merge import Merge, Merged
from castro_spark.sinks.postgres.commit.session import CommitSession
from castro_spark.sinks.postgres.commit.source import fixed_source, take_source
from castro_spark.sinks.postgres.commit.staging import StagedBatch
from castro_spark.sinks.postgres.commit.statements import statements
from castro_spark.sinks.postgres.commit.transaction import Committed
from castro_spark.sinks.postgres.connection import Connection
from castro_spark.sinks.postgres.working_tables import OUT_OF_BAND_SLOT
from castro_spark.streams.declaration import StreamDeclaration


class OutOfBandCommits:
    """Commits without epoch and offsets; not for use by several threads at once.

    `warehouse`: how all the rows are known that are brought from the warehouse; None: the stream's records are brought.
    """

    def __init__(
        self,
        settings: PostgresSettings,
        stream: StreamDeclaration,
        *,
        patience: float,
        stopping: Event | None = None,
        warehouse: Kinds | None = None,
    ) -> None:
        self._stream = stream
        self._warehouse = warehouse
        composed = statements(stream)
        self._merge = Merge(stream, composed)
        self._session = CommitSession(settings, stream, composed, patience=patience, stopping=stopping)

    def begin(self) -> None:
        """Empties the staging slot of such commits of what an earlier one left there."""
        self._session.transaction(self._empty_slot)

    def commit(self, batch: StagedBatch) -> Committed:
        """Commits a batch, outlasting outages up to the patience given; its books count records, not offsets.

        StagingLost is raised also where an earlier try's COMMIT arrived although its answer did not: stage it again.
        """
        return self._session.transaction(lambda c: self._commit(c, batch))

    def resolve(self, batch: StagedBatch, ids: Sequence[int]) -> tuple[Committed, set[int]]:
        """Commits a replay of the quarantined records `ids`.

        Returns also which of them are usable now; what came out as a reject again stays open, as it is.
        """
        return self._session.transaction(lambda c: self._resolve(c, batch, ids))

    def source(self) -> Source | None:
        """The stream's source as committed; None before its first change."""
        return self._session.transaction(lambda c: fixed_source(c, self._stream.name))

    def close(self) -> None:
        """Closes the connection; the next commit makes a new one."""
        self._session.close()

    def _commit(self, connection: Connection, batch: StagedBatch) -> Committed:
        lock = lock_out_of_band(connection, self._stream.name)
        if self._warehouse is None:
            take_source(connection, lock, batch.notes)
            take_streamed(connection, lock, batch)
        else:
            take_warehouse(connection, lock, self._warehouse)
        merged = self._merge(connection, lock, batch)
        lock.name_commit(connection)
        return committed_out_of_band(lock, merged)

    def _resolve(
        self, connection: Connection, batch: StagedBatch, ids: Sequence[int]
    ) -> tuple[Committed, set[int]]:
        committed = self._commit(connection, batch)
        with connection.cursor() as cursor:
            cursor.execute(self._session.statements.resolve, {"ids": list(ids)})
            return committed, {record_id for (record_id,) in cursor.fetchall()}

    def _empty_slot(self, connection: Connection) -> None:
        lock_out_of_band(connection, self._stream.name)
        staging.empty_slot(connection, self._stream, OUT_OF_BAND_SLOT)


def committed_out_of_band(lock: StreamLock, merged: Merged) -> Committed:
    """What such a commit did: its books count the records of each partition from 0."""
    records = {partition: counts.records for partition, counts in merged.counts.items()}
    books = books_of({}, records, merged.counts, merged.changed)
    return Committed(lock.ledger.epoch, lock.next_revision, lock.ledger.positions, books)
