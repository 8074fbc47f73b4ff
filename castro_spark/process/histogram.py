"""Counts of durations by fixed bounds, as Prometheus's histograms have them: what is stored of latencies and of stages.

The bounds belong to the tables castro.latency and castro.stage_time: other ones need a migration.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import accumulate

# Seconds. A duration belongs to the first bound that is not below it, and beyond the last to one bucket more.
BOUNDS = (
    0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0,
    300.0, 900.0, 3600.0, 14400.0,
)  # fmt: skip
BUCKETS = len(BOUNDS) + 1


@dataclass
class Histogram:
    """`counts` by bucket (BUCKETS of them, not cumulative), and the sum of the durations in `seconds`."""

    counts: list[int] = field(default_factory=lambda: [0] * BUCKETS)
    seconds: float = 0.0

    def __post_init__(self) -> None:
        if len(self.counts) != BUCKETS:
            raise ValueError(f"{len(self.counts)} counts for {BUCKETS} buckets")

    @property
    def count(self) -> int:
        return sum(self.counts)

    def observe(self, seconds: float, times: int = 1) -> None:
        """Adds a duration, `times` times."""
        self.counts[bisect_left(BOUNDS, seconds)] += times
        self.seconds += seconds * times

    def add(self, other: Histogram) -> None:
        """Adds what the other one has counted."""
        self.counts = [a + b for a, b in zip(self.counts, other.counts, strict=True)]
        self.seconds += other.seconds

    def percentile(self, share: float) -> float | None:
        """The duration that `share` (0 to 1) of them did not exceed, in seconds; None without any.

        Interpolated within its bucket; in the last one its lower bound, the greatest that is known.
        """
        if not (total := self.count):
            return None
        rank, before = share * total, 0
        for number, (count, upto) in enumerate(zip(self.counts, accumulate(self.counts), strict=True)):
            if count and upto >= rank:
                if number == len(BOUNDS):
                    return BOUNDS[-1]
                low = BOUNDS[number - 1] if number else 0.0
                return low + (BOUNDS[number] - low) * max(rank - before, 0.0) / count
            before = upto
        return BOUNDS[-1]

    def cumulative(self) -> list[tuple[str, int]]:
        """Prometheus's buckets: the upper bound as text, and how many did not exceed it."""
        return list(zip([*map(str, BOUNDS), "+Inf"], accumulate(self.counts), strict=True))


def merged(histograms: Iterable[Histogram]) -> Histogram:
    """All of them together."""
    total = Histogram()
    for histogram in histograms:
        total.add(histogram)
    return total
