"""Whether a feature has drifted: the current window against the same season a year before, and against the training.

Farming moves every year, so a difference from the training's window alone is no drift: the same days of the year before
must differ too. And a difference from the year before alone is none: if the training's data had it already, the model
knows it. Without enough products a year before, the training's window alone counts. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from castro_spark.retraining.judgement import Drift
from castro_spark.retraining.psi import Bins, psi, sampling_limit
from castro_spark.retraining_settings import DriftRule


@dataclass(frozen=True)
class Frozen:
    """A feature's bins and the training's counts."""

    bins: Bins
    counts: tuple[int, ...]


@dataclass(frozen=True)
class Compared:
    """A feature's drift, and its evidence as plain data."""

    drift: Drift
    evidence: Mapping[str, Any]


def compare(
    feature: str, frozen: Frozen, now: Sequence[int], year_before: Sequence[int], rule: DriftRule, least: int
) -> Compared:
    """Compares counts over the same bins. A sample of fewer than `least` products is not compared."""
    against = {"year_before": tuple(year_before), "training": frozen.counts}
    evidence: dict[str, Any] = {"bins": frozen.bins.labels(), "now": tuple(now), **against}
    enough = {name: counts for name, counts in against.items() if sum(counts) >= least}
    if sum(now) < least or "training" not in enough:
        few = sum(now) if sum(now) < least else sum(frozen.counts)
        where = "the window" if sum(now) < least else "the training's window"
        return Compared(Drift(feature, None, None, f"{few:,} products in {where}: too few"), evidence)
    results = []
    for name, counts in enough.items():
        index, sampling = psi(counts, now), sampling_limit(counts, now, rule.confidence)
        evidence |= {f"psi_{name}": round(index, 5), f"sampling_limit_{name}": round(sampling, 5)}
        results.append((index, max(rule.psi, sampling), name))
    # It drifts if all comparisons exceed their limits: the one nearest to its limit, or furthest below it, decides.
    index, limit, name = min(results, key=lambda result: result[0] / result[1])
    words = (
        f"PSI {index:.3f} against {'the year before' if name == 'year_before' else 'the training'}, limit {limit:.3f}"
    )
    if "year_before" not in enough:
        words += "; too few products a year before"
    return Compared(Drift(feature, index, limit, words), evidence)
