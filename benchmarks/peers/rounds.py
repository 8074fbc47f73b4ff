"""Every contestant on every load, round after round, each on a ground of its own."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from benchmarks.peers.contestant import Contestant
from benchmarks.peers.drain import Drained, drain
from benchmarks.peers.ground import Ground, create_topics, fill
from benchmarks.peers.killed import Killed, killed
from benchmarks.peers.live import Lived, live
from benchmarks.peers.loads import SHARES, Load
from benchmarks.peers.records import Record, records
from benchmarks.peers.reference import Reference, local_day, reference
from benchmarks.peers.rotation import rotation
from castro_spark.local import Stack

Run = dict[str, Any]


class Backlog:
    """A load's topic, and those with its first records only, with the reference of each."""

    def __init__(self, stack: Stack, load: Load) -> None:
        self._stack, self.load = stack, load
        self._today = local_day(datetime.now(timezone.utc))
        self._made: list[Record] = list(records(load, self._today))
        self._topics: dict[int, tuple[str, Reference]] = {}

    def of(self, contestant: Contestant) -> tuple[str, Reference]:
        """The topic that it is to drain, and the reference of that."""
        most = min(contestant.most or len(self._made), len(self._made))
        if most not in self._topics:
            topic = f"inventory.{self.load.name}.{most}"
            create_topics(self._stack, [topic], self.load.partitions)
            fill(self._stack, topic, self._made[:most])
            self._topics[most] = topic, reference(self._made[:most], self._today)
        return self._topics[most]


class Arena:
    """The servers that all share, and a folder for what the runs leave."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self._stack, self._folder = stack, folder
        servers = {"PostgreSQL": stack.postgres, "Kafka": stack.kafka, "Redis": stack.redis}
        self._servers = {name: pid for name, server in servers.items() if (pid := server.process.pid())}

    def drains(self, load: Load, contestants: Sequence[Contestant], rounds: int) -> list[Run]:
        """Backlogs."""
        backlog = Backlog(self._stack, load)
        contestants = [c for c in contestants if c.drains]
        ready = {c.name: backlog.of(c) for c in contestants}  # made before anything is measured
        found = []
        for number, order in enumerate(rotation(contestants, rounds), 1):
            for contestant in order:
                topic, expected = ready[contestant.name]
                ground = self._ground(load, number, contestant, {"inventory": topic}, available_now=True)
                try:
                    done = drain(contestant, ground, expected, self._servers)
                finally:
                    ground.end()
                found.append(_run("drain", load, number, contestant, done))
        return found

    def lives(self, load: Load, contestants: Sequence[Contestant], rounds: int, warm_up: float) -> list[Run]:
        """A rate, with topics of their own for each run."""
        found = []
        for number, order in enumerate(rotation([c for c in contestants if c.lives], rounds), 1):
            for contestant in order:
                topics = {stream: f"{stream}.{load.name}.{number}.{contestant.name}" for stream in SHARES}
                create_topics(self._stack, topics.values(), load.partitions)
                ground = self._ground(load, number, contestant, topics, available_now=False)
                try:
                    done = live(contestant, ground, load, warm_up, self._servers)
                finally:
                    ground.end()
                found.append(_run("live", load, number, contestant, done))
        return found

    def kills(self, load: Load, contestants: Sequence[Contestant], rounds: int) -> list[Run]:
        """Killed in the middle of a backlog; those that keep where they were."""
        backlog, found = Backlog(self._stack, load), []
        for number, order in enumerate(rotation([c for c in contestants if c.resumes], rounds), 1):
            for contestant in order:
                topic, expected = backlog.of(contestant)
                ground = self._ground(load, number, contestant, {"inventory": topic}, available_now=True)
                try:
                    done = killed(contestant, ground, expected)
                finally:
                    ground.end()
                found.append(_run("killed", load, number, contestant, done))
        return found

    def _ground(
        self, load: Load, number: int, contestant: Contestant, topics: dict[str, str], *, available_now: bool
    ) -> Ground:
        folder = self._folder / f"{load.name}-{number}-{contestant.name}"
        return Ground(self._stack, folder, topics, available_now=available_now)


def _run(kind: str, load: Load, number: int, contestant: Contestant, done: Drained | Lived | Killed) -> Run:
    run = {
        "kind": kind, "load": load.name, "title": load.title, "events": load.events, "round": number,
        "contestant": contestant.name, "load_average": round(os.getloadavg()[0], 2), **done.as_dict(),
    }  # fmt: skip
    print(line(run), flush=True)
    return run


def line(run: Run) -> str:
    """One run in a line, while the rest is still to come."""
    name = f"{run['load']} {run['round']} {run['contestant']}"
    if run["failure"]:
        return f"{name}: does not count: {run['failure']}"
    if run["kind"] == "killed":
        first, last = run["first_commit_seconds"], run["end_seconds"]
        return f"{name}: first commit {first} s after the second start, end {last} s"
    others = f"others took {run['used']['others_cores']} cores"
    if run["kind"] == "live":
        both = [f"{to} {run[to]['p50']} / {run[to]['p99']}" for to in ("postgres", "redis") if run[to]]
        return f"{name}: p50 / p99 ms: {', '.join(both)}; {others}"
    rates = [run["records"] / run[f"seconds_from_{begin}"] for begin in ("claim", "start")]
    return f"{name}: {rates[0]:,.0f} records/s from the claim, {rates[1]:,.0f} from the start; {others}"
