"""What a contestant is: how it is started on a ground, and what it does and does not promise."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from benchmarks.peers.ground import Ground


class Job(Enum):
    """What is asked for."""

    EVENTS = "A"  # events, upserted into PostgreSQL
    WHOLE = "B"  # events, and daily and monthly sums exact under corrections, and hashes in Redis


@dataclass(frozen=True)
class Contestant:
    """`start` starts its process on a ground, with all that it needs of tables, and returns it.

    `ready` tells, asked several times a second, whether it has begun to consume: the time from there on is without its
    start-up. `ends`: it ends by itself when the backlog is consumed; another is ended when nothing changes any more.
    `most`: it is measured on so many records only, the first of the same topic. `lives`: it takes part in live loads.
    """

    name: str
    title: str
    job: Job
    start: Callable[[Ground], subprocess.Popen[bytes]]
    ready: Callable[[Ground], bool]
    ends: bool = True
    most: int | None = None
    lives: bool = True
    without: str = ""  # the part of the job that it cannot do, in words
    hashes: bool = False  # it writes Redis's hashes
    marker: str = (
        ""  # of Redis: a key that changes when the hashes of a commit are all written; else its last write counts
    )
    not_promised: str = ""

    @property
    def has_sums(self) -> bool:
        return self.job is Job.WHOLE
