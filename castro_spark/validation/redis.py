"""Redis: a login, what kind of server it is, and the right to write each kind of key."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from castro_spark.errors import SinkError
from castro_spark.settings import Settings
from castro_spark.sinks.redis import access
from castro_spark.sinks.redis.trouble import check_usable
from castro_spark.streams.declaration import StreamDeclaration
from castro_spark.validation import clocks
from castro_spark.validation.check import Check

_REMEDY = "check redis.url, redis.username, the password (CASTRO_REDIS_PASSWORD or ..._FILE), and that the server runs"
_FULL = 0.9  # share of maxmemory


def checks(settings: Settings, streams: Sequence[StreamDeclaration], place: str) -> Iterator[Check]:
    """Independent of each other and of Spark."""
    seconds = settings.redis.timeout_seconds * 5 + 5
    yield Check("redis login", place, partial(_login, settings), seconds, _REMEDY)
    yield Check("redis keys", place, partial(_keys, settings, streams), seconds, _REMEDY)
    yield Check("clock of redis", place, partial(_clock, settings), seconds, _REMEDY)


def _login(settings: Settings) -> str:
    check_usable(settings.redis)
    server = access.server(settings.redis)
    if server.version is None:
        return "its ACL hides version and memory (INFO)"
    if server.memory_allowed and server.memory > _FULL * server.memory_allowed:
        raise SinkError(
            f"its memory is nearly full: {_mb(server.memory)} of {_mb(server.memory_allowed)}",
            "raise maxmemory (docs/sizing.md estimates the need), or remove what nobody needs",
        )
    limit = f"{_mb(server.memory)} of {_mb(server.memory_allowed)}" if server.memory_allowed else _mb(server.memory)
    return f"Redis {'.'.join(map(str, server.version))}, memory {limit}, {server.policy or 'unknown policy'}"


def _keys(settings: Settings, streams: Sequence[StreamDeclaration]) -> str:
    return f"wrote, read, expired and deleted {access.check_access(settings.redis, streams)} keys by script"


def _clock(settings: Settings) -> str:
    return clocks.judged(*access.clock_difference(settings.redis))


def _mb(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"
