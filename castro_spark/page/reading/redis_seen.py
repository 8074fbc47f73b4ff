"""How far Redis is, for a page: asked once for all projections, for a second at most, and not soon after a failure."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from threading import Lock

import redis

from castro_spark.sections.servers import RedisSettings
from castro_spark.sinks.redis.hashes import client
from castro_spark.sinks.redis.keys import marker_key, parse_version
from castro_spark.sinks.redis.trouble import in_words

_TIMEOUT_SECONDS = 1.0
_AGAIN_SECONDS = 2.0


@dataclass(frozen=True)
class RedisSeen:
    """What Redis answered: `error` in words if it did not; else the (epoch, revision) of each projection it has."""

    error: str | None = None
    published: Mapping[str, tuple[int, int]] = field(default_factory=dict)


class RedisLook:
    """Thread-safe."""

    def __init__(self, settings: RedisSettings) -> None:
        seconds = min(settings.timeout_seconds, _TIMEOUT_SECONDS)
        self.settings = settings.model_copy(update={"timeout_seconds": seconds})
        """For whatever else a page asks Redis."""
        self._lock = Lock()
        self._failed: RedisSeen | None = None
        self._failed_at = 0.0

    def published(self, names: Sequence[str]) -> RedisSeen:
        """Up to which revision each projection is published."""
        with self._lock:
            if self._failed and time.monotonic() - self._failed_at < _AGAIN_SECONDS:
                return self._failed
        seen = self._ask(names)
        with self._lock:
            self._failed, self._failed_at = seen if seen.error else None, time.monotonic()
        return seen

    def _ask(self, names: Sequence[str]) -> RedisSeen:
        try:
            with closing(client(self.settings)) as connection:
                markers = connection.mget([marker_key(name) for name in names])
        except redis.RedisError as error:
            return RedisSeen(in_words(error, self.settings))
        published = {}
        for name, marker in zip(names, markers, strict=True):
            try:
                if isinstance(marker, bytes):
                    published[name] = parse_version(marker.decode("utf-8", "replace"))
            except ValueError:  # not a marker of this job
                continue
        return RedisSeen(published=published)
