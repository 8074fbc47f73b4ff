"""castro.latency: how long records take from their time in Kafka to PostgreSQL and to Redis, as histograms.

Each latency is counted once, whatever process ends when: a commit keeps its records' times in castro.uncounted, in its
transaction, and whoever counts them takes them out in the transaction that adds them up. So a commit pays for one small
row, and a repeated batch counts once.

A latency begins by the clock of whoever produced the record (or of the broker, where the topic's message.timestamp.type
is LogAppendTime) and ends by the clock of the process that commits or projects. What is committed out of band (replays,
backfills, extracts, repairs) has none.
"""

from __future__ import annotations

import time
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg2.extensions import cursor as Cursor

from castro_spark.process.histogram import Histogram
from castro_spark.sinks.postgres.connection import Connection, statement

POSTGRES, REDIS = "postgres", "redis"
_INTERVAL_SECONDS = 300.0
_COMMITS_AT_ONCE = 5000  # after an outage of Redis there may be many
_LATE_SECONDS = 86_400.0  # beyond: a topic's history, or copies that kept their times; not what a reader waited for

_Commits = Sequence[Sequence[Any]]  # revision, commit's and records' milliseconds, records, untimed


@dataclass
class Latencies:
    """`histogram`: of the counted records; `ahead` of them have a time in the future, and count as 0 s. Not counted are
    `late` ones, older than a day, and `untimed` ones, without a plausible time."""

    histogram: Histogram = field(default_factory=Histogram)
    ahead: int = 0
    late: int = 0
    untimed: int = 0

    @classmethod
    def at(cls, now: float, cells: Iterable[tuple[int, int]], untimed: int = 0) -> Latencies:
        """At `now` (Unix seconds), of `cells`: Unix milliseconds and how many records have that time."""
        latencies = cls(untimed=untimed)
        for milliseconds, records in cells:
            seconds = now - milliseconds / 1000
            if seconds > _LATE_SECONDS:
                latencies.late += records
                continue
            if seconds < 0:
                latencies.ahead += records
            latencies.histogram.observe(max(seconds, 0.0), records)
        return latencies

    def add(self, other: Latencies) -> None:
        """Adds what the other ones have counted."""
        self.histogram.add(other.histogram)
        self.ahead += other.ahead
        self.late += other.late
        self.untimed += other.untimed


def note_commit(
    connection: Connection, stream: str, revision: int, cells: Sequence[tuple[int, int]], untimed: int
) -> None:
    """Keeps a commit's time, which is now, and those of its records, within its transaction; see Latencies.at."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO castro.uncounted (stream, revision, committed_ms, produced_ms, records, untimed)"
            " VALUES (%s, %s, %s, %s, %s, %s)",
            (stream, revision, int(time.time() * 1000), [c[0] for c in cells], [c[1] for c in cells], untimed),
        )


def count_published(connection: Connection, stream: str, publications: Sequence[tuple[int, float]]) -> None:
    """Counts the commits that were published, and the outcomes of their records.

    `publications`: revisions, ascending, and when (Unix seconds) Redis had everything up to each.
    """
    revisions = [revision for revision, _ in publications]

    def published_at(revision: int) -> float:
        return publications[bisect_left(revisions, revision)][1]

    def count(cursor: Cursor, commits: _Commits) -> None:
        _count_committed(cursor, stream, [commit for *commit, counted in commits if not counted])
        _add(cursor, stream, REDIS, [(published_at(revision), *records) for revision, _, *records, _ in commits])

    _take(connection, "latency/take_published.sql", {"stream": stream, "revision": revisions[-1]}, count)


def count_committed(connection: Connection, stream: str, after: int = 0) -> int:
    """Counts the commits after revision `after` that Redis does not have yet: their latencies to PostgreSQL, and the
    outcomes. Returns the last revision that was counted; else `after`."""
    last = after

    def count(cursor: Cursor, commits: _Commits) -> None:
        nonlocal last
        _count_committed(cursor, stream, commits)
        last = max(last, *(revision for revision, *_ in commits))

    _take(connection, "latency/take_committed.sql", {"stream": stream, "after": after}, count)
    return last


def _take(
    connection: Connection, path: str, known: dict[str, Any], count: Callable[[Cursor, _Commits], None]
) -> None:
    """Takes commits in steps, each in a transaction of its own in which `count` adds them up."""
    taken = _COMMITS_AT_ONCE
    while taken == _COMMITS_AT_ONCE:
        with connection, connection.cursor() as cursor:
            cursor.execute("SET LOCAL synchronous_commit = off")
            cursor.execute(statement(path), {**known, "most": _COMMITS_AT_ONCE})
            commits = cursor.fetchall()
            if commits:
                count(cursor, commits)
            taken = len(commits)


def _count_committed(cursor: Cursor, stream: str, commits: _Commits) -> None:
    if commits:
        revisions = [revision for revision, *_ in commits]
        cursor.execute(statement("latency/add_outcomes.sql"), {"stream": stream, "revisions": revisions})
        _add(cursor, stream, POSTGRES, [(ms / 1000, *records) for _, ms, *records in commits])


def _add(
    cursor: Cursor, stream: str, sink: str, commits: Iterable[tuple[float, list[int], list[int], int]]
) -> None:
    intervals: dict[float, Latencies] = {}
    for at, produced, records, untimed in commits:
        latencies = intervals.setdefault(at // _INTERVAL_SECONDS * _INTERVAL_SECONDS, Latencies())
        latencies.add(Latencies.at(at, zip(produced, records, strict=True), untimed))
    for at, found in intervals.items():
        row = {
            "stream": stream, "sink": sink, "at": at, "buckets": found.histogram.counts,
            "seconds": found.histogram.seconds, "ahead": found.ahead, "late": found.late, "untimed": found.untimed,
        }  # fmt: skip
        cursor.execute(statement("latency/add.sql"), row)


def outcome_totals(connection: Connection) -> dict[tuple[str, str], int]:
    """By stream and outcome (a column of the books): records since the counting began."""
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT stream, outcome, records FROM castro.record_total ORDER BY stream, outcome")
        return {(stream, outcome): records for stream, outcome, records in cursor.fetchall()}


def latency_totals(connection: Connection) -> dict[tuple[str, str], Latencies]:
    """By stream and sink: all that were ever counted."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT stream, sink, buckets, seconds, ahead, late, untimed FROM castro.latency"
            " WHERE starts_at = '-infinity' ORDER BY stream, sink"
        )
        return {(stream, sink): _latencies(*row) for stream, sink, *row in cursor.fetchall()}


def latency_series(
    connection: Connection, stream: str, sink: str, since: datetime
) -> list[tuple[datetime, Latencies]]:
    """The intervals of five minutes from `since` on that have any, oldest first, each with its start."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT starts_at, buckets, seconds, ahead, late, untimed FROM castro.latency"
            " WHERE stream = %s AND sink = %s AND starts_at >= %s ORDER BY starts_at",
            (stream, sink, since),
        )
        return [(starts_at, _latencies(*row)) for starts_at, *row in cursor.fetchall()]


def _latencies(buckets: list[int], seconds: float, ahead: int, late: int, untimed: int) -> Latencies:
    return Latencies(Histogram(buckets, seconds), ahead, late, untimed)
