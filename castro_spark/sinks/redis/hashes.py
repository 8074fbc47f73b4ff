"""Versioned hashes: each write replaces the whole hash and sets its expiry atomically, unless a newer version exists.

Guarantee: writes are idempotent. The marker is the revision up to which this Redis has been written; it is written
last, so it shows what a crash, an outage or a flush left undone. A removed hash leaves no version behind; therefore a
write older than the marker is refused as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

import redis
from pydantic_core import to_json
from redis.backoff import NoBackoff
from redis.retry import Retry

from castro_spark.sections.servers import RedisSettings
from castro_spark.sinks.redis.keys import history_key, marker_key, parse_version, version

Fields = dict[str, str]
JsonFields = str  # the same as a JSON object, whose nulls are no fields
# A key, its expiry (Unix seconds), and its fields; None: the hash is removed.
Entry = tuple[str, int, Fields | JsonFields | None]
_KEYS_A_CALL = 200
_KEYS_A_SWEEP = 1000

# KEYS: the marker, then the hashes' keys. ARGV[1]: the version. ARGV[2], what is overwritten: '' hashes that are not
# newer, if the marker is not newer either; 'hashes' the same, whatever the marker; 'all' newer hashes too. Then, for
# each key: its expiry, and its fields as a JSON object; '' removes the hash. As arguments of their own the fields cost
# the client four times as much, which is most of what a projection costs.
# Delete, write and expire are one atomic step: no reader sees a partial write, and no field of an older value stays. A
# key of another type than a hash is replaced. Any other error of a read ends the script: a version that this user's ACL
# hides may be newer.
_READ = """
local function read(...)  -- the value; false if there is none; nil if the key has another type
  local answer = redis.pcall(...)
  if type(answer) ~= 'table' then return answer end
  if not string.find(answer.err, 'WRONGTYPE', 1, true) then error(answer.err, 0) end
  return nil
end
"""
_WRITE = (
    _READ
    + """
