"""Repairs by a reconciliation: commits of a guest that beat the stream's guard, and an audit row each.

Guarantee: a repair has the position that was held when the plan was made, and counts where that is still so. A later
record of the stream beats it, whether it is committed before the repair or after; a replay of earlier ones changes
nothing. The audit rows are in the transaction that changed what they tell of; an event that the stream changed in
between stays as it is and has none. A repair that is done again (its COMMIT arrived, the answer did not) changes
nothing more.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from threading import Event

from psycopg2 import sql
from psycopg2.extras import Json, execute_values

from castro_spark.errors import StagingLost
from castro_spark.settings import PostgresSettings
from castro_spark.sinks.postgres import staging
from castro_spark.sinks.postgres.aggregates import Period, repair_statement
from castro_spark.sinks.postgres.commit import Committed
from castro_spark.sinks.postgres.connection import Connection, names, statement
from castro_spark.sinks.postgres.guest import GuestCommits
from castro_spark.sinks.postgres.ledger import advance, lock
from castro_spark.sinks.postgres.merge import AS_NEW, statements
from castro_spark.sinks.postgres.projection import Horizon, Projection, aggregate_fields
from castro_spark.sinks.postgres.staging import Counts, StagedBatch, events_table
from castro_spark.streams.declaration import StreamDeclaration

_TEMPORARY = 'CREATE TEMP TABLE castro_before (event_id text COLLATE "C", class text, held jsonb) ON COMMIT DELETE ROWS'


class RepairCommits(GuestCommits):
    """The repairs of one run of a stream, some at a time; not for use by several threads at once."""

    def __init__(
        self,
        settings: PostgresSettings,
        stream: StreamDeclaration,
        run: str,
        *,
        patience: float,
        stopping: Event | None = None,
    ) -> None:
        super().__init__(settings, stream, patience=patience, stopping=stopping)
        self._statements = statements(stream, AS_NEW)
        self._known = {"run": run, "stream": stream.name}
        parts: dict[str, sql.Composable] = {
            "plan": sql.Identifier("castro", stream.reconcile_plan_table),
            "staged_events": events_table(stream, staging.TEMPORARY),
            "events": sql.Identifier(stream.events_table),
        }
        self._count = sql.SQL("SELECT count(*) FROM {plan} WHERE NOT in_flight AND number BETWEEN %s AND %s").format(
            plan=parts["plan"]
        )
        self._stage = statement("reconcile/stage_repairs.sql", **parts, columns=names(stream.event_columns))
        self._note_before = statement("reconcile/note_before.sql", **parts)
        self._note_repairs = statement("reconcile/note_repairs.sql", **parts)

    def repair_events(self, first: int, last: int, horizon: Horizon) -> Committed:
        """Makes the repairs `first` to `last` of the plan (plan.py).

        Raises StagingLost where the plan is not there any more.
        """
        return self._outlast(lambda: self._repair_events(first, last, horizon))

    def repair_aggregates(self, period: Period, first: date, products: Sequence[str], horizon: Horizon) -> Committed:
        """Makes the products' rows of the period that begins `first` anew from their events, where they differ."""
        return self._outlast(lambda: self._repair_aggregates(period, first, products, horizon))

    def note_hashes(self, stale: Sequence[tuple[str, str, object, object]], revision: int) -> None:
        """Audit rows of Redis keys that were written anew: product, key, the hash before and after."""
        self._outlast(lambda: self._note_hashes(stale, revision))

    def repaired(self) -> dict[str, int]:
        """How many repairs the run has made, by kind: events, daily and monthly rows, hashes."""
        return self._outlast(self._repaired)

    def _open(self) -> Connection:
        fresh = self._connection is None
        connection = super()._open()
        if fresh:
            with connection, connection.cursor() as cursor:
                cursor.execute(_TEMPORARY)
        return connection

    def _repair_events(self, first: int, last: int, horizon: Horizon) -> Committed:
        connection = self._open()
        with connection, connection.cursor() as cursor:
            ledger = lock(connection, self._stream.name, None)
            cursor.execute(self._count, (first, last))
            if cursor.fetchone() != (last - first + 1,):
                raise StagingLost(
                    f"the plan for stream {self._stream.name} is not there any more",
                    "run it again (PostgreSQL empties unlogged tables when it crashes)",
                )
            attempt = staging.new_attempt()
            known = {**self._known, "attempt": attempt, "first": first, "last": last}
            cursor.execute(self._stage, known)
            counts = {0: Counts(events=cursor.rowcount)} if cursor.rowcount else {}
            cursor.execute(self._note_before, known)
            batch = StagedBatch(counts=counts, attempts=[attempt])
            records = {partition: c.records for partition, c in counts.items()}
            committed = self._merge(connection, ledger, batch, {}, records, horizon)
            cursor.execute(self._note_repairs, {**known, "revision": committed.revision})
            advance(connection, self._stream.name, {}, committed.revision, ledger.positions)
        return replace(committed, positions=ledger.positions)

    def _repair_aggregates(self, period: Period, first: date, products: Sequence[str], horizon: Horizon) -> Committed:
        connection = self._open()
        with connection, connection.cursor() as cursor:
            ledger = lock(connection, self._stream.name, None)
            revision = ledger.revision + 1
            known = {**self._known, "first": first, "products": list(products), "revision": revision}
            cursor.execute(repair_statement(self._stream, period), known)
            rows = [(code, first, aggregate_fields(*sums)) for code, *sums in cursor.fetchall()]
            advance(connection, self._stream.name, {}, revision, ledger.positions)
        projection = Projection()
        if period.kind == "daily" and first >= horizon.day:
            projection.daily = rows
        if period.kind == "monthly" and first >= horizon.month:
            projection.monthly = rows
        return Committed(ledger.epoch, revision, ledger.positions, projection=projection)

    def _note_hashes(self, stale: Sequence[tuple[str, str, object, object]], revision: int) -> None:
        rows = [
            (self._known["run"], self._stream.name, "redis", "stale", key, code, before and Json(before),
             after and Json(after), revision)
            for code, key, before, after in stale
        ]  # fmt: skip
        connection = self._open()
        with connection, connection.cursor() as cursor:
            execute_values(
                cursor,
                "INSERT INTO castro.repair (run, stream, kind, class, key, product_code, before, after, revision)"
                " VALUES %s",
                rows,
            )

    def _repaired(self) -> dict[str, int]:
        connection = self._open()
        with connection, connection.cursor() as cursor:
            cursor.execute(
                "SELECT kind, count(*) FROM castro.repair WHERE run = %(run)s AND stream = %(stream)s GROUP BY kind",
                self._known,
            )
            return dict(cursor.fetchall())
