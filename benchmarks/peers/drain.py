"""A backlog drained by one contestant: when it was done, what it used, and whether its end state is the reference."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import psutil
import redis

from benchmarks.peers.contestant import Contestant
from benchmarks.peers.figures import warm_rate
from benchmarks.peers.ground import Ground
from benchmarks.peers.measure import Meter, Used
from benchmarks.peers.reference import TABLES, Reference, differences

_WRITES = ("hset", "evalsha", "eval", "del", "expireat", "hmset")
_POLL_SECONDS = 0.1
_QUIET_SECONDS, _NOTHING_SECONDS = 4.0, 30.0  # of a contestant that does not end by itself; before its first rows
_LIMIT_SECONDS = 280.0
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

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def drain(contestant: Contestant, ground: Ground, expected: Reference, servers: Mapping[str, int]) -> Drained:
    """Starts it, waits for its end, compares."""
    contestant.prepare(ground)
    writes = _LastWrite(ground.system.redis, contestant.marker)
    process = contestant.start(ground)
    began = psutil.Process(process.pid).create_time()
    meter = Meter(process.pid, servers)
    try:
        claimed = 0.0
        quiet = _Quiet(ground)
        failure = ""
        while process.poll() is None:
            if not claimed and contestant.ready(ground):
                claimed = time.time()
            writes.look()
            if not contestant.ends and claimed and quiet.is_long():
                break
            if time.time() - began > _LIMIT_SECONDS:
                failure = f"not done after {_LIMIT_SECONDS:.0f} s"
                break
            time.sleep(_POLL_SECONDS)
        writes.look()
        used = meter.stop()
        claimed = claimed or began  # it ended before it was asked
        if process.returncode:
            failure = f"ended with status {process.returncode}: {last_line(ground)}"
    finally:
        end(process)
    if not failure:
        found = differences(ground.system, expected, aggregates=contestant.has_sums, hashes=contestant.hashes)
        failure = "; ".join(found)
        if failure and not contestant.ends and (error := last_error(ground)):
            failure += f" ({error})"
    commits = ground.system.query(_COMMITS) if not failure else []
    if not commits:
        return Drained(expected.records, failure or "no rows", used=used)
    ended = max(float(commits[-1][0]), _last_commit_of_sums(ground) if contestant.has_sums else 0.0)
    if contestant.hashes:
        ended = max(ended, writes.at)
    return Drained(
        expected.records, "", round(ended - began, 2), round(ended - claimed, 2),
        round(float(commits[0][0]) - began, 2),
        round(warm_rate([(float(at), rows) for at, rows in commits]), 0), used, expected.rejects,
    )  # fmt: skip


class _LastWrite:
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
            rows = self._ground.system.query(
                "SELECT coalesce(sum(n_tup_ins + n_tup_upd), 0)::bigint FROM pg_stat_user_tables"
                " WHERE relname LIKE 'ml_inventory_%'"
            )[0][0]
            if rows != self._rows:
                self._rows, self._since = rows, time.time()
        return time.time() - self._since > (_QUIET_SECONDS if self._rows else _NOTHING_SECONDS)


def _last_commit_of_sums(ground: Ground) -> float:
    latest = "SELECT max(extract(epoch FROM pg_xact_commit_timestamp(xmin)))::float FROM "
    return max(float(ground.system.query(latest + TABLES[t])[0][0] or 0) for t in ("daily", "monthly"))


def last_error(ground: Ground) -> str:
    """The last error that a contestant that goes on whatever happens has logged."""
    text = ground.log.read_text(errors="replace")
    lines = [line for line in text.splitlines() if "ERROR" in line or "Caused by" in line]
    return lines[-1].strip()[:200] if lines else ""


def last_line(ground: Ground) -> str:
    lines = [line for line in ground.log.read_text(errors="replace").splitlines() if line.strip()]
    return lines[-1][:200] if lines else "it said nothing"


def end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
