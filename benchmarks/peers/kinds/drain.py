"""A backlog drained by one contestant: when it was done, what it used, and whether its end state is the reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import psutil

from benchmarks.peers.contestant import Contestant
from benchmarks.peers.ground import Ground
from benchmarks.peers.kinds.figures import warm_rate
from benchmarks.peers.measure import Meter, Used
from benchmarks.peers.process import end, last_error
from benchmarks.peers.reference import TABLES, Reference, differences
from benchmarks.peers.watch import LastWrite, watch

_COMMITS = """
    SELECT extract(epoch FROM pg_xact_commit_timestamp(xmin))::float AS at, count(*)
    FROM ml_inventory_realtime GROUP BY 1 ORDER BY 1
"""


@dataclass(frozen=True)
class Drained:
    """`failure`: in words; the figures of such a run do not count. Seconds are to the last commit, or the last hash."""

    records: int
    failure: str
    seconds_from_start: float = 0.0
    seconds_from_claim: float = 0.0
    first_commit_seconds: float = 0.0  # from the start
    warm_rate: float = 0.0  # events/s after the first 40 % of the rows
    used: Used | None = None
    rejects: int = 0


def drain(contestant: Contestant, ground: Ground, expected: Reference, servers: Mapping[str, int]) -> Drained:
    """Starts it, waits for its end, compares."""
    contestant.prepare(ground)
    writes = LastWrite(ground.system.redis, contestant.marker)
    process = contestant.start(ground)
    began = psutil.Process(process.pid).create_time()
    meter = Meter(process.pid, servers)
    try:
        watched = watch(contestant, ground, process, writes)
        used = meter.stop()
    finally:
        end(process)
    failure = watched.failure or unlike(contestant, ground, expected)
    if failure:
        return Drained(expected.records, failure, used=used)
    commits = commits_of(ground)
    ended = last_moment(contestant, ground, commits, writes)
    claimed = watched.claimed or began  # it ended before it was asked
    return Drained(
        expected.records, "", round(ended - began, 2), round(ended - claimed, 2), round(commits[0][0] - began, 2),
        round(warm_rate(commits)), used, expected.rejects,
    )  # fmt: skip


def unlike(contestant: Contestant, ground: Ground, expected: Reference) -> str:
    """How its end state differs from the reference, in words; empty if it does not."""
    found = differences(ground.system, expected, aggregates=contestant.has_sums, hashes=contestant.hashes)
    if found and not contestant.ends and (error := last_error(ground)):
        found.append(error)
    return "; ".join(found)


def commits_of(ground: Ground) -> list[tuple[float, int]]:
    """The commits that the events' rows are of, and how many each."""
    return [(float(at), rows) for at, rows in ground.system.query(_COMMITS)]


def last_moment(
    contestant: Contestant, ground: Ground, commits: list[tuple[float, int]], writes: LastWrite
) -> float:  # fmt: skip
    """When the last of all that its job asks for was there."""
    moments = [commits[-1][0]]
    if contestant.has_sums:
        latest = "SELECT max(extract(epoch FROM pg_xact_commit_timestamp(xmin)))::float FROM "
        moments += [float(ground.system.query(latest + TABLES[t])[0][0]) for t in ("daily", "monthly")]
    if contestant.hashes:
        moments.append(writes.at)
    return max(moments)


