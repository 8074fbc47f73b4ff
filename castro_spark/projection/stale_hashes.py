"""Finds Redis hashes that differ from PostgreSQL. The stream's projector rewrites them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone

from castro_spark.projection.entries import Expiry
from castro_spark.projection.rows import DAY, MONTH, NEWEST, Fields, Key
from castro_spark.projection.snapshot import Snapshot
from castro_spark.settings import Settings
from castro_spark.sinks.redis.hashes import VersionedHashes
from castro_spark.sinks.redis.keys import daily_key, monthly_key, patterns, realtime_key, version
from castro_spark.streams.declaration import StreamDeclaration

_KEYS_A_READ = 1000
_SECONDS_APART = 2  # tolerance: expiry is derived from a remaining time, by another clock


@dataclass(frozen=True)
class Expected:
    """A key, its expected fields (None: no hash), its expiry (Unix seconds), and the last commit that changed it."""

    key: str
    wanted: Key
    ends: int
    fields: Fields | None
    revision: int


@dataclass(frozen=True)
class StaleHash:
    """A key that is not as expected, and its fields in Redis (None: no hash)."""

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
        """The stale keys, and the number of keys in flight, which cannot be compared.

        A key is in flight if it was written after the snapshot, or if its last commit is not yet published to Redis.
        """
        # Read after the rows and before the hashes: everything up to this marker is in both.
        published = self._hashes.published()
        behind = published is not None and published < (rows.epoch, rows.revision)
        at = version(rows.epoch, rows.revision)
        expected = list(self._expected(rows))
        stale: list[StaleHash] = []
        in_flight = 0
        for start in range(0, len(expected), _KEYS_A_READ):
            part = expected[start : start + _KEYS_A_READ]
            for wanted, (stored, ends) in zip(part, self._hashes.read([e.key for e in part]), strict=True):
                if _as_expected(wanted, stored, ends):
                    continue
                if stored.get("version", "") > at or (behind and published and wanted.revision > published[1]):
                    in_flight += 1
                else:
                    stale.append(StaleHash(wanted, stored or None))
        return stale, in_flight

    def close(self) -> None:
        self._hashes.close()

    def _expected(self, rows: Snapshot) -> Iterator[Expected]:
        stream, expiry = self._stream, self._expiry
        for code, at, fields, revision in rows.newest:
            ends = expiry.of_newest(at) if at else 0
            yield Expected(realtime_key(stream, code), Key(NEWEST, code), ends, fields, revision)
        for code, day, fields, revision in rows.daily:
            yield Expected(daily_key(stream, code, day), Key(DAY, code, day), expiry.of_day(day), fields, revision)
        for code, month, fields, revision in rows.monthly:
            ends = expiry.of_month(month)
            yield Expected(monthly_key(stream, code, month), Key(MONTH, code, month), ends, fields, revision)


def _as_expected(wanted: Expected, stored: Fields, ends: int) -> bool:
    if not stored:
        # Redis may expire a hash slightly before this clock does.
        return wanted.fields is None or wanted.ends <= datetime.now(timezone.utc).timestamp() + _SECONDS_APART
    fields = {name: text for name, text in stored.items() if name != "version"}
    return wanted.fields == fields and "version" in stored and abs(ends - wanted.ends) <= _SECONDS_APART
