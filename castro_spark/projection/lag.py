"""How far Redis is behind PostgreSQL, for people and programs."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import redis

from castro_spark.settings import Settings
from castro_spark.sinks.postgres.connection import Connection, statement
from castro_spark.sinks.redis.hashes import VersionedHashes
from castro_spark.sinks.redis.trouble import in_words


def projection_status(connection: Connection, settings: Settings, stream: str) -> dict[str, Any]:
    """The stream's projection as plain data; asks Redis, and PostgreSQL what the projector said of itself.

    Where Redis does not answer, `revision` is what it held when the projector looked last. `behind` counts commits,
    `behind_seconds` is the age of the oldest of them.
    """
    with closing(VersionedHashes(settings.redis, stream, ())) as hashes:
        try:
            held, error = hashes.published(), None
        except redis.RedisError as refused:
            held, error = None, in_words(refused)
    with connection, connection.cursor() as cursor:
        known = {"stream": stream, "takeover": settings.projection.takeover_seconds, "published": held and held[1]}
        cursor.execute(statement("projection/lag.sql"), known)
        epoch, revision, seconds, noted, projector, alive, failing, since = cursor.fetchone() or (0, 0, 0) + (None,) * 5
    published = held[1] if held else noted if error else None
    level = error is None and held == (epoch, revision)
    behind = 0 if level else max(revision - (published or 0), 0)
    return {
        "reachable": error is None,
        **({"error": error} if error else {}),
        "revision": published,
        "up_to_date": level,
        "behind": behind,
        "behind_seconds": round(float(seconds), 1) if behind else 0.0,
        "projector": projector if alive else None,
        "failing": failing,
        "failing_since": since,
    }
