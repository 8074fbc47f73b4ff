"""Fills columns that change data capture did not send (large ones that an update left unchanged) with earlier values.

Runs on the staged records, before the merge, and only for a batch with such records. The column `kept` of a staged
record lists its unsent columns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from psycopg2 import sql

from castro_spark.parse import Reason
from castro_spark.sinks.postgres.commit.staging import Counts
from castro_spark.sinks.postgres.connection import Connection, names, statement
from castro_spark.sinks.postgres.schema.working_tables import events_table, rejects_table
from castro_spark.streams.declaration import CALENDAR_COLUMNS, StreamDeclaration


def fill_unchanged(
    connection: Connection, stream: StreamDeclaration, slot: str, attempts: Sequence[int]
) -> dict[int, int]:
    """Fills the unsent columns of the slot's records, within the caller's transaction.

    Returns, by partition, how many records lack a required column because no earlier value exists: now rejects.
    """
    staged = events_table(stream, slot)
    with connection.cursor() as cursor:
        cursor.execute(
            sql.SQL("SELECT DISTINCT unnest(kept) FROM {} WHERE attempt = ANY(%(attempts)s)").format(staged),
            {"attempts": list(attempts)},
        )
        unsent = [column for (column,) in cursor.fetchall()]
        for column in unsent:
            for filled in (column, *(CALENDAR_COLUMNS if column == "timestamp" else ())):
                fill = statement(
                    "commit/fill_unsent.sql",
                    staged_events=staged,
                    events=sql.Identifier(stream.events_table),
                    column=sql.Identifier(filled),
                    unsent_column=sql.Literal(column),
                )
                cursor.execute(fill, {"attempts": list(attempts)})
        cursor.execute(
            statement(
                "commit/value_of_unsent.sql", staged_events=staged, price=sql.Identifier(stream.price)
            ),
            {"attempts": list(attempts)},
        )
        required = tuple(f.column for f in stream.fields if f.required)
        cursor.execute(
            statement(
                "commit/reject_unfilled.sql",
                staged_events=staged,
                staged_rejects=rejects_table(stream, slot),
                events=sql.Identifier(stream.events_table),
                required=names(required, lambda c: sql.SQL("s.{}").format(sql.Identifier(c))),
            ),
            {"attempts": list(attempts), "reason": Reason.UNAVAILABLE_VALUE.value, "stream": stream.name},
        )
        return dict(cursor.fetchall())


def without(counts: Mapping[int, Counts], unfilled: Mapping[int, int]) -> dict[int, Counts]:
    """The counts, with each partition's `unfilled` events counted as rejects."""
    rejected = {partition: unfilled.get(partition, 0) for partition in counts}
    return {p: replace(c, events=c.events - rejected[p], rejects=c.rejects + rejected[p]) for p, c in counts.items()}
