"""last_sync:{table}: how far each warehouse table has been extracted, mirrored from castro.extract_watermark.

Guarantee: each step compares what Redis holds with what is committed and writes what differs. So a value that came late
from another process, or that a flush took away, is made good by the next step.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timezone

from castro_spark.projection.projector import Step
from castro_spark.settings import Settings
from castro_spark.sinks.postgres.connection import PASSING, Connection, connect
from castro_spark.sinks.postgres.warehouse.watermark import extracted
from castro_spark.sinks.redis.hashes import client
from castro_spark.sinks.redis.keys import last_sync_key


class LastSyncProjector:
    """Mirrors the watermarks of all tables; texts without an end."""

    NAME = "last_sync"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._redis = client(settings.redis)
        self._connection: Connection | None = None

    @property
    def stream(self) -> str:
        return self.NAME

    def step(self) -> Step:
        """Writes what differs."""
        if self._connection is None:
            self._connection = connect(self._settings.postgres, "castro_spark last_sync projection")
        marks = extracted(self._connection)
        wanted = {last_sync_key(t): _text(m["watermark"]) for t, m in marks.items() if m["watermark"] is not None}
        if wanted:
            held = self._redis.mget(list(wanted))
            behind = {key: text for (key, text), old in zip(wanted.items(), held, strict=True) if old != text.encode()}
            if behind:
                self._redis.mset(behind)
        return Step(None, None, projects=True)

    def fail(self, words: str) -> None:
        """The next step begins with new connections."""
        del words
        self._redis.connection_pool.disconnect()
        if self._connection is not None:
            with suppress(*PASSING):
                self._connection.close()
        self._connection = None

    def close(self) -> None:
        self.fail("")
        self._redis.close()


def _text(watermark: datetime) -> str:
    return watermark.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
