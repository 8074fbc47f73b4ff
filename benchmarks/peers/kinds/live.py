"""A live load, consumed by one contestant: from the moment that a record is sent until PostgreSQL and Redis have it."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from array import array
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path

from benchmarks.peers.contestant import Commits, Contestant
from benchmarks.peers.ground import Ground
from benchmarks.peers.kinds.figures import Latencies, latencies
from benchmarks.peers.loads import PROBE_EVERY, Load
from benchmarks.peers.measure import Meter, Used
from benchmarks.peers.pace import SENT, probe
from benchmarks.peers.process import end, last_line
from benchmarks.peers.records import Record
from benchmarks.peers.reference import differences, local_day, reference

_READY_SECONDS, _CATCH_UP_SECONDS = 240.0, 20.0
_POLL_SECONDS = 0.01
_MOST_PROBES = 200  # asked for at once: of a contestant that has fallen behind, the oldest
_COMMITS = """
    SELECT substr(event_id, 2)::bigint, extract(epoch FROM pg_xact_commit_timestamp(xmin))::float
    FROM ml_inventory_realtime
"""


@dataclass(frozen=True)
class Lived:
    """`failure`: in words; the figures of such a run do not count. `seconds`: the measured time, after the warm-up;
    `batches`: those that ended meanwhile, of all streams, where the contestant counts them."""

    records: int
    failure: str
    seconds: float = 0.0
    batches: int = 0
    postgres: Latencies | None = None
    redis: Latencies | None = None
    used: Used | None = field(default=None)


def live(contestant: Contestant, ground: Ground, load: Load, warm_up: float, servers: Mapping[str, int]) -> Lived:
    """Starts it, sends the load when it has begun to consume, and ends it when all is committed."""
    contestant.prepare(ground)
    process = contestant.start(ground)
    pacer: subprocess.Popen[bytes] | None = None
    try:
        if failure := not_started(contestant, ground, process):
            return Lived(load.events, failure)
        begin = time.time() + 1
        pacer = send(ground, load, begin)
        probes = _Probes(ground) if contestant.hashes else None
        _watch(pacer, probes, begin + warm_up)
        batches = contestant.batches(ground) if contestant.batches else 0
        meter = Meter(process.pid, servers, running=True)
        measured_from = time.time()
        _watch(pacer, probes, None)
        used, seconds = meter.stop(), time.time() - measured_from
        batches = contestant.batches(ground) - batches if contestant.batches else 0
        failure = caught_up(contestant, ground, process, probes)
    finally:
        for started in (process, pacer):
            if started is not None:
                end(started)
    sent = array("d", (ground.folder / SENT).read_bytes())
    if failure := failure or unlike_sent(contestant, ground):
        return Lived(load.events, failure, round(seconds, 1), used=used)
    first = next(number for number, at in enumerate(sent) if at >= begin + warm_up)
    commits = contestant.commits(ground) if contestant.commits else _commits(ground)
    return Lived(
        load.events, "", round(seconds, 1), batches,
        latencies([(at - sent[n]) * 1000 for n, at in commits if n >= first]),
        latencies([(at - sent[n]) * 1000 for n, at in probes.seen.items() if n >= first]) if probes else None,
        used,
    )  # fmt: skip


def not_started(contestant: Contestant, ground: Ground, process: subprocess.Popen[bytes]) -> str:
    """Waits until it has begun to consume; in words why it does not, or nothing."""
    deadline = time.time() + _READY_SECONDS
    while not contestant.ready(ground):
        if process.poll() is not None or time.time() > deadline:
            return f"did not start: {last_line(ground)}"
        time.sleep(0.2)
    return ""


class _Probes:
    """Looks for the products of the probes in Redis, once they are sent."""

    def __init__(self, ground: Ground) -> None:
        self._ground, self._redis = ground, ground.system.redis
        self._next = 0
        self._waiting: list[int] = []
        self.seen: dict[int, float] = {}  # by the event's number

    def look(self) -> None:
        for number in range(self._next, _sent(self._ground), PROBE_EVERY):
            self._waiting.append(number)
            self._next = number + PROBE_EVERY
        asked = self._waiting[:_MOST_PROBES]
        pipeline = self._redis.pipeline(transaction=False)
        for number in asked:
            pipeline.exists(f"inventory:realtime:{probe(number)}")
        found = pipeline.execute() if asked else []
        now = time.time()
        for number, there in zip(asked, found, strict=True):
            if there:
                self.seen[number] = now
                self._waiting.remove(number)


def send(ground: Ground, load: Load, begin: float) -> subprocess.Popen[bytes]:
    """Starts the load's producer, which sends from `begin` on (Unix seconds)."""
    told = ground.folder / "pace.json"
    told.write_text(
        json.dumps(
            {
                "bootstrap": ground.bootstrap, "topics": ground.system.topics, "load": asdict(load), "begin": begin,
                "folder": str(ground.folder),
            }
        )
    )  # fmt: skip
    return ground.popen([sys.executable, "-m", "benchmarks.peers.pace", str(told)])


def _watch(pacer: subprocess.Popen[bytes], probes: _Probes | None, until: float | None) -> None:
    """Looks for the probes until then, or until all is sent."""
    while pacer.poll() is None and (until is None or time.time() < until):
        if probes:
            probes.look()
        time.sleep(_POLL_SECONDS)
    assert not pacer.returncode, "the load's producer failed"


def caught_up(contestant: Contestant, ground: Ground, process: subprocess.Popen[bytes], probes: _Probes | None) -> str:
    """Waits until all that was sent is committed, and Redis has the last; what is wrong, in words."""
    sent = _sent(ground)
    deadline, rows, asked = time.time() + _CATCH_UP_SECONDS, 0, 0.0
    while process.poll() is None:
        if probes:
            probes.look()
        if time.time() - asked > 0.5:
            asked = time.time()
            if contestant.commits:
                rows = len(contestant.commits(ground))
            else:
                rows = ground.system.query("SELECT count(*) FROM ml_inventory_realtime")[0][0]
            if rows == sent and (probes is None or len(probes.seen) == -(-sent // PROBE_EVERY)):
                time.sleep(1)  # for the last hashes beside the probes
                return ""
        if time.time() > deadline:
            return f"fell behind: {rows:,} of {sent:,} events {_CATCH_UP_SECONDS:.0f} s after the last was sent"
        time.sleep(_POLL_SECONDS)
    return f"ended with status {process.returncode}: {last_line(ground)}"


def unlike_sent(contestant: Contestant, ground: Ground) -> str:
    """How its end state differs from what was sent, in words; empty if it does not, or if it writes nothing."""
    if contestant.commits is not None:
        return ""
    expected = reference(_made(ground.folder / "values"), local_day(datetime.now(timezone.utc)))
    return "; ".join(differences(ground.system, expected, aggregates=contestant.has_sums, hashes=contestant.hashes))


def _commits(ground: Ground) -> Commits:
    return [(int(number), float(at)) for number, at in ground.system.query(_COMMITS)]


def _sent(ground: Ground) -> int:
    file = ground.folder / SENT
    return file.stat().st_size // array("d").itemsize if file.exists() else 0


def _made(values: Path) -> list[Record]:
    made = []
    for line in values.read_bytes().splitlines():
        partition, _, value = line.partition(b" ")
        made.append((int(partition), value))
    return made
