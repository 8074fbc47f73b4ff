"""The contestants, by name."""

from __future__ import annotations

from benchmarks.peers.contestant import Contestant
from benchmarks.peers.contestants import consumers, debezium, empty, flink, limits, ours

CONTESTANTS: dict[str, Contestant] = {
    contestant.name: contestant
    for room in (ours, consumers, debezium, flink, empty, limits)
    for contestant in room.CONTESTANTS
}
