"""How a stream's lag moves: whether it keeps up, catches up and when, or falls behind. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

KEEPS_UP_SECONDS = 10.0  # a record that waits for less is only in the batch that is next
_LEAST_SAMPLES = 4
Sample = tuple[datetime, Mapping[str, int]]  # when, and the records that waited by partition


class Pace(str, Enum):
    """How a stream goes along with its topic."""

    KEEPS_UP = "keeps_up"
    CATCHES_UP = "catches_up"
    FALLS_BEHIND = "falls_behind"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Partition:
    """A partition's lag. `seconds`: how long its oldest record waits at most; `change`: records a second, less than 0
    while it shrinks; None: too few samples. `catches_up_in`: seconds; None while it does not shrink."""

    partition: int
    next_offset: int | None
    end_offset: int | None
    records: int | None
    seconds: float | None
    change: float | None

    @property
    def is_late(self) -> bool:
        return self.seconds is not None and self.seconds > KEEPS_UP_SECONDS

    @property
    def catches_up_in(self) -> float | None:
        if not self.records:
            return None if self.records is None else 0.0
        return self.records / -self.change if self.change is not None and self.change < 0 else None


@dataclass(frozen=True)
class Lag:
    """A stream's lag over its partitions; None where nothing is known. `catches_up_in` is the slowest partition's."""

    partitions: Sequence[Partition]
    records: int | None
    seconds: float | None
    change: float | None
    pace: Pace
    catches_up_in: float | None


def lag(partitions: Sequence[Partition]) -> Lag:
    """The lag of a stream with these partitions."""
    records = [p.records for p in partitions if p.records is not None]
    if not records:
        return Lag(partitions, None, None, None, Pace.UNKNOWN, None)
    changes = [p.change for p in partitions if p.change is not None]
    late = [p for p in partitions if p.is_late]
    pace, within = _pace(late)
    return Lag(
        partitions, sum(records), max((p.seconds for p in partitions if p.seconds is not None), default=None),
        sum(changes) if changes else None, pace, within,
    )  # fmt: skip


def _pace(late: Sequence[Partition]) -> tuple[Pace, float | None]:
    if not late:
        return Pace.KEEPS_UP, None
    if any(p.change is None for p in late):
        return Pace.UNKNOWN, None
    times = [p.catches_up_in for p in late]
    known = [seconds for seconds in times if seconds is not None]
    return (Pace.CATCHES_UP, max(known)) if len(known) == len(times) else (Pace.FALLS_BEHIND, None)


def changes(samples: Sequence[Sample]) -> dict[str, float]:
    """By partition: how many records a second its lag grows, by the line that fits the samples best. Without enough
    samples nothing."""
    if len(samples) < _LEAST_SAMPLES:
        return {}
    first = samples[0][0]
    times = [(at - first).total_seconds() for at, _ in samples]
    found: dict[str, float] = {}
    for partition in samples[-1][1]:
        waiting = [(t, waits[partition]) for t, (_, waits) in zip(times, samples, strict=True) if partition in waits]
        if len(waiting) >= _LEAST_SAMPLES and (slope := _slope(waiting)) is not None:
            found[partition] = slope
    return found


def _slope(points: Sequence[tuple[float, int]]) -> float | None:
    middle = sum(t for t, _ in points) / len(points)
    mean = sum(value for _, value in points) / len(points)
    spread = sum((t - middle) ** 2 for t, _ in points)
    return sum((t - middle) * (value - mean) for t, value in points) / spread if spread else None
