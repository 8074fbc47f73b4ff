"""Versioned hashes: whole, absolute, with a TTL in the same step, and a newer version never overwritten.

Guarantee: a repeated write changes nothing but the TTLs. The marker says up to which revision this Redis has been
written to; it is written last, so what a crash, an outage or a flush left undone shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

import redis

from castro_spark.servers import RedisSettings
from castro_spark.sinks.redis.keys import marker_key, parse_version, version

Fields = dict[str, str]
# A key, its seconds to live, and its fields; None: there is no such hash any more.
Entry = tuple[str, int, Fields | None]
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


class VersionedHashes:
    """The hashes of one projection, which the marker `name` is about and the SCAN `patterns` match.

    Redis being away is an error of the caller's choosing to bear.
    """

    def __init__(self, settings: RedisSettings, name: str, patterns: Sequence[str]) -> None:
        self._marker = marker_key(name)
        self._patterns = patterns
        self._redis = client(settings)
        self._write = self._redis.register_script(_WRITE)
        self._sweep = self._redis.register_script(_SWEEP)
        self._mark = self._redis.register_script(_MARK)

    def published(self) -> tuple[int, int] | None:
        """(epoch, revision) up to which this Redis has been written to; None: it holds nothing of it."""
        held = self._redis.get(self._marker)
        return parse_version(held.decode()) if isinstance(held, bytes) else None

    def write(self, entries: Iterable[Entry], epoch: int, revision: int) -> int:
        """Writes hashes as of `revision`; returns how many. The marker stays where it is."""
        left, written = iter(entries), 0
        with self._redis.pipeline(transaction=False) as pipeline:
            while part := list(islice(left, _KEYS_A_CALL)):
                arguments: list[str | int] = [version(epoch, revision)]
                for _, ttl, fields in part:
                    flat = [text for item in (fields or {}).items() for text in item]
                    arguments += [ttl, len(flat), *flat]
                self._write(keys=[key for key, _, _ in part], args=arguments, client=pipeline)
                written += len(part)
            pipeline.execute()
        return written

    def read(self, keys: Sequence[str]) -> list[tuple[Fields, int]]:
        """The hashes as they are, `version` among their fields, and the seconds they have to live (-1: for ever)."""
        with self._redis.pipeline(transaction=False) as pipeline:
            for key in keys:
                pipeline.hgetall(key)
                pipeline.ttl(key)
            answers = pipeline.execute()
        held = [{_text(name): _text(value) for name, value in fields.items()} for fields in answers[::2]]
        return list(zip(held, answers[1::2], strict=True))

    def mark(self, epoch: int, revision: int) -> None:
        """Says that everything up to `revision` has been written. Never goes back."""
        self._mark(keys=[self._marker], args=[version(epoch, revision)])

    def remove_older(self, epoch: int, revision: int) -> None:
        """Removes the hashes that are older than `revision`, after everything has been written as of it."""
        for pattern in self._patterns:
            found = self._redis.scan_iter(pattern, count=_KEYS_A_CALL)
            while keys := list(islice(found, _KEYS_A_CALL)):
                self._sweep(keys=keys, args=[version(epoch, revision)])

    def close(self) -> None:
        self._redis.close()


def _text(told: bytes) -> str:
    return told.decode("utf-8", "replace")


def client(settings: RedisSettings) -> redis.Redis:
    """A client that gives up on a dead server after the timeout, and does not retry by itself."""
    return redis.Redis.from_url(
        settings.url,
        username=settings.username,
        password=settings.password.get_secret_value() if settings.password else None,
        socket_timeout=settings.timeout_seconds,
        socket_connect_timeout=settings.timeout_seconds,
    )
