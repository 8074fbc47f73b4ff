"""Looks at a contestant while it drains a backlog: when it begins to consume, when it is done."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import redis

from benchmarks.peers.contestant import Contestant
from benchmarks.peers.ground import Ground
from benchmarks.peers.process import last_line

_WRITES = ("hset", "evalsha", "eval", "del", "expireat", "hmset")  # commands of Redis
_POLL_SECONDS = 0.1
_QUIET_SECONDS, _NOTHING_SECONDS = 4.0, 30.0  # of a contestant that does not end by itself; before its first rows
_LIMIT_SECONDS = 280.0


@dataclass(frozen=True)
class Watched:
    """`claimed`: when it began to consume (Unix seconds); 0: it was not seen. `failure`: in words."""

    claimed: float
    failure: str


def watch(
    contestant: Contestant, ground: Ground, process: subprocess.Popen[bytes], writes: LastWrite,
    enough: Callable[[], bool] = lambda: False,
) -> Watched:  # fmt: skip
    """Waits until it ends, or writes nothing any more where it does not end by itself, or `enough` is true."""
    began, claimed, quiet = time.time(), 0.0, _Quiet(ground)
    while process.poll() is None:
        if not claimed and contestant.ready(ground):
            claimed = time.time()
        writes.look()
        if (not contestant.ends and claimed and quiet.is_long()) or enough():
            break
        if time.time() - began > _LIMIT_SECONDS:
            return Watched(claimed, f"not done after {_LIMIT_SECONDS:.0f} s")
        time.sleep(_POLL_SECONDS)
    writes.look()
    if process.returncode:
        return Watched(claimed, f"ended with status {process.returncode}: {last_line(ground)}")
    return Watched(claimed, "")


class LastWrite:
    """When Redis was last written, to a tenth of a second: by the marker, or by its own count of commands."""

    def __init__(self, client: redis.Redis, marker: str) -> None:
        self._redis, self._marker, self.at = client, marker, 0.0
        self._seen = self._state()

    def look(self) -> None:
        if (state := self._state()) != self._seen:
            self._seen, self.at = state, time.time()

    def _state(self) -> Any:
        if self._marker:
            return self._redis.get(self._marker)
        stats: Any = self._redis.info("commandstats")
        return sum(stats.get(f"cmdstat_{name}", {}).get("calls", 0) for name in _WRITES)


class _Quiet:
    """Whether no rows were written to the contestant's tables for long."""

    def __init__(self, ground: Ground) -> None:
        self._ground, self._rows, self._since, self._asked = ground, 0, time.time(), 0.0

    def is_long(self) -> bool:
        if time.time() - self._asked > 1:
            self._asked = time.time()
            rows = written(self._ground)
            if rows != self._rows:
                self._rows, self._since = rows, time.time()
        return time.time() - self._since > (_QUIET_SECONDS if self._rows else _NOTHING_SECONDS)


def written(ground: Ground) -> int:
    """Rows inserted and updated so far, by PostgreSQL's statistics, which are a second late."""
    counted = "SELECT coalesce(sum(n_tup_ins + n_tup_upd), 0)::bigint FROM pg_stat_user_tables WHERE relname ~ %(of)s"
    return int(ground.system.query(counted, {"of": "^ml_inventory_"})[0][0])
