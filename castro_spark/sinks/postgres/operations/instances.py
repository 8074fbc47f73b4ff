"""castro.instance: which process runs each stream, archive or job, and its state. Times are the database's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg2.extras import Json

from castro_spark.sinks.postgres.connection import Connection, statement

_RETAINED = 50  # rows per part
SILENT_SECONDS = 30  # without a heartbeat for this long, an instance is dead or cannot reach the database


@dataclass(frozen=True)
class SeenTopic:
    """A topic as a running stream saw it last."""

    id: str
    ends: dict[int, int]  # by partition
    at: datetime
    age_seconds: float


def beat(connection: Connection, row: Mapping[str, object]) -> None:
    """Upserts an instance's row in its own transaction. `row` has the parameters of sql/instance/beat.sql."""
    values = {name: Json(value) if isinstance(value, dict) else value for name, value in row.items()}
    with connection, connection.cursor() as cursor:
        cursor.execute(statement("instance/beat.sql"), values)


def prune(connection: Connection, kind: str, stream: str) -> None:
    """Removes a part's old rows, all but the newest 50."""
    with connection, connection.cursor() as cursor:
        cursor.execute(statement("instance/prune.sql"), {"kind": kind, "stream": stream, "keep": _RETAINED})


def current(connection: Connection, stream: str, kind: str = "stream") -> dict[str, Any] | None:
    """The current instance of a stream, or of its `kind`: its columns, and `silent_seconds`; None if none ever
    started."""
    return next(iter(_current(connection, stream, kind)), None)


def all_current(connection: Connection) -> list[dict[str, Any]]:
    """The current instance of each part, in the order of kind and stream."""
    return _current(connection, None, None)


def topic_seen(connection: Connection, stream: str) -> SeenTopic | None:
    """The stream's topic as its query saw it last; None if none did."""
    with connection, connection.cursor() as cursor:
        cursor.execute(statement("instance/topic_seen.sql"), {"stream": stream})
        row = cursor.fetchone()
    if row is None:
        return None
    topic_id, ends, at, age = row
    return SeenTopic(topic_id, {int(p): end for p, end in ends.items()}, at, age)


def _current(connection: Connection, stream: str | None, kind: str | None) -> list[dict[str, Any]]:
    with connection, connection.cursor() as cursor:
        cursor.execute(
            statement("instance/current.sql"), {"stream": stream, "kind": kind, "silent": SILENT_SECONDS}
        )
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
