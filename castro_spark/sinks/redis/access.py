"""Writes, reads, expires and deletes keys of every kind that the projections have, by the projections' own script.

The keys' names cannot collide with a product's: each ends with a random text. They expire by themselves within a minute
if this process is interrupted; whether they are written twice makes no difference.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date

import redis

from castro_spark.errors import SettingsError, SinkError
from castro_spark.sections.servers import RedisSettings
from castro_spark.sinks.redis.hashes import ALL, VersionedHashes, client
from castro_spark.sinks.redis.keys import (
    PRODUCT_360_PATTERN,
    daily_key,
    last_sync_key,
    marker_key,
    monthly_key,
    patterns,
    product_360_key,
    realtime_key,
)
from castro_spark.streams.declaration import StreamDeclaration

OLDEST = (5, 0)  # scripts replicate their effects, not their text
_SECONDS = 60  # until the keys expire
_CLOCK_SAMPLES = 3
_DAY = date(1990, 1, 1)  # of no event


@dataclass(frozen=True)
class Server:
    """What INFO tells; None and empty where an ACL hides it."""

    version: tuple[int, ...] | None
    policy: str = ""
    memory: int = 0
    memory_allowed: int = 0  # 0: no limit


def server(settings: RedisSettings) -> Server:
    """Raises SinkError if the server is older than OLDEST, or may evict keys that never expire."""
    with closing(client(settings)) as connection:
        try:
            told = {**connection.info("server"), **connection.info("memory")}
        except redis.exceptions.NoPermissionError:
            return Server(None)
    text = str(told["redis_version"])
    version = tuple(int(part) for part in text.split(".")[:2] if part.isdigit())
    if version < OLDEST:
        raise SinkError(f"Redis {text} is older than {'.'.join(map(str, OLDEST))}", "upgrade the server")
    policy = str(told.get("maxmemory_policy", ""))
    return Server(version, policy, int(told.get("used_memory", 0)), int(told.get("maxmemory", 0)))


def check_access(settings: RedisSettings, streams: Sequence[StreamDeclaration]) -> int:
    """Returns how many keys were tried. Raises RedisError, SinkError, or SettingsError with the rights to grant."""
    code = f"castro-validate-{secrets.token_hex(8)}"
    keys = [
        key for s in streams for key in (realtime_key(s, code), daily_key(s, code, _DAY), monthly_key(s, code, _DAY))
    ] + [product_360_key(code)]
    texts = [last_sync_key(code), marker_key(code)]
    ends = int(time.time()) + _SECONDS
    hashes = VersionedHashes(settings, code, ())
    with closing(hashes), closing(client(settings)) as connection:
        try:
            for key in texts:
                connection.set(key, "0", ex=_SECONDS)
                connection.get(key)
            hashes.write([(key, ends, {"code": code}) for key in keys], 0, 0, ALL)
            for key, (fields, expiry) in zip(keys, hashes.read(keys), strict=True):
                if fields.get("code") != code or expiry <= 0:
                    raise SinkError(
                        f"{key} was written with an expiry, and read as {fields or 'nothing'}",
                        "does redis.url name a replica, or a proxy to several servers? Name the primary itself",
                    )
          
            for pattern in [PRODUCT_360_PATTERN, *(p for s in streams for p in patterns(s))]:
                connection.scan(match=pattern, count=1)
            hashes.write([(key, ends, None) for key in keys], 0, 0, ALL)
        except redis.exceptions.NoPermissionError as error:
            raise SettingsError(f"Redis: {error}", _grants(streams)) from None
        finally:
            _remove(connection, [*keys, *texts])
    return len(keys) + len(texts)


def _remove(connection: redis.Redis, keys: Sequence[str]) -> None:
    """Deletes what is left; keys that may not be deleted expire."""
    for key in keys:
        try:
            connection.delete(key)
        except redis.RedisError:
            return


def _grants(streams: Sequence[StreamDeclaration]) -> str:
    prefixes = ["castro:*", "last_sync:*", PRODUCT_360_PATTERN, *(p for s in streams for p in patterns(s))]
    return (
        "grant the user these keys and commands: ACL SETUSER ... "
        + " ".join(f"~{prefix}" for prefix in prefixes)
        + " +@read +@write +@scripting +@connection -@dangerous +select +info +time"
    )


def clock_difference(settings: RedisSettings) -> tuple[float, float]:
    """Seconds by which the server's clock is ahead of this machine's, and how exactly that is known (+-)."""
    samples = []
    with closing(client(settings)) as connection:
        for _ in range(_CLOCK_SAMPLES):
            before = time.time()
            seconds, micros = connection.time()
            after = time.time()
            samples.append(((after - before) / 2, seconds + micros / 1e6 - (before + after) / 2))
    exactness, difference = min(samples)
    return difference, exactness
