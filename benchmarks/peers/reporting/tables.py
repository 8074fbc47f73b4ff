"""What the tables have in common: which runs count, rates, medians, Markdown. Pure.

A figure is the median of its rounds; a ratio is the median of the rounds' own ratios.
"""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.peers.contestants import CONTESTANTS

Run = dict[str, Any]
OURS = "ours"


def title(name: str) -> str:
    """A contestant's title, with what it leaves out of its job."""
    contestant = CONTESTANTS[name]
    return contestant.title + (f", without {contestant.without}" if contestant.without else "")


def counted(runs: Sequence[Run]) -> list[Run]:
    """The runs whose end state was the reference."""
    return [r for r in runs if not r["failure"]]


def rate(run: Run, begin: str) -> float:
    """Records a second from the `claim` or the `start`."""
    return float(run["records"] / run[f"seconds_from_{begin}"])


def per_million(run: Run) -> dict[str, float]:
    """Processor seconds per million records, by part."""
    return {part: seconds / run["records"] * 1e6 for part, seconds in run["used"]["cpu_seconds"].items()}


def against(ours: Sequence[Run], theirs: Sequence[Run], figure: Callable[[Run], float]) -> list[float]:
    """Ours divided by theirs, of each round that both have."""
    by_round = {r["round"]: r for r in counted(ours)}
    return [figure(by_round[r["round"]]) / figure(r) for r in theirs if r["round"] in by_round]


def spread(values: Sequence[float], form: str = "{:,.0f}") -> str:
    """The median, and the least and the most where there are several."""
    if not values:
        return ""
    middle, *ends = (form.format(v) for v in (statistics.median(values), min(values), max(values)))
    return middle if len(values) == 1 else f"{middle} ({' to '.join(ends)})"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *rows))


def select(runs: Sequence[Run], load: str | None = None, contestant: str | None = None) -> list[Run]:
    """The runs of a load, of a contestant, or of both."""
    return [r for r in runs if load in (None, r["load"]) and contestant in (None, r["contestant"])]


def loads_of(runs: Sequence[Run]) -> list[str]:
    """The names of their loads, in order."""
    return list(dict.fromkeys(r["load"] for r in runs))
