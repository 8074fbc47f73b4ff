"""Merges staged records into the stream's tables: events, daily and monthly rows, quarantine.

Runs within the caller's transaction. Guarantee: idempotent. A record changes nothing if its event is already stored at
the same or a newer position.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from castro_spark.errors import StagingLost
from castro_spark.sinks.postgres.commit import staging
from castro_spark.sinks.postgres.commit.ledger import StreamLock
from castro_spark.sinks.postgres.commit.merging.statements import Statements
from castro_spark.sinks.postgres.commit.merging.unchanged import fill_unchanged, without
from castro_spark.sinks.postgres.commit.staging import Counts, StagedBatch
from castro_spark.sinks.postgres.connection import Connection
from castro_spark.sinks.postgres.schema.working_tables import TEMPORARY
from castro_spark.sinks.postgres.session.together import Executes, one_round_trip
from castro_spark.streams.declaration import StreamDeclaration

_MOST_UNKNOWN = 200  # names of unknown fields recorded per stream


@dataclass(frozen=True)
class Changed:
    """How one partition's events changed the events table."""

    inserted: int = 0
    corrected: int = 0
    deleted: int = 0


@dataclass(frozen=True)
class Merged:
    """By partition: what was staged, and what changed."""

    counts: Mapping[int, Counts]
    changed: Mapping[int, Changed]


@dataclass(frozen=True)
class Merge:
    """The merge of one stream's batches."""

    stream: StreamDeclaration
    statements: Statements

    def __call__(
        self, connection: Connection, lock: StreamLock, batch: StagedBatch, fresh_from: date | None = None,
        copied: int | None = None,
    ) -> Merged:
        """Merges a batch under the stream's lock, as part of its next revision.

        `fresh_from`: the first day whose events are fresh news of a product (castro.touched); None: no day. `copied`:
        the attempt under which this transaction has copied the batch's records already.
        """  # fmt: skip
        attempts = batch.attempts or [copied or staging.new_attempt()]
        # 2. What the driver parsed is copied here, if it was not ahead; what executors staged is in its slot already.
        if copied is None:
            for parsed in batch.parsed:
                staging.copy_parsed(connection, self.stream, parsed, attempts[0], batch.slot)
        if batch.attempts:
            self._check_staged(connection, batch)
        revision = lock.next_revision
        changed: dict[int, Changed] = {}
        counts: Mapping[int, Counts] = batch.counts
        with connection.cursor() as cursor:
            if batch.total("kept"):
                counts = without(counts, fill_unchanged(connection, self.stream, batch.slot, attempts))
            with one_round_trip(cursor) as together:
                # Every join here is of a batch with an indexed table: the query plan must not flip as the table grows.
                together.execute("SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off")
                if has_events := any(c.events for c in counts.values()):
                    # 3. Events, and their deltas by product and day.
                    parameters = {"attempts": attempts, "stream": self.stream.name}
                    together.execute(self.statements.merge_events[batch.slot], parameters)
            if has_events:
                changed = {partition: Changed(*numbers) for partition, *numbers in cursor.fetchall()}
            if changed:
                with one_round_trip(cursor) as together:
                    self._aggregate(together, changed, revision, fresh_from)
            if any(c.rejects for c in counts.values()):
                # 6. The rejects, with their bytes.
                named = {
                    "stream": self.stream.name, "topic": lock.ledger.topic, "generation": lock.ledger.generation
                }  # fmt: skip
                cursor.execute(self.statements.quarantine[batch.slot], {"attempts": attempts, **named})
            if batch.unknown:
                noted = {"stream": self.stream.name, "names": sorted(batch.unknown), "most": _MOST_UNKNOWN}
                cursor.execute(self.statements.note_unknown, noted)
            if batch.slot != TEMPORARY:
                staging.empty_slot(connection, self.stream, batch.slot)
        return Merged(counts, changed)

    def _aggregate(
        self, cursor: Executes, changed: Mapping[int, Changed], revision: int, fresh_from: date | None
    ) -> None:
        # 4. The newest event and the revision of each touched product; 5. the daily and monthly aggregates.
        cursor.execute(self.statements.newest)
        touched = {"stream": self.stream.name, "revision": revision, "fresh_from": fresh_from}
        cursor.execute(self.statements.note_touched, touched)
        corrected = any(c.corrected or c.deleted for c in changed.values())
        for aggregate in (self.statements.daily, self.statements.monthly):
            cursor.execute(aggregate.merge, {"revision": revision})
            if corrected:
                cursor.execute(aggregate.remove_emptied, {"revision": revision, "stream": self.stream.name})

    def _check_staged(self, connection: Connection, batch: StagedBatch) -> None:
        with connection.cursor() as cursor:
            cursor.execute(self.statements.count_staged[batch.slot], {"attempts": batch.attempts})
            staged = cursor.fetchone()
        counted = batch.total("events"), batch.total("rejects") + batch.total("kept")
        if staged != counted:
            raise StagingLost(
                f"stream {self.stream.name}: {counted} events and rejects were staged, but {staged} are there",
                "nothing: the ledger has not moved, the stream restarts from it (PostgreSQL empties unlogged"
                " tables when it crashes)",
            )
