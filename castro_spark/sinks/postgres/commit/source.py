"""The source whose changes a stream takes, where conf names none: its first change's. Within a commit, under its lock.

Guarantee: the same one whatever was retried, since it is that of the lowest partition and offset of the first batch
that has a change; no record of another was ever committed.
"""

from __future__ import annotations

from castro_spark.errors import RulesChanged
from castro_spark.parse.notes import Notes
from castro_spark.parse.origin import Source
from castro_spark.sinks.postgres.commit.ledger import StreamLock
from castro_spark.sinks.postgres.connection import Connection


def fixed_source(connection: Connection, stream: str) -> Source | None:
    """The stream's source as committed; None before its first change."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT server, database, schema FROM castro.stream_source WHERE stream = %s", (stream,))
        row = cursor.fetchone()
    return None if row is None else Source(*row)


def take_source(connection: Connection, lock: StreamLock, notes: Notes) -> None:
    """Fixes the stream's source by a batch that was parsed when none was known. The commit's first statements.

    Raises RulesChanged where the batch has changes of another source too: it was parsed without knowing. The source is
    fixed nevertheless, so that they are rejected when the batch is parsed again.
    """
    if not notes.sources:
        return
    found = sorted(notes.sources.items(), key=lambda item: item[1])
    source, (partition, offset) = found[0]
    held = fixed_source(connection, lock.stream)
    if held is None:
        with connection.cursor() as cursor:
            cursor.execute(
                'INSERT INTO castro.stream_source (stream, server, database, schema, generation, partition, "offset")'
                " VALUES (%s, %s, %s, %s, %s, %s, %s)",
                (lock.stream, source.server, source.database, source.schema, lock.ledger.generation, partition, offset),
            )
        held = source
    if others := [other for other, _ in found if not held.takes(other)]:
        connection.commit()
        raise RulesChanged(
            f"stream {lock.stream}: its changes are those of {held}; some here are of {others[0]}",
            "the stream begins again by itself, and rejects changes of another source (other_source); run any other"
            " job again",
        )
