"""last_sync:{table}: each warehouse table's extract watermark, mirrored from castro.extract_watermark.

Guarantee: each step compares the values in Redis with the committed watermarks and writes those that differ. So the
next step corrects a late write by another process, and restores a flushed value.
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
    """Mirrors the watermarks of all tables as strings without expiry."""

    NAME = "last_sync"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._redis = client(settings.redis)
        self._connection: Connection | None = None

    @property
    def stream(self) -> str:
        return self.NAME

    def step(self) -> Step:
        """Writes the values that differ."""
        if self._connection is None:
            self._connection = connect(self._settings.postgres, "castro_spark last_sync projection")
        marks = extracted(self._connection)
        expected = {last_sync_key(t): _text(m["watermark"]) for t, m in marks.items() if m["watermark"] is not None}
        if expected:
            stored = self._redis.mget(list(expected))
            pairs = zip(expected.items(), stored, strict=True)
            stale = {key: text for (key, text), value in pairs if value != text.encode()}
            if stale:
                self._redis.mset(stale)
        return Step(None, None, projects=True)

    def fail(self, error_text: str) -> None:
        """Closes the connections; the next step opens new ones."""
        del error_text
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
