"""Hashes that are not what PostgreSQL holds: found by comparing, and written anew, these and no others."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from castro_spark.servers import RedisSettings
from castro_spark.sinks.redis.hashes import Fields, VersionedHashes
from castro_spark.sinks.redis.keys import Ttls, daily_key, monthly_key, patterns, realtime_key, version
from castro_spark.streams.declaration import StreamDeclaration

_KEYS_A_READ = 1000
NewestRow = tuple[str, Fields | None, int]
PeriodRow = tuple[str, date, Fields | None, int]


@dataclass(frozen=True)
class Expected:
    """A key with what it is to hold (None: there is no such hash), and the commit that changed that last."""

    key: str
    product_code: str
    ttl: int
    fields: Fields | None
    revision: int
    needed: bool  # else its absence is sound: it lived its time


@dataclass(frozen=True)
class Stale:
    """A key that is not as expected, and what it holds (None: nothing)."""

    expected: Expected
    held: Fields | None


class StaleHashes:
    """Compares one stream's hashes with rows of PostgreSQL, and mends those that differ.

    Redis being away is an error of the caller's choosing to bear.
    """

    def __init__(self, settings: RedisSettings, stream: StreamDeclaration) -> None:
        self._stream = stream
        self._ttls = Ttls(settings.ttl)
        self._hashes = VersionedHashes(settings, stream.name, patterns(stream))

    def find(
        self,
        newest: Sequence[NewestRow],
        daily: Sequence[PeriodRow],
        monthly: Sequence[PeriodRow],
        epoch: int,
        revision: int,
    ) -> tuple[list[Stale], int]:
        """The stale keys, rows being as of `revision`, and how many are in flight: not to be judged.

        These have been written to since, or are yet to be: what Redis has not been published to counts for nothing.
        """
        # Asked after the rows were read and before the hashes are: what it tells of is in both.
        held_to = self._hashes.published()
        behind = held_to is not None and held_to < (epoch, revision)
        at = version(epoch, revision)
        expected = list(self._expected(newest, daily, monthly))
        stale: list[Stale] = []
        in_flight = 0
        for start in range(0, len(expected), _KEYS_A_READ):
            part = expected[start : start + _KEYS_A_READ]
            for wanted, (held, ttl) in zip(part, self._hashes.read([e.key for e in part]), strict=True):
                if _as_expected(wanted, held, ttl):
                    continue
                if held.get("version", "") > at or (behind and held_to and wanted.revision > held_to[1]):
                    in_flight += 1
                else:
                    stale.append(Stale(wanted, held or None))
        return stale, in_flight

    def write(self, stale: Iterable[Stale], epoch: int, revision: int) -> int:
        """Writes the keys as they are expected, as of `revision`; one that is newer meanwhile stays. Returns how many.

        The marker of what has been published stays where it is.
        """
        entries = [(s.expected.key, s.expected.ttl, s.expected.fields) for s in stale]
        return self._hashes.write(entries, epoch, revision)

    def close(self) -> None:
        self._hashes.close()

    def _expected(
        self, newest: Sequence[NewestRow], daily: Sequence[PeriodRow], monthly: Sequence[PeriodRow]
    ) -> Iterator[Expected]:
        for code, fields, revision in newest:
            yield Expected(realtime_key(self._stream, code), code, self._ttls.realtime, fields, revision, needed=False)
        for code, day, fields, revision in daily:
            key = daily_key(self._stream, code, day)
            yield Expected(key, code, self._ttls.daily, fields, revision, needed=True)
        for code, month, fields, revision in monthly:
            key = monthly_key(self._stream, code, month)
            yield Expected(key, code, self._ttls.monthly, fields, revision, needed=True)


def _as_expected(wanted: Expected, held: Fields, ttl: int) -> bool:
    if not held:
        return wanted.fields is None or not wanted.needed
    fields = {name: text for name, text in held.items() if name != "version"}
    return wanted.fields == fields and "version" in held and ttl >= 0
