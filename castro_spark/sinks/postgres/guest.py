"""Commits beside the stream's own: records that it has consumed already (a replay from quarantine, a backfill).

Guarantee: no offsets move and nobody is fenced; a guest only takes its turn at the stream's row. Records keep their
source positions, so what the stream wrote since is not overwritten, and what is there already is stale: a guest's
commit that repeats changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from threading import Event

from castro_spark.settings import PostgresSettings
from castro_spark.sinks.postgres import staging
from castro_spark.sinks.postgres.commit import Committed, StreamCommits
from castro_spark.sinks.postgres.connection import Connection
from castro_spark.sinks.postgres.ledger import advance, lock
from castro_spark.sinks.postgres.projection import Horizon
from castro_spark.sinks.postgres.staging import StagedBatch
from castro_spark.streams.declaration import StreamDeclaration


class GuestCommits(StreamCommits):
    """The transaction of `StreamCommits` without epoch and offsets; not for use by several threads at once."""

    _slots = (staging.GUEST_SLOT,)

    def __init__(
        self, settings: PostgresSettings, stream: StreamDeclaration, *, patience: float, stopping: Event | None = None
    ) -> None:
        super().__init__(settings, stream, epoch=None, patience=patience, stopping=stopping)

    def commit_records(self, batch: StagedBatch, horizon: Horizon) -> Committed:
        """Commits a batch, outlasting outages up to the patience given; its books count records, not offsets.

        StagingLost is raised also where an earlier try's COMMIT arrived although its answer did not: stage it again.
        """
        return self._outlast(lambda: self._transaction(batch, horizon))

    def resolve(self, batch: StagedBatch, ids: Sequence[int], horizon: Horizon) -> tuple[Committed, set[int]]:
        """Commits a replay of the quarantined records `ids`.

        Returns also which of them are usable now; what came out as a reject again stays open, as it is.
        """
        connection = self._open()
        with connection, connection.cursor() as cursor:
            committed = self._join(connection, batch, horizon)
            cursor.execute(self._statements.resolve, {"ids": list(ids)})
            return committed, {record_id for (record_id,) in cursor.fetchall()}

    def _transaction(self, batch: StagedBatch, horizon: Horizon) -> Committed:
        connection = self._open()
        with connection:
            return self._join(connection, batch, horizon)

    def _join(self, connection: Connection, batch: StagedBatch, horizon: Horizon) -> Committed:
        ledger = lock(connection, self._stream.name, None)
        records = {partition: counts.records for partition, counts in batch.counts.items()}
        committed = self._merge(connection, ledger, batch, {}, records, horizon)
        advance(connection, self._stream.name, {}, committed.revision, ledger.positions)
        return replace(committed, positions=ledger.positions)
