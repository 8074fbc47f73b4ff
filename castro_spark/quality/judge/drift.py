"""Drift of prices and quantities.

Prices: the share of a day's events whose price is beyond a factor of the product's usual price. Quantities: a day's
median quantity against those of the days before. Both are medians, which single outliers do not move.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median

from castro_spark.counted import counted
from castro_spark.quality.judge.grades import centre_and_spread, distance, grade, result, share, worst
from castro_spark.quality.result import Outcome, Result
from castro_spark.sections.quality import DriftLimits


@dataclass(frozen=True)
class DayPrices:
    """A day's sampled events: all, those with a usual price to compare with, jumps among these, the median of
    ln(price / usual price), the median of ln(|quantity|), and ids of jumps."""

    day: date
    rows: int
    priced: int
    jumps: int
    ratio: float | None
    quantity: float | None
    examples: Sequence[str] = ()

    @property
    def jump_share(self) -> float:
        return self.jumps / self.priced if self.priced else 0.0


@dataclass(frozen=True)
class _Finding:
    outcome: Outcome
    words: str
    observed: str


def judge_drift(
    stream: str, price: str, tested: Sequence[DayPrices], baseline: Sequence[DayPrices], limits: DriftLimits
) -> Result:
    """The worst of both, over the tested days."""
    findings = [
        *(f for day in tested for f in _prices(day, price, baseline, limits)),
        *(f for day in tested for f in _quantities(day, baseline, limits)),
    ]
    limit = (
        f"{price} beyond a factor of {limits.price_factor:g}: {share(limits.warn_share)} (warning),"
        f" {share(limits.fail_share)}; median quantity: a factor of {limits.quantity_factor:g}"
    )
    if not findings:
        words = f"no day with {limits.min_rows} events, and {limits.min_days} such days before, to judge"
        return result("drift", stream, limits, Outcome.NO_DATA, words, limit=limit)
    outcome = worst(f.outcome for f in findings)
    shown = [f for f in findings if f.outcome is outcome] if outcome is not Outcome.PASS else findings
    evidence = {
        "days": {
            str(d.day): {"rows": d.rows, "priced": d.priced, "jumps": d.jumps, "price_ratio": _factor(d.ratio),
                         "median_quantity": _factor(d.quantity)}
            for d in (*tested, *baseline)
        },
        "examples": [e for d in tested for e in d.examples][:5] if outcome is not Outcome.PASS else [],
    }  # fmt: skip
    words, observed = "; ".join(f.words for f in shown), "; ".join(f.observed for f in shown)
    return result("drift", stream, limits, outcome, words, observed=observed, limit=limit, evidence=evidence)


def _prices(day: DayPrices, price: str, baseline: Sequence[DayPrices], limits: DriftLimits) -> Iterator[_Finding]:
    before = [b.jump_share for b in baseline if b.priced >= limits.min_rows]
    if day.priced < limits.min_rows or len(before) < limits.min_days:
        return
    outcome = grade(day.jump_share - median(before), limits.warn_share, limits.fail_share)
    typical = f" (median ratio {_factor(day.ratio)})" if outcome is not Outcome.PASS else ""
    yield _Finding(
        outcome,
        f"{day.day}: {day.jumps:,} of {counted(day.priced, 'event')} have a {price} beyond a factor of"
        f" {limits.price_factor:g} of their product's usual one{typical}",
        f"{share(day.jump_share)} jumps",
    )


def _quantities(day: DayPrices, baseline: Sequence[DayPrices], limits: DriftLimits) -> Iterator[_Finding]:
    before = [b.quantity for b in baseline if b.rows >= limits.min_rows and b.quantity is not None]
    if day.rows < limits.min_rows or day.quantity is None or len(before) < limits.min_days:
        return
    usual, spread = centre_and_spread(before)
    away = distance(day.quantity, usual)
    far = away > math.log(limits.quantity_factor) and away > limits.deviations * spread
    yield _Finding(
        Outcome.FAIL if far else Outcome.PASS,
        f"{day.day}: the median quantity is {_factor(day.quantity)}, usually {_factor(usual)}",
        f"median quantity {_factor(day.quantity)}",
    )


def _factor(logarithm: float | None) -> float | None:
    return None if logarithm is None else float(f"{math.exp(logarithm):.4g}")