local marker = read('GET', KEYS[1])
if marker == nil then redis.call('DEL', KEYS[1]) end
if ARGV[2] == '' and marker and marker > ARGV[1] then return 0 end
redis.call('SETRANGE', KEYS[1], 0, '')  -- no effect; raises if memory is full, before a delete
for i = 2, #KEYS do
  local ends, fields = ARGV[2 * i - 1], ARGV[2 * i]
  local current = read('HGET', KEYS[i], 'version')
  if ARGV[2] == 'all' or not current or current <= ARGV[1] then
    redis.call('DEL', KEYS[i])
    if fields ~= '' then
      local flat = {}
      for name, value in pairs(cjson.decode(fields)) do
        if value ~= cjson.null then
          flat[#flat + 1] = name
          flat[#flat + 1] = value
        end
      end
      redis.call('HSET', KEYS[i], 'version', ARGV[1], unpack(flat))
      redis.call('EXPIREAT', KEYS[i], ends)
    end
  end
end
return 1
"""
)
# Deletes the keys whose hash is older than ARGV[1], newer than ARGV[2], or without a version.
_SWEEP = (
    _READ
    + """
for i = 1, #KEYS do
  local current = read('HGET', KEYS[i], 'version')
  if current == false or (current and (current < ARGV[1] or current > ARGV[2])) then
    redis.call('DEL', KEYS[i])
  end
end
"""
)
# KEYS: the marker, and the key of its database history; ARGV: their values, and whether the marker may go back.
_MARK = (
    _READ
    + """
local current = read('GET', KEYS[1])
if ARGV[3] == 'all' or not current or current <= ARGV[1] then
  redis.call('SET', KEYS[1], ARGV[1])
  redis.call('SET', KEYS[2], ARGV[2])
end
"""
)
NOT_NEWER, WHATEVER_THE_MARKER, ALL = "", "hashes", "all"  # see _WRITE: what a write overwrites


class Superseded(Exception):
    """Redis has a newer revision than the rows to write. Read them again."""


class VersionedHashes:
    """The hashes of one projection: those that the SCAN `patterns` match, with the marker `name`.

    Raises RedisError; callers may tolerate it.
    """

    def __init__(self, settings: RedisSettings, name: str, patterns: Sequence[str]) -> None:
        self._marker, self._history = marker_key(name), history_key(name)
        self._patterns = patterns
        self._redis = client(settings)
        self._write = self._redis.register_script(_WRITE)
        self._sweep = self._redis.register_script(_SWEEP)
        self._mark = self._redis.register_script(_MARK)

    def published(self) -> tuple[int, int] | None:
        """The (epoch, revision) up to which this Redis has been written; None if there is no marker."""
        return self.published_of()[0]

    def published_of(self) -> tuple[tuple[int, int] | None, str]:
        """`published`, and the database history that it belongs to (see `mark`)."""
        marker, history = (_text(value) if isinstance(value, bytes) else "" for value in
                         self._redis.mget(self._marker, self._history))  # fmt: skip
        try:
            return (parse_version(marker) if marker else None), history
        except ValueError:  # not a marker of this job
            return None, ""

    def write(self, entries: Iterable[Entry], epoch: int, revision: int, overwrite: str = NOT_NEWER) -> int:
        """Writes hashes as of `revision`; returns how many. Does not move the marker.

        Raises Superseded if the marker is newer, unless `overwrite` ignores the marker.
        """
        left, written = iter(entries), 0
        calls: list[list[str | int | bytes]] = []
        while part := list(islice(left, _KEYS_A_CALL)):
            call: list[str | int | bytes] = [1 + len(part), self._marker, *(key for key, _, _ in part)]
            call += [version(epoch, revision), overwrite]
            for _, ends, fields in part:
                call += [ends, fields if isinstance(fields, str) else to_json(fields) if fields else ""]
            calls.append(call)
            written += len(part)
        try:
            done = self._call(calls)
        except redis.exceptions.NoScriptError:  # the server was restarted, or its script cache flushed
            self._redis.script_load(_WRITE)
            done = self._call(calls)
        if not done:
            raise Superseded(f"Redis has a newer revision than {version(epoch, revision)}")
        return written

    def _call(self, calls: Sequence[Sequence[str | int | bytes]]) -> bool:
        """Runs the write script, all calls in one round trip; False if any was refused."""
        with self._redis.pipeline(transaction=False) as pipeline:
            for call in calls:
                pipeline.execute_command("EVALSHA", self._write.sha, *call)  # type: ignore[no-untyped-call]
            return all(pipeline.execute())

    def read(self, keys: Sequence[str]) -> list[tuple[Fields, int]]:
        """Each key's fields, `version` included, and its expiry (Unix seconds).

        The expiry is -1 for a hash that never expires, -2 for a missing one.
        """
        with self._redis.pipeline(transaction=False) as pipeline:
            pipeline.time()
            for key in keys:
                pipeline.hgetall(key)
                pipeline.pttl(key)
            (seconds, micros), *answers = pipeline.execute()
        hashes = [{_text(name): _text(value) for name, value in fields.items()} for fields in answers[::2]]
        ends = [left if left < 0 else round(seconds + micros / 1e6 + left / 1e3) for left in answers[1::2]]
        return list(zip(hashes, ends, strict=True))

    def mark(self, epoch: int, revision: int, history: str = "", overwrite: str = NOT_NEWER) -> None:
        """Sets the marker: all is written up to `revision` of the database `history`. Only `ALL` may move it back."""
        self._mark(keys=[self._marker, self._history], args=[version(epoch, revision), history, overwrite])

    def remove_others(self, oldest: tuple[int, int], newest: tuple[int, int]) -> None:
        """Removes hashes whose version is outside oldest..newest. Call it after everything was written as of these."""
        for pattern in self._patterns:
            keys_found = self._redis.scan_iter(pattern, count=_KEYS_A_SWEEP)
            while keys := list(islice(keys_found, _KEYS_A_SWEEP)):
                self._sweep(keys=keys, args=[version(*oldest), version(*newest)])

    def disconnect(self) -> None:
        """Drops the connections, so that the next call may reach another server after a failover."""
        self._redis.connection_pool.disconnect()

    def close(self) -> None:
        self._redis.close()


def _text(value: bytes) -> str:
    return value.decode("utf-8", "replace")


def client(settings: RedisSettings) -> redis.Redis:
    """A client that gives up on a dead server after the timeout, and does not retry. With TLS it verifies the server's
    certificate and name, unless the URL says otherwise."""
    tls: dict[str, Any] = {}
    if settings.uses_tls:
        tls = {"ssl_cert_reqs": "required", "ssl_check_hostname": True, "ssl_ca_data": settings.ca_certificates}
    return redis.Redis.from_url(
        settings.url,
        username=settings.username,
        password=settings.password.get_secret_value() if settings.password else None,
        socket_timeout=settings.timeout_seconds,
        socket_connect_timeout=settings.timeout_seconds,
        retry=Retry(NoBackoff(), 0),
        **tls,
    )
