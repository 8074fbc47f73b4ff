"""Prunes tables that would grow without bound (books, delete markers, quarantine, audit rows), in small indexed steps.

Guarantee: each step is a short transaction and takes no lock that a commit waits for. Repeated, it removes what has
expired since. Open records in quarantine are never removed; beyond the byte limit the oldest ones lose their bytes and
keep length and hash.
"""

from __future__ import annotations

from dataclasses import dataclass

from castro_spark.sections.upkeep import HousekeepingSettings
from castro_spark.sinks.postgres.connection import Connection, statement
from castro_spark.streams.declaration import StreamDeclaration

_WARN_AT = 0.8  # of a limit
_UNCOUNTED_DAYS = 1  # a latency of more is not counted


@dataclass(frozen=True)
class QuarantineUse:
    """The size of a stream's quarantine, and its limits."""

    records: int
    open: int
    bytes: int
    most_records: int
    most_bytes: int

    @property
    def warning(self) -> str | None:
        """A warning that names the fix, well before a limit is reached; None while there is room."""
        for what, taken, most, effect in (
            ("bytes", self.bytes, self.most_bytes, "the oldest records lose their bytes"),
            ("open records", self.open, self.most_records, "records that were replayed or discarded are not kept"),
        ):
            if taken >= _WARN_AT * most:
                return (
                    f"quarantine holds {taken:,} of {most:,} {what}; beyond that {effect}:"
                    " replay or discard open ones (./spark-submit.sh quarantine list)"
                )
        return None


def quarantine_use(connection: Connection, stream: StreamDeclaration, settings: HousekeepingSettings) -> QuarantineUse:
    """Measures the stream's quarantine."""
    with connection, connection.cursor() as cursor:
        cursor.execute(statement("prune/quarantine_use.sql"), {"stream": stream.name})
        records, open_, taken = cursor.fetchone() or (0, 0, 0)
    return QuarantineUse(
        records, open_, taken, settings.quarantine_max_records, settings.quarantine_max_megabytes * (1 << 20)
    )


def prune_step(
    connection: Connection,
    stream: StreamDeclaration,
    settings: HousekeepingSettings,
    *,
    books_days: int,
    has_history: bool,
) -> int:
    """One step over every table; returns how many rows it removed or emptied, 0 if nothing is left to do.

    `has_history`: the warehouse has the stream's events, so a backfill could re-insert a row that the stream deleted.
    Delete markers (castro.deleted) are then retained indefinitely, unless the settings limit them.
    """
    steps: list[tuple[str, int]] = [
        ("prune/books.sql", books_days),
        ("prune/emptied.sql", books_days),
        ("prune/quarantine_closed.sql", settings.quarantine_closed_days),
        ("prune/repairs.sql", settings.repairs_days),
        ("prune/reconciliations.sql", settings.repairs_days),
        ("prune/latency.sql", books_days),
        ("prune/stage_time.sql", books_days),
        ("prune/uncounted.sql", _UNCOUNTED_DAYS),
    ]
    deletes = settings.delete_notes_days or (None if has_history else books_days)
    if deletes is not None:
        steps.append(("prune/deleted.sql", deletes))
    done = 0
    for path, days in steps:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement(path), {"stream": stream.name, "days": days, "rows": settings.rows_per_step})
            done += cursor.rowcount
    return done + _bound_quarantine(connection, stream, settings)


def _bound_quarantine(connection: Connection, stream: StreamDeclaration, settings: HousekeepingSettings) -> int:
    use = quarantine_use(connection, stream, settings)
    parameters = {"stream": stream.name, "days": 0, "rows": settings.rows_per_step}
    if use.bytes <= use.most_bytes and use.records <= use.most_records:
        return 0
    with connection, connection.cursor() as cursor:
        if use.records > use.open:  # closed records go first, whatever their age
            cursor.execute(statement("prune/quarantine_closed.sql"), parameters)
            return cursor.rowcount
        if use.bytes > use.most_bytes:
            mean = max(1, use.bytes // use.records)
            rows = min((use.bytes - use.most_bytes) // mean + 1, settings.rows_per_step)
            cursor.execute(statement("prune/quarantine_value.sql"), {**parameters, "rows": rows})
            return cursor.rowcount
    return 0
