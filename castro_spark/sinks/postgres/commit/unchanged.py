"""Columns that change data capture did not send (large ones that an update left alone): they keep their old value.

Done on the staged records, before they are merged, and only for a batch that has such records.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from psycopg2 import sql

from castro_spark.parse import Reason
from castro_spark.sinks.postgres.commit.staging import Counts
from castro_spark.sinks.postgres.connection import Connection, names, statement
from castro_spark.sinks.postgres.working_tables import events_table, rejects_table
from castro_spark.streams.declaration import CALENDAR_COLUMNS, StreamDeclaration


def fill_unchanged(
    connection: Connection, stream: StreamDeclaration, slot: str, attempts: Sequence[int]
) -> dict[int, int]:
    """Fills the kept columns of the slot's records, within the caller's transaction.

    Returns, by partition, how many records had a needed column that was nowhere to be found: they are rejects now.
    """
    staged = events_table(stream, slot)
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("SELECT DISTINCT unnest(kept) FROM {} WHERE attempt = ANY(%(attempts)s)").format(staged),
            {"attempts": list(attempts)},
        )
        kept = [column for (column,) in cursor.fetchall()]
        for column in kept:
            for filled in (column, *(CALENDAR_COLUMNS if column == "timestamp" else ())):
                fill = statement(
                    "commit/fill_kept.sql",
                    staged_events=staged,
                    events=sql.Identifier(stream.events_table),
                    column=sql.Identifier(filled),
                    kept_with=sql.Literal(column),
                )
                cursor.execute(fill, {"attempts": list(attempts)})
        cursor.execute(
            statement(
                "commit/value_of_kept.sql", staged_events=staged, price=sql.Identifier(stream.price)
            ),
            {"attempts": list(attempts)},
        )
        needed = tuple(f.column for f in stream.fields if f.required)
        cursor.execute(
            statement(
                "commit/set_aside_unfilled.sql",
                staged_events=staged,
                staged_rejects=rejects_table(stream, slot),
                events=sql.Identifier(stream.events_table),
                needed=names(needed, lambda c: sql.SQL("s.{}").format(sql.Identifier(c))),
            ),
            {"attempts": list(attempts), "reason": Reason.UNAVAILABLE_VALUE.value, "stream": stream.name},
        )
        return dict(cursor.fetchall())


def without(counts: Mapping[int, Counts], unfilled: Mapping[int, int]) -> dict[int, Counts]:
    """The counts with so many events of each partition turned into rejects."""
    lost = {partition: unfilled.get(partition, 0) for partition in counts}
    return {p: replace(c, events=c.events - lost[p], rejects=c.rejects + lost[p]) for p, c in counts.items()}
