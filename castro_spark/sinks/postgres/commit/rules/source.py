"""The source whose changes a stream takes if conf names none: its first change's. Within a commit, under its lock.

Guarantee: deterministic under retries. It is the source at the lowest partition and offset of the first batch that has
a change; no record of another source is ever committed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from castro_spark.errors import RulesChanged
from castro_spark.parse.origin import Source
from castro_spark.sinks.postgres.commit.ledger import StreamLock
from castro_spark.sinks.postgres.connection import Connection

if TYPE_CHECKING:  # a status reads the source without Arrow
    from castro_spark.parse.notes import Notes


def fixed_source(connection: Connection, stream: str) -> Source | None:
    """The stream's committed source; None before its first change."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT server, database, schema FROM castro.stream_source WHERE stream = %s", (stream,))
        row = cursor.fetchone()
    return None if row is None else Source(*row)


def take_source(connection: Connection, lock: StreamLock, notes: Notes) -> None:
    """Fixes the stream's source from a batch that was parsed while none was known. The commit's first statements.

    Raises RulesChanged if the batch also has changes of another source, which the parser could not know. The source is
    committed first, so that those changes are rejected when the batch is parsed again.
    """
    if not notes.sources:
        return
    by_place = sorted(notes.sources.items(), key=lambda item: item[1])
    source, (partition, offset) = by_place[0]
    fixed = fixed_source(connection, lock.stream)
    if fixed is None:
        with connection.cursor() as cursor:
            cursor.execute(
                'INSERT INTO castro.stream_source (stream, server, database, schema, generation, partition, "offset")'
                " VALUES (%s, %s, %s, %s, %s, %s, %s)",
                (lock.stream, source.server, source.database, source.schema, lock.ledger.generation, partition, offset),
            )
        fixed = source
    if others := [other for other, _ in by_place if not fixed.takes(other)]:
        connection.commit()
        raise RulesChanged(
            f"stream {lock.stream}: its changes are those of {fixed}; some here are of {others[0]}",
            "the stream restarts by itself and rejects changes of another source (other_source); run any other"
            " job again",
        )
