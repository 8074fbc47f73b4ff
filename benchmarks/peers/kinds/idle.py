"""Streams that have nothing to do: what that takes of the machine."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass

from benchmarks.peers.contestant import Contestant
from benchmarks.peers.ground import Ground
from benchmarks.peers.kinds.live import caught_up, not_started, send, unlike_sent
from benchmarks.peers.loads import Load
from benchmarks.peers.measure import Meter, Used
from benchmarks.peers.process import end, last_line

_SETTLE_SECONDS, _SECONDS = 20.0, 60.0


@dataclass(frozen=True)
class Idled:
    """`failure`: in words; the figures of such a run do not count. `batches`: those that ended meanwhile."""

    records: int
    failure: str
    seconds: float = 0.0
    batches: int = 0
    used: Used | None = None


def idle(contestant: Contestant, ground: Ground, load: Load, servers: Mapping[str, int]) -> Idled:
    """Starts it, lets it do a few seconds of work, so that all of it has run once, and measures it a minute at rest."""
    contestant.prepare(ground)
    process = contestant.start(ground)
    pacer = None
    try:
        if failure := not_started(contestant, ground, process):
            return Idled(load.events, failure)
        pacer = send(ground, load, time.time() + 1)
        assert pacer.wait() == 0, "the load's producer failed"
        if failure := caught_up(contestant, ground, process, None):
            return Idled(load.events, failure)
        time.sleep(_SETTLE_SECONDS)
        batches = contestant.batches(ground) if contestant.batches else 0
        meter, began = Meter(process.pid, servers, running=True), time.time()
        time.sleep(_SECONDS)
        used, seconds = meter.stop(), time.time() - began
        batches = contestant.batches(ground) - batches if contestant.batches else 0
        failure = f"ended: {last_line(ground)}" if process.poll() is not None else ""
    finally:
        for started in (process, pacer):
            if started is not None:
                end(started)
    return Idled(load.events, failure or unlike_sent(contestant, ground), round(seconds, 1), batches, used)
