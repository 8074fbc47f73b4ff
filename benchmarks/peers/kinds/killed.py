"""A contestant, killed in the middle of a backlog and started again: how soon it commits, and what it ends as."""

from __future__ import annotations

import time
from dataclasses import dataclass

import psutil

from benchmarks.peers.contestant import Contestant
from benchmarks.peers.ground import Ground
from benchmarks.peers.kinds.drain import commits_of, last_moment, unlike
from benchmarks.peers.process import end, kill
from benchmarks.peers.reference import Reference
from benchmarks.peers.watch import LastWrite, watch, written

_SHARE = 0.1  # of the records, by which it is killed


@dataclass(frozen=True)
class Killed:
    """Seconds are from the second start. `rows_before`: of events, committed before the kill."""

    records: int
    failure: str
    rows_before: int = 0
    claim_seconds: float = 0.0
    first_commit_seconds: float = 0.0
    end_seconds: float = 0.0


def killed(contestant: Contestant, ground: Ground, expected: Reference) -> Killed:
    """Starts it, kills it, starts it again, waits for its end, compares."""
    contestant.prepare(ground)
    writes = LastWrite(ground.system.redis, contestant.marker)
    process = contestant.start(ground)
    try:
        first = watch(contestant, ground, process, writes, lambda: written(ground) > _SHARE * expected.records)
    finally:
        kill(process)
    if first.failure:
        return Killed(expected.records, first.failure)
    time.sleep(1)  # PostgreSQL notices that its client is gone
    before = sum(rows for _, rows in commits_of(ground))
    ground.forget_words()
    process = contestant.start(ground)
    began = psutil.Process(process.pid).create_time()
    try:
        second = watch(contestant, ground, process, writes)
    finally:
        end(process)
    if failure := second.failure or unlike(contestant, ground, expected):
        return Killed(expected.records, failure, before)
    commits = commits_of(ground)
    after = [at for at, _ in commits if at > began]
    return Killed(
        expected.records, "" if after else "it was done before it was killed", before,
        round(max(second.claimed - began, 0), 2), round(min(after, default=began) - began, 2),
        round(last_moment(contestant, ground, commits, writes) - began, 2),
    )  # fmt: skip
