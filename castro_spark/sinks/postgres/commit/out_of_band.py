"""Out-of-band commits: records that do not advance the stream's offsets (a replay, a backfill, an extract).

Guarantee: no offsets move and no writer is fenced; a commit only waits for the lock on the stream's row. Records keep
their source positions, so newer streamed events are not overwritten and stored ones are stale: idempotent.
"""

from __future__ import annotations

from collections.abc import Sequence
from threading import Event

from castro_spark.parse.identity import Kinds
from castro_spark.parse.origin import Source
from castro_spark.sections.servers import PostgresSettings
from castro_spark.sinks.postgres.commit import staging
from castro_spark.sinks.postgres.commit.books import books_of
from castro_spark.sinks.postgres.commit.ledger import StreamLock, lock_out_of_band
from castro_spark.sinks.postgres.commit.merging.merge import Merge, Merged
from castro_spark.sinks.postgres.commit.merging.statements import statements
from castro_spark.sinks.postgres.commit.rules.kinds import take_streamed, take_warehouse
from castro_spark.sinks.postgres.commit.rules.source import fixed_source, take_source
from castro_spark.sinks.postgres.commit.session import CommitSession
from castro_spark.sinks.postgres.commit.staging import StagedBatch
from castro_spark.sinks.postgres.commit.transaction import Committed
from castro_spark.sinks.postgres.connection import Connection
from castro_spark.sinks.postgres.schema.working_tables import OUT_OF_BAND_SLOT
from castro_spark.streams.declaration import StreamDeclaration


class OutOfBandCommits:
    """Commits without epoch and offsets. Not thread-safe.

    `warehouse`: the kinds of identity of rows from the warehouse; None: the records are the stream's.
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
        self._session = CommitSession(
            settings, stream, composed, patience=patience, stopping=stopping, out_of_band=True
        )

    def begin(self) -> None:
        """Removes an earlier commit's leftovers from the out-of-band staging slot."""
        self._session.transaction(self._empty_slot)

    def commit(self, batch: StagedBatch) -> Committed:
        """Commits a batch, outlasting outages up to the patience given; its books count records, not offsets.

        Raises StagingLost also if an earlier attempt was committed although COMMIT's answer was lost: stage it again.
        """
        return self._session.transaction(lambda c: self._commit(c, batch))

    def resolve(self, batch: StagedBatch, ids: Sequence[int]) -> tuple[Committed, set[int]]:
        """Commits a replay of the quarantined records `ids`.

        Returns also the ids that are usable now; records that were rejected again stay open, unchanged.
        """
        return self._session.transaction(lambda c: self._resolve(c, batch, ids))

    def source(self) -> Source | None:
        """The stream's committed source; None before its first change."""
        return self._session.transaction(lambda c: fixed_source(c, self._stream.name))

    def close(self) -> None:
        """Closes the connection; the next commit opens a new one."""
        self._session.close()

    def _commit(self, connection: Connection, batch: StagedBatch) -> Committed:
        lock = lock_out_of_band(connection, self._stream.name)
        if self._warehouse is None:
            take_source(connection, lock, batch.notes)
            take_streamed(connection, lock, batch)
        else:
            take_warehouse(connection, lock, self._warehouse)
        merged = self._merge(connection, lock, batch)
        with connection.cursor() as cursor:
            lock.name_commit(cursor)
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
    """The result of an out-of-band commit: its books count each partition's records from 0."""
    records = {partition: counts.records for partition, counts in merged.counts.items()}
    books = books_of({}, records, merged.counts, merged.changed)
    return Committed(lock.ledger.epoch, lock.next_revision, lock.ledger.positions, books)
