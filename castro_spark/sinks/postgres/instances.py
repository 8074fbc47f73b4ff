"""castro.instance: who runs each stream, and how that goes. Times are the database's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from castro_spark.sinks.postgres.connection import Connection, statement

_KEPT = 50  # rows a stream
SILENT_SECONDS = 30  # what has given no sign of life for so long has died, or cannot reach the database


def beat(connection: Connection, row: Mapping[str, object]) -> None:
    """Writes an instance's row, in a transaction of its own. `row` has the names that sql/instance/beat.sql takes."""
    with connection, connection.cursor() as cursor:
        cursor.execute(statement("instance/beat.sql"), row)


def prune(connection: Connection, stream: str) -> None:
    """Removes all but the newest rows of a stream."""
    with connection, connection.cursor() as cursor:
        cursor.execute(statement("instance/prune.sql"), {"stream": stream, "keep": _KEPT})


def current(connection: Connection, stream: str) -> dict[str, Any] | None:
    """The instance that counts for the stream, a value a column and `silent_seconds`; None where none ever began."""
    with connection, connection.cursor() as cursor:
        cursor.execute(statement("instance/current.sql"), {"stream": stream, "silent": SILENT_SECONDS})
        row = cursor.fetchone()
        return {c.name: v for c, v in zip(cursor.description or (), row, strict=True)} if row else None
