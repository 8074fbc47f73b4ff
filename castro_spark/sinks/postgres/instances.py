"""castro.instance: which process runs each stream, and its state. Times are the database's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from castro_spark.sinks.postgres.connection import Connection, statement

_RETAINED = 50  # rows per stream
SILENT_SECONDS = 30  # without a heartbeat for this long, an instance is dead or cannot reach the database


def beat(connection: Connection, row: Mapping[str, object]) -> None:
    """Upserts an instance's row in its own transaction. `row` has the parameters of sql/instance/beat.sql."""
    with connection, connection.cursor() as cursor:
        cursor.execute(statement("instance/beat.sql"), row)


def prune(connection: Connection, stream: str) -> None:
    """Removes a stream's old rows, all but the newest 50."""
    with connection, connection.cursor() as cursor:
        cursor.execute(statement("instance/prune.sql"), {"stream": stream, "keep": _RETAINED})


def current(connection: Connection, stream: str) -> dict[str, Any] | None:
    """The stream's current instance: its columns, and `silent_seconds`; None if none ever started."""
    with connection, connection.cursor() as cursor:
        cursor.execute(statement("instance/current.sql"), {"stream": stream, "silent": SILENT_SECONDS})
        row = cursor.fetchone()
        return {c.name: v for c, v in zip(cursor.description or (), row, strict=True)} if row else None
