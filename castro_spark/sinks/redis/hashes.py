"""Versioned hashes: whole, absolute, with an end set in the same step, and a newer version never overwritten.

Guarantee: a repeated write changes nothing. The marker says up to which revision this Redis has been written to; it is
written last, so what a crash, an outage or a flush left undone shows. A hash that was removed leaves no version behind:
so what is older than the marker is refused as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from castro_spark.servers import RedisSettings
from castro_spark.sinks.redis.keys import history_key, marker_key, parse_version, version

Fields = dict[str, str]
# A key, the moment it ends (Unix seconds), and its fields; None: there is no such hash any more.
Entry = tuple[str, int, Fields | None]
_KEYS_A_CALL = 200
_KEYS_A_SWEEP = 1000

# KEYS: the marker, then each key with its end and fields; ARGV[1] is the version, ARGV[2] what is overwritten: ''
# hashes that are not newer, if the marker is not newer either; 'hashes' whatever the marker; 'all' newer ones too.
# Delete, write and expire are one step: no reader sees half of it, and no field of an older value stays. A key of
# another type than a hash is replaced.
_WRITE = """
local marker = redis.pcall('GET', KEYS[1])
if type(marker) == 'table' then
  redis.call('DEL', KEYS[1])
  marker = false
end
if ARGV[2] == '' and marker and marker > ARGV[1] then return 0 end
redis.call('SETRANGE', KEYS[1], 0, '')  -- changes nothing; where memory is full it raises, before anything is deleted
local at = 3
for i = 2, #KEYS do
  local ends, n = ARGV[at], tonumber(ARGV[at + 1])
  local held = redis.pcall('HGET', KEYS[i], 'version')
  if ARGV[2] == 'all' or type(held) == 'table' or not held or held <= ARGV[1] then
    redis.call('DEL', KEYS[i])
    if n > 0 then
      redis.call('HSET', KEYS[i], 'version', ARGV[1], unpack(ARGV, at + 2, at + 1 + n))
      redis.call('EXPIREAT', KEYS[i], ends)
    end
  end
  at = at + 2 + n
end
return 1
"""
# Deletes the keys whose hash is older than ARGV[1], newer than ARGV[2], or of no version.
_SWEEP = """
for i = 1, #KEYS do
  local held = redis.pcall('HGET', KEYS[i], 'version')
  if not held or (type(held) == 'string' and (held < ARGV[1] or held > ARGV[2])) then redis.call('DEL', KEYS[i]) end
end
"""
# KEYS: the marker, and of which history it is; ARGV: the same, and whether the marker may go back.
_MARK = """
local held = redis.pcall('GET', KEYS[1])
if ARGV[3] == 'all' or type(held) ~= 'string' or held <= ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[1])
  redis.call('SET', KEYS[2], ARGV[2])
end
"""
NOT_NEWER, WHATEVER_THE_MARKER, ALL = "", "hashes", "all"  # what a write overwrites


class Superseded(Exception):
    """Redis has been published to further than this: what was read is too old. Read again."""


class VersionedHashes:
    """The hashes of one projection, which the marker `name` is about and the SCAN `patterns` match.

    Redis being away is an error of the caller's choosing to bear.
    """

    def __init__(self, settings: RedisSettings, name: str, patterns: Sequence[str]) -> None:
        self._marker, self._history = marker_key(name), history_key(name)
        self._patterns = patterns
        self._redis = client(settings)
        self._write = self._redis.register_script(_WRITE)
        self._sweep = self._redis.register_script(_SWEEP)
        self._mark = self._redis.register_script(_MARK)

    def published(self) -> tuple[int, int] | None:
        """(epoch, revision) up to which this Redis has been written to; None: it holds nothing of it."""
        return self.published_of()[0]

    def published_of(self) -> tuple[tuple[int, int] | None, str]:
        """The same, and of which history that is (`mark`)."""
        held, history = (_text(told) if isinstance(told, bytes) else "" for told in
                         self._redis.mget(self._marker, self._history))  # fmt: skip
        try:
            return (parse_version(held) if held else None), history
        except ValueError:  # nobody's marker
            return None, ""

    def write(self, entries: Iterable[Entry], epoch: int, revision: int, overwrite: str = NOT_NEWER) -> int:
        """Writes hashes as of `revision`; returns how many. The marker stays where it is.

        Raises Superseded where the marker is newer, unless `overwrite` says that this does not matter.
        """
        left, written = iter(entries), 0
        calls: list[list[str | int]] = []
        while part := list(islice(left, _KEYS_A_CALL)):
            call: list[str | int] = [1 + len(part), self._marker, *(key for key, _, _ in part)]
            call += [version(epoch, revision), overwrite]
            for _, ends, fields in part:
                flat = [text for item in (fields or {}).items() for text in item]
                call += [ends, len(flat), *flat]
            calls.append(call)
            written += len(part)
        try:
            done = self._call(calls)
        except redis.exceptions.NoScriptError:  # a server that was restarted, or flushed of its scripts
            self._redis.script_load(_WRITE)
            done = self._call(calls)
        if not done:
            raise Superseded(f"Redis holds more than {version(epoch, revision)}")
        return written

    def _call(self, calls: Sequence[Sequence[str | int]]) -> bool:
        """Runs the writing script, all calls in one round trip; whether none was refused."""
        with self._redis.pipeline(transaction=False) as pipeline:
            for call in calls:
                pipeline.execute_command("EVALSHA", self._write.sha, *call)  # type: ignore[no-untyped-call]
            return all(pipeline.execute())

    def read(self, keys: Sequence[str]) -> list[tuple[Fields, int]]:
        """The hashes as they are, `version` among their fields, and the moments (Unix seconds) at which they end.

        The moment is -1 where a hash lives for ever, and -2 where there is none.
        """
        with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.time()
            for key in keys:
                pipeline.hgetall(key)
                pipeline.pttl(key)
            (seconds, micros), *answers = pipeline.execute()
        held = [{_text(name): _text(value) for name, value in fields.items()} for fields in answers[::2]]
        ends = [left if left < 0 else round(seconds + micros / 1e6 + left / 1e3) for left in answers[1::2]]
        return list(zip(held, ends, strict=True))

    def mark(self, epoch: int, revision: int, history: str = "", overwrite: str = NOT_NEWER) -> None:
        """Says that everything up to `revision` of `history` has been written. Goes back only where `ALL` says so."""
        self._mark(keys=[self._marker, self._history], args=[version(epoch, revision), history, overwrite])

    def remove_others(self, oldest: tuple[int, int], newest: tuple[int, int]) -> None:
        """Removes the hashes of versions that are not within these, after everything has been written as of them."""
        for pattern in self._patterns:
            found = self._redis.scan_iter(pattern, count=_KEYS_A_SWEEP)
            while keys := list(islice(found, _KEYS_A_SWEEP)):
                self._sweep(keys=keys, args=[version(*oldest), version(*newest)])

    def disconnect(self) -> None:
        """Leaves the server: after a failover the next call may find another one there."""
        self._redis.connection_pool.disconnect()

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
        retry=Retry(NoBackoff(), 0),
    )
