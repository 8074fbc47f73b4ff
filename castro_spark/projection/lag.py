"""Reports how far Redis is behind PostgreSQL."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import redis

from castro_spark.settings import Settings
from castro_spark.sinks.postgres.connection import Connection, statement
from castro_spark.sinks.redis.hashes import VersionedHashes
from castro_spark.sinks.redis.trouble import in_words


def projection_status(connection: Connection, settings: Settings, stream: str) -> dict[str, Any]:
    """The stream's projection as plain data, from Redis and from the projector's row in PostgreSQL.

    If Redis does not answer, `revision` is the one that the projector last recorded. `behind` counts commits;
    `behind_seconds` is the age of the oldest of them.
    """
    with closing(VersionedHashes(settings.redis, stream, ())) as hashes:
        try:
            marker, error = hashes.published(), None
        except redis.RedisError as refused:
            marker, error = None, in_words(refused, settings.redis)
    with connection, connection.cursor() as cursor:
        parameters = {
            "stream": stream,
            "takeover": settings.projection.takeover_seconds,
            "published": marker and marker[1],
        }
        cursor.execute(statement("projection/lag.sql"), parameters)
        epoch, revision, seconds, noted, projector, alive, failing, since = cursor.fetchone() or (0, 0, 0) + (None,) * 5
    published = marker[1] if marker else noted if error else None
    up_to_date = error is None and marker == (epoch, revision)
    behind = 0 if up_to_date else max(revision - (published or 0), 0)
    return {
        "reachable": error is None,
        **({"error": error} if error else {}),
        "revision": published,
        "up_to_date": up_to_date,
        "behind": behind,
        "behind_seconds": round(float(seconds), 1) if behind else 0.0,
        "projector": projector if alive else None,
        "failing": failing,
        "failing_since": since,
    }
