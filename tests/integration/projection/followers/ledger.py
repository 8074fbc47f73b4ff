"""Commits without Kafka and Spark, what was sent in them, and what Redis must then hold."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import date, datetime
from typing import Any

import psutil

from castro_spark.parse import parse_batch
from castro_spark.projection.followers import Followers
from castro_spark.projection.projector import StreamProjector
from castro_spark.sinks.postgres.commit import staging
from castro_spark.sinks.postgres.commit.out_of_band import OutOfBandCommits
from castro_spark.sinks.postgres.commit.staging import StagedBatch
from tests import oracle
from tests.builders import Data, native, random_events
from tests.consumer import INVENTORY, Consumer, with_positions
from tests.system import System

QUICK = {"redis": {"timeout_seconds": 0.5}, "projection": {"poll_seconds": 0.1, "products_per_chunk": 5}}
MARKER = "castro:published:inventory"


class Ledger:
    """Commits, of which nothing is published unless somebody follows; and what was sent in them."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.consumer = Consumer(system)
        self.settings = self.consumer.settings
        self.sent: list[Any] = []
        self._number = 0

    def commit(self, events: list[Data]) -> None:
        """The stream consumes the events, at the next offsets."""
        first = self.consumer.positions[0]
        self.consumer.timed_commit(self._number, [(0, first + n, native(e)) for n, e in enumerate(events)])
        self._number += 1
        self.sent += [((0, first + n), e) for n, e in enumerate(events)]

    def commit_out_of_band(self, events: list[Data]) -> None:
        """Another process brings events that the stream has consumed long ago, as records of partition 1."""
        first = 1000 + len(self.sent)
        rows = with_positions([(1, first + n, native(e)) for n, e in enumerate(events)])
        parsed = parse_batch(rows, self.consumer.rules)
        with closing(OutOfBandCommits(self.settings.postgres, INVENTORY, patience=0)) as commits:
            commits.commit(StagedBatch(counts=staging.count([parsed]), parsed=[parsed]))
        self.sent += [((1, first + n), e) for n, e in enumerate(events)]

    def projector(self) -> StreamProjector:
        return StreamProjector(self.settings, INVENTORY)

    def agrees(self) -> None:
        oracle.assert_redis_agrees(self.system, self.sent)

    def agrees_soon(self, followers: Followers | None = None) -> None:
        """A running follower makes it so, by itself."""
        if followers is not None:
            followers.wake("inventory", more_follow=False)
        committed = "{:015d}.{:015d}".format(*self.system.query("SELECT epoch, revision FROM castro.stream")[0])
        until(lambda: self.system.redis.get(MARKER) == committed)
        self.agrees()


def until(true: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.05)


def some(seed: int, count: int = 40) -> list[Data]:
    return random_events(random.Random(seed), count)


@contextmanager
def stopped(system: System) -> Iterator[None]:
    """Redis takes connections and answers nothing, as behind a black hole."""
    pid = system.stack.redis.process.pid()
    assert pid is not None
    psutil.Process(pid).send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        psutil.Process(pid).send_signal(signal.SIGCONT)


def at(day: date, hour: int = 0) -> str:
    return datetime(day.year, day.month, day.day, hour, tzinfo=oracle.ZONE).isoformat()
