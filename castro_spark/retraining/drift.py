"""Whether a feature has drifted: the current window against the same season a year before, and against the training.

Farming moves every year, so a difference from the training's window alone is no drift. All of these must differ:

- the current window and the training's;
- the current window and the same days a year before;
- the products' growth over these days of the year before, now and at the training. Without this, a change that the
  training knew (prices doubled before it) and the season since then would look like drift.

With too few products a year before, the training's window alone counts. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from castro_spark.counted import counted
from castro_spark.retraining.judgement import Drift
from castro_spark.retraining.psi import Bins, psi, sampling_limit
from castro_spark.sections.retraining import DriftRule

# Bins of growth, as a factor. Wide ones: most products' growth is near 1, and deciles would find any change of it.
GROWTH = Bins(tuple(map(Decimal, ("0", "0.25", "0.5", "0.67", "0.8", "1.25", "1.5", "2", "4"))), None)


@dataclass(frozen=True)
class Frozen:
    """A feature's bins by the values of the training's window, that window's counts, and its counts of GROWTH."""

    bins: Bins
    counts: tuple[int, ...]
    growth: tuple[int, ...]


@dataclass(frozen=True)
class Measured:
    """A feature's counts over the frozen bins, now and a year before, and over GROWTH between the two."""

    now: tuple[int, ...]
    year_before: tuple[int, ...]
    growth: tuple[int, ...]


@dataclass(frozen=True)
class Compared:
    """A feature's drift, and its evidence as plain data."""

    drift: Drift
    evidence: Mapping[str, Any]


def compare(feature: str, training: Frozen, measured: Measured, rule: DriftRule, least: int) -> Compared:
    """Compares the samples; one of fewer than `least` products is not compared."""
    evidence: dict[str, Any] = {
        "bins": training.bins.labels(), "now": measured.now, "year_before": measured.year_before,
        "training": training.counts, "growth_bins": GROWTH.labels(), "growth": measured.growth,
        "growth_at_training": training.growth,
    }  # fmt: skip
    for counts, where in ((measured.now, "the window"), (training.counts, "the training's window")):
        if sum(counts) < least:
            words = f"{counted(sum(counts), 'product')} in {where}: too few"
            return Compared(Drift(feature, None, None, words), evidence)
    pairs = {"training": (training.counts, measured.now)}
    if sum(measured.year_before) >= least:
        pairs["year_before"] = measured.year_before, measured.now
    if min(_known(training.growth), _known(measured.growth)) >= least:
        pairs["growth"] = training.growth, measured.growth
    results = []
    for name, (expected, actual) in pairs.items():
        index, sampling = psi(expected, actual), sampling_limit(expected, actual, rule.confidence)
        evidence |= {f"psi_{name}": round(index, 5), f"sampling_limit_{name}": round(sampling, 5)}
        results.append((index, max(rule.psi, sampling), name))
    # It drifts if every comparison exceeds its limit: so the one that exceeds it least, or not, decides.
    index, limit, name = min(results, key=lambda result: result[0] / result[1])
    words = f"PSI {index:.3f} of {_NAMES[name]}, limit {limit:.3f}"
    return Compared(
        Drift(feature, index, limit, words + ("" if "year_before" in pairs else "; too few products a year before")),
        evidence,
    )


_NAMES = {
    "training": "the training's window and now", "year_before": "the year before and now",
    "growth": "growth since the year before, at the training and now",
}  # fmt: skip


def _known(growth: Sequence[int]) -> int:
    """Products whose growth is not null."""
    return sum(growth[1:])
