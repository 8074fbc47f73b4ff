"""What a contestant is: how it is started on a ground, and what it does and does not promise."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from benchmarks.peers.ground import Ground
from benchmarks.peers.loads import Kind

Commits = list[tuple[int, float]]  # an event's number, and the time (Unix seconds) at which it was there


class Job(Enum):
    """What is asked for."""

    EVENTS = "A"  # events, upserted into PostgreSQL
    WHOLE = "B"  # events, and daily and monthly sums exact under corrections, and hashes in Redis
    NONE = "-"  # nothing: to compare with


@dataclass(frozen=True)
class Contestant:
    """`prepare` makes its tables on a ground, `start` starts its process there.

    `ready` tells, asked several times a second, whether it has begun to consume: the time from there on is without its
    start-up. `ends`: it ends by itself when the backlog is consumed; another is ended when nothing changes any more.
    `most`: it is measured on so many records only, the first of the same topic. `kinds`: of the loads that it takes
    part in. `marker`: a key of Redis that changes when all hashes of a commit are written; without one Redis's last
    write counts. `commits`: of one that does not write to PostgreSQL, when it had each of a live load's events.
    `batches`: how many it has ended so far, of all streams. `parts`: it does the parts of the job one after another,
    each alone (limits.py).
    """

    name: str
    title: str
    job: Job
    prepare: Callable[[Ground], None]
    start: Callable[[Ground], subprocess.Popen[bytes]]
    ready: Callable[[Ground], bool]
    ends: bool = True
    most: int | None = None
    kinds: tuple[Kind, ...] = (Kind.DRAIN, Kind.KILLED, Kind.LIVE)
    parts: bool = False
    hashes: bool = False  # it writes Redis's hashes
    marker: str = ""
    commits: Callable[[Ground], Commits] | None = None
    batches: Callable[[Ground], int] | None = None
    without: str = ""  # the part of the job that it cannot do, in words
    not_promised: str = ""

    @property
    def has_sums(self) -> bool:
        return self.job is Job.WHOLE
