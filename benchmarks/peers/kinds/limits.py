"""The parts of the job on a backlog's records, each alone: what the whole job could reach at most."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.peers.contestant import Contestant
from benchmarks.peers.ground import Ground
from benchmarks.peers.measure import Meter, Used
from benchmarks.peers.process import end, last_line
from benchmarks.peers.reference import Digest, Reference, differences

_LIMIT_SECONDS = 600.0
FOUND = "parts.json"  # in the ground's folder, by consumers/limits.py


@dataclass(frozen=True)
class Limited:
    """`parts`: by name, seconds and processor seconds by process. `failure`: in words; such figures do not count."""

    records: int
    failure: str
    batch: int = 0  # records of a commit
    parts: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    used: Used | None = None


def limited(contestant: Contestant, ground: Ground, expected: Reference, servers: Mapping[str, int]) -> Limited:
    """Starts the process that does the parts, waits for its end, compares what it left."""
    contestant.prepare(ground)
    process = contestant.start(ground)
    meter = Meter(process.pid, servers)
    try:
        process.wait(_LIMIT_SECONDS)
        used = meter.stop()
    finally:
        end(process)
    if process.returncode:
        return Limited(expected.records, f"ended with status {process.returncode}: {last_line(ground)}", used=used)
    found = json.loads((ground.folder / FOUND).read_text())
    wanted = expected.digests["events"]
    wrong = [
        f"{name}: other events than the reference"
        for name, part in found["parts"].items()
        if part["events"] and Digest(*part["events"]) != wanted
    ]
    wrong += differences(ground.system, expected, aggregates=True, hashes=True)
    return Limited(expected.records, "; ".join(wrong), found["batch"], found["parts"], used)
