"""Repairs by a reconciliation: out-of-band commits that overwrite stored events, with an audit row each.

Guarantee: a repair has the position that was stored when the plan was made, and applies only if it is still stored. A
later record of the stream takes precedence, whether it commits before the repair or after it; a replay of earlier
records changes nothing. Audit rows are written in the repair's transaction; an event that the stream changed since the
plan stays unchanged and gets none. Idempotent: a repeated repair (COMMIT's answer was lost) changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from threading import Event

from psycopg2 import sql
from psycopg2.extras import Json, execute_values

from castro_spark.errors import StagingLost
from castro_spark.parse.identity import Kinds
from castro_spark.projection.committed import request
from castro_spark.projection.stale_hashes import StaleHash
from castro_spark.reconcile.aggregates import Period, repair_statement
from castro_spark.sections.servers import PostgresSettings
from castro_spark.sinks.postgres.commit import staging
from castro_spark.sinks.postgres.commit.ledger import lock_out_of_band
from castro_spark.sinks.postgres.commit.merging.merge import Merge
from castro_spark.sinks.postgres.commit.merging.statements import AS_NEW, statements
from castro_spark.sinks.postgres.commit.out_of_band import committed_out_of_band
from castro_spark.sinks.postgres.commit.rules.kinds import take_warehouse
from castro_spark.sinks.postgres.commit.session import CommitSession
from castro_spark.sinks.postgres.commit.staging import Counts, StagedBatch
from castro_spark.sinks.postgres.commit.transaction import Committed
from castro_spark.sinks.postgres.connection import Connection, names, statement
from castro_spark.sinks.postgres.schema.working_tables import TEMPORARY, events_table, plan_table
from castro_spark.streams.declaration import StreamDeclaration

_TEMPORARY = (
    'CREATE TEMP TABLE IF NOT EXISTS castro_before (event_id text COLLATE "C", class text, held jsonb)'
    " ON COMMIT DELETE ROWS"
)


class RepairCommits:
    """The repairs of one run of a stream, some at a time. Not thread-safe.

    `warehouse`: the kinds of identity of the warehouse's rows.
    """

    def __init__(
        self,
        settings: PostgresSettings,
        stream: StreamDeclaration,
        run: str,
        *,
        warehouse: Kinds,
        patience: float,
        stopping: Event | None = None,
    ) -> None:
        self._stream = stream
        self._warehouse = warehouse
        composed = statements(stream, AS_NEW)
        self._merge = Merge(stream, composed)
        self._session = CommitSession(
            settings, stream, composed, patience=patience, stopping=stopping, out_of_band=True
        )
        self._ids = {"run": run, "stream": stream.name}
        parts: dict[str, sql.Composable] = {
            "plan": plan_table(stream),
            "staged_events": events_table(stream, TEMPORARY),
            "events": sql.Identifier(stream.events_table),
        }
        self._count = sql.SQL("SELECT count(*) FROM {plan} WHERE NOT in_flight AND number BETWEEN %s AND %s").format(
            plan=parts["plan"]
        )
        self._stage = statement("reconcile/stage_repairs.sql", **parts, columns=names(stream.event_columns))
        self._note_before = statement("reconcile/note_before.sql", **parts)
        self._note_repairs = statement("reconcile/note_repairs.sql", **parts)

    def repair_events(self, first: int, last: int) -> Committed:
        """Makes the repairs `first` to `last` of the plan (plan.py).

        Raises StagingLost if the plan was lost.
        """
        return self._session.transaction(lambda c: self._repair_events(c, first, last))

    def repair_aggregates(self, period: Period, first: date, products: Sequence[str]) -> Committed:
        """Recomputes the products' differing rows of the period that begins at `first` from their events."""
        return self._session.transaction(lambda c: self._repair_aggregates(c, period, first, products))

    def request_hashes(self, stale: Sequence[StaleHash], revision: int) -> None:
        """Asks the projector to rewrite these Redis keys, with an audit row each."""
        self._session.transaction(lambda c: self._request_hashes(c, stale, revision))

    def repaired(self) -> dict[str, int]:
        """The number of the run's repairs by kind: events, daily and monthly rows, hashes."""
        return self._session.transaction(self._repaired)

    def close(self) -> None:
        """Closes the connection; the next repair opens a new one."""
        self._session.close()

    def _repair_events(self, connection: Connection, first: int, last: int) -> Committed:
        with connection.cursor() as cursor:
            lock = lock_out_of_band(connection, self._stream.name)
            take_warehouse(connection, lock, self._warehouse)
            cursor.execute(_TEMPORARY)
            cursor.execute(self._count, (first, last))
            if cursor.fetchone() != (last - first + 1,):
                raise StagingLost(
                    f"the plan for stream {self._stream.name} was lost",
                    "run it again (PostgreSQL empties unlogged tables when it crashes)",
                )
            attempt = staging.new_attempt()
            parameters = {**self._ids, "attempt": attempt, "first": first, "last": last}
            cursor.execute(self._stage, parameters)
            counts = {0: Counts(events=cursor.rowcount)} if cursor.rowcount else {}
            cursor.execute(self._note_before, parameters)
            batch = StagedBatch(counts=counts, attempts=[attempt])
            merged = self._merge(connection, lock, batch)
            cursor.execute(self._note_repairs, {**parameters, "revision": lock.next_revision})
            lock.name_commit(cursor)
        return committed_out_of_band(lock, merged)

    def _repair_aggregates(
        self, connection: Connection, period: Period, first: date, products: Sequence[str]
    ) -> Committed:
        with connection.cursor() as cursor:
            lock = lock_out_of_band(connection, self._stream.name)
            revision = lock.next_revision
            parameters = {**self._ids, "first": first, "products": list(products), "revision": revision}
            cursor.execute(repair_statement(self._stream, period), parameters)
            lock.name_commit(cursor)
        return Committed(lock.ledger.epoch, revision, lock.ledger.positions)

    def _request_hashes(self, connection: Connection, stale: Sequence[StaleHash], revision: int) -> None:
        request(connection, self._stream.name, [s.wanted for s in stale])
        rows = [
            (self._ids["run"], self._stream.name, "redis", "stale", s.expected.key, s.wanted.product_code,
             s.stored and Json(s.stored), s.expected.fields and Json(s.expected.fields), revision)
            for s in stale
        ]  # fmt: skip
        with connection.cursor() as cursor:
            execute_values(
                cursor,
                "INSERT INTO castro.repair (run, stream, kind, class, key, product_code, before, after, revision)"
                " VALUES %s",
                rows,
            )

    def _repaired(self, connection: Connection) -> dict[str, int]:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT kind, count(*) FROM castro.repair WHERE run = %(run)s AND stream = %(stream)s GROUP BY kind",
                self._ids,
            )
            return dict(cursor.fetchall())
