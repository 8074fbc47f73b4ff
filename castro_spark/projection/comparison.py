"""Compares hashes in Redis with what PostgreSQL says they must be, and tells stale ones from those in flight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from enum import Enum

from castro_spark.sinks.redis.hashes import Fields, VersionedHashes
from castro_spark.sinks.redis.keys import version

_KEYS_A_READ = 1000
_SECONDS_APART = 2  # tolerance: expiry is derived from a remaining time, by another clock


class Verdict(Enum):
    """How a hash compares. A difference is in flight if a commit explains it that Redis, or the snapshot, lacks."""

    AGREES = "agrees"
    IN_FLIGHT = "in_flight"
    STALE = "stale"


@dataclass(frozen=True)
class Expected:
    """A key, its expected fields (None: no hash), its expiry (Unix seconds), and the last commit that changed it."""

    key: str
    ends: int
    fields: Fields | None
    revision: int


@dataclass(frozen=True)
class Compared:
    """A key with its fields in Redis (`version` included; None: no hash) and their expiry (Unix seconds, -1: never)."""

    expected: Expected
    stored: Fields | None
    ends: int
    verdict: Verdict


@dataclass(frozen=True)
class Comparison:
    """The hashes in the order in which they were expected, and the versions compared: the snapshot's `committed`, and
    the marker `published` (None: Redis was emptied, or never written)."""

    committed: tuple[int, int]
    published: tuple[int, int] | None
    hashes: list[Compared]


def compare(hashes: VersionedHashes, committed: tuple[int, int], expected: Sequence[Expected]) -> Comparison:
    """Reads the keys and compares them. `expected` must have been read before, in a snapshot of version `committed`.

    Raises RedisError.
    """
    # Read after the rows and before the hashes: everything up to this marker is in both.
    published = hashes.published()
    compared: list[Compared] = []
    for start in range(0, len(expected), _KEYS_A_READ):
        part = expected[start : start + _KEYS_A_READ]
        for wanted, (stored, ends) in zip(part, hashes.read([e.key for e in part]), strict=True):
            if _as_expected(wanted, stored, ends):
                verdict = Verdict.AGREES
            elif _is_in_flight(wanted, stored, committed, published):
                verdict = Verdict.IN_FLIGHT
            else:
                verdict = Verdict.STALE
            compared.append(Compared(wanted, stored or None, ends, verdict))
    return Comparison(committed, published, compared)


def _as_expected(wanted: Expected, stored: Fields, ends: int) -> bool:
    if not stored:
        # Redis may expire a hash slightly before this clock does.
        return wanted.fields is None or wanted.ends <= datetime.now(timezone.utc).timestamp() + _SECONDS_APART
    fields = {name: text for name, text in stored.items() if name != "version"}
    return wanted.fields == fields and "version" in stored and abs(ends - wanted.ends) <= _SECONDS_APART


def _is_in_flight(
    wanted: Expected, stored: Fields, committed: tuple[int, int], published: tuple[int, int] | None
) -> bool:
    """Whether the key was written after the snapshot, or its last commit is not yet published to Redis."""
    if stored.get("version", "") > version(*committed):
        return True
    return published is not None and published < committed and wanted.revision > published[1]
