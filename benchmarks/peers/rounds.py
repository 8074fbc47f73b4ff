"""Every contestant on every load, round after round, each on a ground of its own."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import psutil
import psycopg2
import redis
from confluent_kafka import KafkaException

from benchmarks.peers.contestant import Contestant
from benchmarks.peers.ground import Ground, create_topics, fill
from benchmarks.peers.kinds.drain import Drained, drain
from benchmarks.peers.kinds.idle import Idled, idle
from benchmarks.peers.kinds.killed import Killed, killed
from benchmarks.peers.kinds.limits import Limited, limited
from benchmarks.peers.kinds.live import Lived, live
from benchmarks.peers.loads import SHARES, Kind, Load
from benchmarks.peers.measure import OWN
from benchmarks.peers.records import records
from benchmarks.peers.reference import Reference, local_day, reference
from benchmarks.peers.rotation import rotation
from castro_spark.local import Stack

Run = dict[str, Any]
Topics = dict[int, tuple[str, Reference]]  # by the number of records: the topic, and its reference


class Arena:
    """The servers that all share, and a folder for what the runs leave. `warm_up`: seconds of a live load."""

    def __init__(self, stack: Stack, folder: Path, warm_up: float) -> None:
        self._stack, self._folder, self._warm_up = stack, folder, warm_up
        servers = {"PostgreSQL": stack.postgres, "Kafka": stack.kafka, "Redis": stack.redis}
        self._servers = {name: pid for name, server in servers.items() if (pid := server.process.pid())}
        self._topics: dict[str, Topics] = {}

    def rounds(
        self, loads: Sequence[Load], contestants: Sequence[Contestant], rounds: int, seconds: float = float("inf")
    ) -> Iterator[Run]:
        """All loads a round, so that a load's rounds are far apart. No run begins after `seconds`."""
        deadline = time.monotonic() + seconds
        orders = {
            load.name: rotation([c for c in contestants if load.kind in c.kinds], rounds) for load in loads
        }  # fmt: skip
        for load in loads:  # made before anything is measured
            if not load.per_second:
                self._topics[load.name] = self._backlog(load, orders[load.name][0])
        for number in range(rounds):
            for load in loads:
                for contestant in orders[load.name][number]:
                    if time.monotonic() < deadline:
                        yield self._run(load, number + 1, contestant)

    def _backlog(self, load: Load, contestants: Sequence[Contestant]) -> Topics:
        """The load's topic, and one with its first records only for those that are measured on fewer."""
        today = local_day(datetime.now(timezone.utc))
        made = list(records(load, today))
        topics: Topics = {}
        for most in {min(c.most or len(made), len(made)) for c in contestants}:
            topic = f"inventory.{load.name}.{most}"
            create_topics(self._stack, [topic], load.partitions)
            fill(self._stack, topic, made[:most])
            topics[most] = topic, reference(made[:most], today)
        return topics

    def _run(self, load: Load, number: int, contestant: Contestant) -> Run:
        try:
            done = asdict(self._done(load, number, contestant))
        except (AssertionError, OSError, psutil.Error, psycopg2.Error, redis.RedisError, KafkaException) as error:
            done = {"records": load.events, "failure": f"could not be measured: {error!r}"[:300]}
        kind = "limits" if contestant.parts else load.kind.value
        run = {
            "kind": kind, "load": load.name, "title": load.title, "events": load.events, "round": number,
            "contestant": contestant.name, "load_average": round(os.getloadavg()[0], 2), "used": None, **done,
        }  # fmt: skip
        print(line(run), flush=True)
        return run

    def _done(self, load: Load, number: int, contestant: Contestant) -> Drained | Lived | Killed | Limited | Idled:
        folder = self._folder / f"{load.name}-{number}-{contestant.name}"
        if load.per_second:
            topics = {stream: f"{stream}.{load.name}.{number}.{contestant.name}" for stream in SHARES}
            create_topics(self._stack, topics.values(), load.partitions)
            with Ground(self._stack, folder, topics, available_now=False) as ground:
                if load.kind is Kind.IDLE:
                    return idle(contestant, ground, load, self._servers)
                return live(contestant, ground, load, self._warm_up, self._servers)
        backlogs = self._topics[load.name]
        topic, expected = backlogs[min(contestant.most or load.events, load.events)]
        with Ground(self._stack, folder, {"inventory": topic}, available_now=True) as ground:
            if contestant.parts:
                return limited(contestant, ground, expected, self._servers)
            if load.kind is Kind.KILLED:
                return killed(contestant, ground, expected)
            return drain(contestant, ground, expected, self._servers)


def line(run: Run) -> str:
    """One run in a line, while the rest is still to come."""
    name = f"{run['load']} {run['round']} {run['contestant']}"
    if run["failure"]:
        return f"{name}: does not count: {run['failure']}"
    if run["kind"] == "killed":
        first, last = run["first_commit_seconds"], run["end_seconds"]
        return f"{name}: first commit {first} s after the second start, end {last} s"
    others = f"others took {run['used']['others_cores']} cores"
    if run["kind"] == "limits":
        rates = ", ".join(f"{part} {run['records'] / of['seconds']:,.0f}" for part, of in run["parts"].items())
        return f"{name}: records/s: {rates}; {others}"
    if run["kind"] == "idle":
        own = sum(run["used"]["cpu_seconds"].get(part, 0) for part in OWN) / run["seconds"]
        return f"{name}: {100 * own:.1f} % of a core; {others}"
    if run["kind"] == "live":
        both = [f"{to} {run[to]['p50']} / {run[to]['p99']}" for to in ("postgres", "redis") if run[to]]
        return f"{name}: p50 / p99 ms: {', '.join(both)}; {others}"
    rates = [run["records"] / run[f"seconds_from_{begin}"] for begin in ("claim", "start")]
    return f"{name}: {rates[0]:,.0f} records/s from the claim, {rates[1]:,.0f} from the start; {others}"
