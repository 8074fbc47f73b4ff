"""Runs contestants in rotation on the same topics, and writes what was measured.

    ./benchmarks/run.sh peers [--quick] [--load NAME ...] [--contestant NAME ...] [--rounds N] [--events N] [--write]

--quick: 50,000 events and one round. The result is printed as tables and written as JSON to --out. With --write the
tables and pictures of docs/performance.md are made anew.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from benchmarks.peers.contestant import Contestant
from benchmarks.peers.contestants import CONTESTANTS
from benchmarks.peers.drain import drain
from benchmarks.peers.ground import Ground, create_topics, fill
from benchmarks.peers.loads import DRAINS, QUICK, Load
from benchmarks.peers.records import Record, records
from benchmarks.peers.reference import Reference, local_day, reference
from benchmarks.peers.report import markdown
from benchmarks.peers.rotation import rotation
from castro_spark.local import Stack
from castro_spark.local.process import write_private

Run = dict[str, Any]


class Backlog:
    """A load's topic, and one with its first records only, with the references of both."""

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


def drains(stack: Stack, folder: Path, load: Load, contestants: list[Contestant], rounds: int) -> list[Run]:
    """Every contestant, `rounds` times."""
    backlog = Backlog(stack, load)
    ready = {c.name: backlog.of(c) for c in contestants}  # made before anything is measured
    servers = {
        "PostgreSQL": stack.postgres.process.pid(), "Kafka": stack.kafka.process.pid(),
        "Redis": stack.redis.process.pid(),
    }  # fmt: skip
    found: list[Run] = []
    for number, order in enumerate(rotation(contestants, rounds), 1):
        for contestant in order:
            topic, expected = ready[contestant.name]
            ground = Ground(
                stack, folder / f"{load.name}-{number}-{contestant.name}", {"inventory": topic}, available_now=True
            )
            try:
                done = drain(contestant, ground, expected, {name: pid for name, pid in servers.items() if pid})
            finally:
                ground.end()
            run = {
                "kind": "drain", "load": load.name, "events": load.events, "round": number,
                "contestant": contestant.name,
                "at": time.time(), "load_average": os.getloadavg()[0], **done.as_dict(),
            }  # fmt: skip
            print(line(run), flush=True)
            found.append(run)
    return found


def line(run: Run) -> str:
    """One run in a line, while the rest is still to come."""
    name = f"{run['load']} {run['round']} {run['contestant']}"
    if run["failure"]:
        return f"{name}: does not count: {run['failure']}"
    rates = [run["records"] / run[f"seconds_from_{begin}"] for begin in ("claim", "start")]
    others = run["used"]["others_cores"]
    return (
        f"{name}: {rates[0]:,.0f} records/s from the claim, {rates[1]:,.0f} from the start; others took {others} cores"
    )


def main() -> None:
    arguments = argparse.ArgumentParser(
        prog="./benchmarks/run.sh peers", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("--quick", action="store_true")
    arguments.add_argument("--load", nargs="+", choices=list(DRAINS), default=list(DRAINS))
    arguments.add_argument("--contestant", nargs="+", choices=list(CONTESTANTS), default=list(CONTESTANTS))
    arguments.add_argument("--rounds", type=int)
    arguments.add_argument("--events", type=int)
    arguments.add_argument("--out", type=Path, default=Path("peers.json"))
    given = arguments.parse_args()
    rounds = given.rounds or (1 if given.quick else 3)
    contestants = [CONTESTANTS[name] for name in given.contestant]
    found: list[Run] = []
    with tempfile.TemporaryDirectory() as name, Stack(Path(name) / "stack", die_with_parent=True) as stack:
        for load_name in given.load:
            load = DRAINS[load_name]
            load = load.of(given.events or (QUICK if given.quick else load.events))
            found += drains(stack, Path(name), load, contestants, rounds)
    write_private(given.out, json.dumps({"runs": found}, indent=1))
    print(markdown(found))


if __name__ == "__main__":
    main()
