"""Finds Redis hashes that differ from PostgreSQL. The stream's projector rewrites them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from castro_spark.projection.comparison import Expected, Verdict, compare
from castro_spark.projection.entries import Expiry
from castro_spark.projection.rows import DAY, MONTH, NEWEST, Key
from castro_spark.projection.snapshot import Snapshot
from castro_spark.settings import Settings
from castro_spark.sinks.redis.hashes import Fields, VersionedHashes
from castro_spark.sinks.redis.keys import daily_key, monthly_key, patterns, realtime_key
from castro_spark.streams.declaration import StreamDeclaration


@dataclass(frozen=True)
class StaleHash:
    """A key that is not as expected, and its fields in Redis (None: no hash)."""

    wanted: Key
    expected: Expected
    stored: Fields | None


class StaleHashes:
    """Compares one stream's hashes with rows of PostgreSQL.

    Raises RedisError; callers may tolerate it.
    """

    def __init__(self, settings: Settings, stream: StreamDeclaration) -> None:
        self._stream = stream
        self._expiry = Expiry(settings.redis.ttl, settings.zone)
        self._hashes = VersionedHashes(settings.redis, stream.name, patterns(stream))

    def find(self, rows: Snapshot) -> tuple[list[StaleHash], int]:
        """The stale keys, and the number of keys in flight, which cannot be compared."""
        wanted = list(expected_of(self._stream, rows, self._expiry))
        hashes = compare(self._hashes, (rows.epoch, rows.revision), [expected for _, expected in wanted]).hashes
        stale = [
            StaleHash(key, compared.expected, compared.stored)
            for (key, _), compared in zip(wanted, hashes, strict=True)
            if compared.verdict is Verdict.STALE
        ]
        return stale, sum(compared.verdict is Verdict.IN_FLIGHT for compared in hashes)

    def close(self) -> None:
        self._hashes.close()


def expected_of(stream: StreamDeclaration, rows: Snapshot, expiry: Expiry) -> Iterator[tuple[Key, Expected]]:
    """What Redis must hold of the rows: each key by what a projector calls it, with its hash."""
    for code, at, fields, revision in rows.newest:
        ends = expiry.of_newest(at) if at else 0
        yield Key(NEWEST, code), Expected(realtime_key(stream, code), ends, fields, revision)
    for code, day, fields, revision in rows.daily:
        ends = expiry.of_day(day)
        yield Key(DAY, code, day), Expected(daily_key(stream, code, day), ends, fields, revision)
    for code, month, fields, revision in rows.monthly:
        ends = expiry.of_month(month)
        yield Key(MONTH, code, month), Expected(monthly_key(stream, code, month), ends, fields, revision)
