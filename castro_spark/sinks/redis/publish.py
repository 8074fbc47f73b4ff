"""Publishing committed rows to Redis: absolute values, whole hashes, a newer version never overwritten.

Guarantee: a repeated publication changes nothing but the TTLs. The marker is written last; as long as it is not
there, the next publication makes good whatever this one left undone, also after a crash, an outage or a flush.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from datetime import date
from itertools import islice

import redis

from castro_spark.settings import RedisSettings
from castro_spark.sinks.redis.keys import (
    Ttls,
    daily_key,
    marker_key,
    monthly_key,
    parse_version,
    patterns,
    realtime_key,
    version,
)
from castro_spark.streams.declaration import StreamDeclaration

log = logging.getLogger(__name__)

Fields = dict[str, str]
Rows = tuple[
    list[tuple[str, Fields | None]],
    list[tuple[str, date, Fields | None]],
    list[tuple[str, date, Fields | None]],
]
_KEYS_A_CALL = 200

# Each key with its TTL and fields; ARGV[1] is the version. A hash of a newer version stays as it is. Delete,
# write and expire are one step: no reader sees half of it, and no field of an older value stays.
_WRITE = """
local at = 2
for i = 1, #KEYS do
  local ttl, n = ARGV[at], tonumber(ARGV[at + 1])
  local held = redis.call('HGET', KEYS[i], 'version')
  if not held or held <= ARGV[1] then
    redis.call('DEL', KEYS[i])
    if n > 0 then
      redis.call('HSET', KEYS[i], 'version', ARGV[1], unpack(ARGV, at + 2, at + 1 + n))
      redis.call('EXPIRE', KEYS[i], ttl)
    end
  end
  at = at + 2 + n
end
"""
# Deletes the keys whose hash is older than ARGV[1].
_SWEEP = """
for i = 1, #KEYS do
  local held = redis.call('HGET', KEYS[i], 'version')
  if held and held < ARGV[1] then redis.call('DEL', KEYS[i]) end
end
"""
_MARK = """
local held = redis.call('GET', KEYS[1])
if not held or held < ARGV[1] then redis.call('SET', KEYS[1], ARGV[1]) end
"""


class Publisher:
    """Publishes one stream's projection. Redis being away is an error of the caller's choosing to bear."""

    def __init__(self, settings: RedisSettings, stream: StreamDeclaration) -> None:
        self._stream = stream
        self._ttls = Ttls(settings.ttl)
        self._redis = client(settings)
        self._write = self._redis.register_script(_WRITE)
        self._sweep = self._redis.register_script(_SWEEP)
        self._mark = self._redis.register_script(_MARK)

    def published(self) -> tuple[int, int] | None:
        """(epoch, revision) up to which this Redis has been published to; None: it holds nothing of it."""
        held = self._redis.get(marker_key(self._stream.name))
        return parse_version(held.decode()) if isinstance(held, bytes) else None

    def write(self, rows: Rows, epoch: int, revision: int) -> int:
        """Writes rows as of `revision`; returns how many keys. The marker stays where it is."""
        entries = list(self._entries(rows))
        with self._redis.pipeline(transaction=False) as pipeline:
            for start in range(0, len(entries), _KEYS_A_CALL):
                part = entries[start : start + _KEYS_A_CALL]
                arguments: list[str | int] = [version(epoch, revision)]
                for _, ttl, fields in part:
                    flat = [text for item in (fields or {}).items() for text in item]
                    arguments += [ttl, len(flat), *flat]
                self._write(keys=[key for key, _, _ in part], args=arguments, client=pipeline)
            pipeline.execute()
        return len(entries)

    def mark(self, epoch: int, revision: int) -> None:
        """Says that everything up to `revision` has been written. Never goes back."""
        self._mark(keys=[marker_key(self._stream.name)], args=[version(epoch, revision)])

    def catch_up(
        self, epoch: int, revision: int, changed_since: Callable[[int], Iterable[Rows]], *, everything: bool = False
    ) -> int:
        """Writes what was committed after the marker; returns how many keys.

        Everything is written, and what is left of older versions removed, where that is asked for or where Redis
        holds nothing, or holds what PostgreSQL does not know (it was restored).
        """
        held = None if everything else self.published()
        since = held[1] if held and held[1] <= revision else -1
        written = sum(self.write(rows, epoch, revision) for rows in changed_since(since))
        if since < 0:
            self._remove_older(epoch, revision)
        self.mark(epoch, revision)
        return written

    def _remove_older(self, epoch: int, revision: int) -> None:
        for pattern in patterns(self._stream):
            found = self._redis.scan_iter(pattern, count=_KEYS_A_CALL)
            while keys := list(islice(found, _KEYS_A_CALL)):
                self._sweep(keys=keys, args=[version(epoch, revision)])

    def close(self) -> None:
        self._redis.close()

    def _entries(self, rows: Rows) -> Iterator[tuple[str, int, Fields | None]]:
        newest, daily, monthly = rows
        for code, fields in newest:
            yield realtime_key(self._stream, code), self._ttls.realtime, fields
        for code, day, fields in daily:
            yield daily_key(self._stream, code, day), self._ttls.daily, fields
        for code, month, fields in monthly:
            yield monthly_key(self._stream, code, month), self._ttls.monthly, fields


def client(settings: RedisSettings) -> redis.Redis:
    """A client that gives up on a dead server after the timeout, and does not retry by itself."""
    return redis.Redis.from_url(
        settings.url,
        password=settings.password.get_secret_value() if settings.password else None,
        socket_timeout=settings.timeout_seconds,
        socket_connect_timeout=settings.timeout_seconds,
    )
