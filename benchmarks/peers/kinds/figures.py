"""Statistics of what was measured. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Latencies:
    """Milliseconds, and of how many."""

    count: int
    p50: float
    p95: float
    p99: float
    most: float


def latencies(milliseconds: Iterable[float]) -> Latencies | None:
    """None of none."""
    ordered = sorted(milliseconds)
    if not ordered:
        return None
    p50, p95, p99 = (round(quantile(ordered, q), 1) for q in (0.50, 0.95, 0.99))
    return Latencies(len(ordered), p50, p95, p99, round(ordered[-1], 1))


def quantile(ordered: Sequence[float], share: float) -> float:
    """The least value that `share` of all do not exceed."""
    return ordered[max(0, -int(-len(ordered) * share // 1) - 1)]


def warm_rate(commits: Sequence[tuple[float, int]], share: float = 0.4) -> float:
    """Rows a second after the commit that reached `share` of all; 0 where none follows. `commits`: (time, rows)."""
    total = sum(rows for _, rows in commits)
    reached = 0
    for at, rows in commits:
        reached += rows
        if reached >= share * total:
            left, seconds = total - reached, commits[-1][0] - at
            return left / seconds if left and seconds > 0 else 0.0
    return 0.0
