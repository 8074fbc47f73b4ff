"""Keeps Redis up with the commits of a stream, and makes good what it lacks."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from datetime import datetime

import redis

from castro_spark.settings import Settings
from castro_spark.sinks.postgres.commit.transaction import Committed
from castro_spark.sinks.postgres.connection import PASSING, connect
from castro_spark.sinks.postgres.projection import Horizon, Projection, changed_since
from castro_spark.sinks.redis.publish import Publisher, Rows
from castro_spark.streams.declaration import StreamDeclaration

log = logging.getLogger(__name__)
_LOOK_SECONDS = 5.0


class CachePublisher:
    """Keeps Redis up with the commits; while it is away PostgreSQL goes on, and it is made good after."""

    def __init__(self, settings: Settings, stream: StreamDeclaration) -> None:
        self._settings = settings
        self._stream = stream
        self._publisher = Publisher(settings.redis, stream)
        self._last: Committed | None = None
        self._behind = False
        self._looked = 0.0

    def horizon(self) -> Horizon:
        """What is recent enough to be cached, by today's local date."""
        ttl = self._settings.redis.ttl
        today = datetime.now(self._settings.zone).date()
        return Horizon.of(today, ttl.daily_days, ttl.monthly_days)

    def follow(self, committed: Committed, *, force: bool = False) -> None:
        """Publishes a commit, and whatever Redis lacks before it."""
        self._last = committed
        try:
            held = self._publisher.published()
            if not force and held is not None and held[1] == committed.revision - 1:
                self._publisher.write(as_rows(committed.projection), committed.epoch, committed.revision)
                self._publisher.mark(committed.epoch, committed.revision)
            elif held is None or held < (committed.epoch, committed.revision):
                self.catch_up(committed.epoch, committed.revision)
        except (redis.RedisError, *PASSING) as error:
            if not self._behind:
                log.warning("not published: %s; the stream goes on, Redis is made good later", str(error).strip())
            self._behind = True
        else:
            if self._behind:
                log.warning("Redis is back and holds revision %d", committed.revision)
            self._behind = False

    def wants_a_look(self) -> bool:
        """At once while something is unpublished; else every few seconds, because Redis may lose its data."""
        return self._behind or time.monotonic() - self._looked > _LOOK_SECONDS

    def look(self) -> None:
        """Compares Redis with the last commit and makes good what it lacks."""
        self._looked = time.monotonic()
        if self._last is not None:
            self.follow(self._last, force=True)

    def catch_up(self, epoch: int, revision: int, *, everything: bool = False) -> int:
        """Writes from PostgreSQL what Redis lacks up to `revision`, or everything; returns how many keys."""
        connection = connect(self._settings.postgres, f"castro_spark {self._stream.name} cache")
        try:
            # One snapshot, so that all that is written is of one state.
            connection.set_session(isolation_level="REPEATABLE READ", readonly=True)

            def rows(since: int) -> Iterator[Rows]:
                for part in changed_since(connection, self._stream, since, self.horizon()):
                    yield as_rows(part)

            return self._publisher.catch_up(epoch, revision, rows, everything=everything)
        finally:
            connection.close()

    def close(self) -> None:
        self._publisher.close()


def as_rows(projection: Projection) -> Rows:
    """What the Redis sink takes."""
    return projection.newest, projection.daily, projection.monthly
