"""Grades: a value against a warning limit and a failure limit, and the robust statistics that limits are made of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from statistics import median

from castro_spark.quality.result import Outcome, Result, Severity
from castro_spark.sections.quality import CheckLimits

_RANK = (Outcome.PASS, Outcome.NO_DATA, Outcome.WARN, Outcome.FAIL, Outcome.ERROR)
# The median absolute deviation of a normal distribution, times this, is its standard deviation (Rousseeuw and Croux,
# Alternatives to the Median Absolute Deviation, 1993).
_NORMAL = 1.4826


def grade(value: float, warn: float, fail: float) -> Outcome:
    """FAIL above `fail`, else WARN above `warn`, else PASS."""
    if value > fail:
        return Outcome.FAIL
    return Outcome.WARN if value > warn else Outcome.PASS


def worst(outcomes: Iterable[Outcome]) -> Outcome:
    """The worst of some outcomes; NO_DATA if there are none. What is judged outweighs what is not."""
    judged = [o for o in outcomes if o is not Outcome.NO_DATA]
    return max(judged, key=_RANK.index, default=Outcome.NO_DATA)


def centre_and_spread(values: Sequence[float]) -> tuple[float, float]:
    """The median, and the standard deviation by the median absolute deviation. `values` must not be empty."""
    centre = median(values)
    return centre, _NORMAL * median(distance(value, centre) for value in values)


def distance(value: float, other: float) -> float:
    """How far apart two values are: 0 if they are equal, also where both are infinite, as the logarithms of 0."""
    return 0.0 if value == other else abs(value - other)


def result(
    check: str,
    subject: str,
    limits: CheckLimits,
    outcome: Outcome,
    words: str,
    *,
    observed: str | None = None,
    limit: str | None = None,
    evidence: Mapping[str, object] | None = None,
) -> Result:
    """A result with the severity that the limits set."""
    return Result(check, subject, Severity(limits.severity), outcome, words, observed, limit, evidence or {})


def share(value: float) -> str:
    """A share as text: 1.25 %."""
    return f"{100 * value:.2f} %"


def duration(seconds: float) -> str:
    """Seconds as text, in the unit that fits: 90 s, 15 min, 30 h, 6 days."""
    for unit, length, most in (("s", 1, 180), ("min", 60, 180), ("h", 3600, 72)):
        if seconds <= most * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds / 86400:.0f} days"
