"""Volume: the events of a day against those of the same weekdays before.

The baseline is the median of the last days of the same weekday, without the judged day, holidays, and days whose own
volume failed. A day is unusual if it is beyond the spread of these days and beyond a factor of their median.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Set
from dataclasses import dataclass, field
from datetime import date, timedelta

from castro_spark.counted import counted
from castro_spark.quality.judge.grades import centre_and_spread, grade, result
from castro_spark.quality.result import Outcome, Result
from castro_spark.sections.quality import VolumeLimits

_WEEK = timedelta(weeks=1)


@dataclass(frozen=True)
class Volumes:
    """Events by day; a day since `first` without an entry has none. `excluded`: days that are no baseline."""

    day: date
    events: Mapping[date, int]
    first: date | None
    holidays: Set[date] = field(default_factory=frozenset)
    excluded: Set[date] = field(default_factory=frozenset)


def candidates(day: date, limits: VolumeLimits) -> list[date]:
    """The same weekdays before a day, newest first."""
    return [day - n * _WEEK for n in range(1, limits.look_back_weeks + 1)]


def judge_volume(stream: str, seen: Volumes, limits: VolumeLimits) -> Result:
    """Judges one whole day. A holiday may have fewer events than usual, but not more."""
    days = _baseline(seen, limits)
    events = seen.events.get(seen.day, 0)
    observed = counted(events, "event")
    evidence: dict[str, object] = {
        "day": str(seen.day), "events": events, "baseline": {str(d): seen.events.get(d, 0) for d in days},
    }  # fmt: skip
    if len(days) < limits.min_days:
        there = counted(len(days), "day")
        words = f"{seen.day}: only {there} of this weekday to compare with, {limits.min_days} are needed"
        return result("volume", stream, limits, Outcome.NO_DATA, words, observed=observed, evidence=evidence)
    baseline = [seen.events.get(day, 0) for day in days]
    centre, _ = centre_and_spread(baseline)
    if centre < limits.min_rows:
        words = f"{seen.day}: the usual {centre:,.0f} events are too few to judge"
        return result("volume", stream, limits, Outcome.NO_DATA, words, observed=observed, evidence=evidence)
    # On a logarithmic scale a half and a double are equally far.
    usual, spread = centre_and_spread([math.log(n + 1) for n in baseline])
    away = math.log(events + 1) - usual
    factor = math.exp(abs(away))
    outcome = grade(factor, limits.warn_factor, limits.fail_factor)
    if abs(away) <= limits.deviations * spread or (away < 0 and seen.day in seen.holidays):
        outcome = Outcome.PASS
    usually = f"usual for this weekday are {centre:,.0f} (median of {counted(len(days), 'day')})"
    words = f"{seen.day}: {observed}; {usually}"
    if seen.day in seen.holidays:
        words += "; a holiday"
    return result(
        "volume", stream, limits, outcome, words, observed=observed,
        limit=f"a factor of {limits.warn_factor:g} (warning), {limits.fail_factor:g}, from {centre:,.0f}",
        evidence={**evidence, "median": centre, "deviations": round(away / spread, 1) if spread else None},
    )  # fmt: skip


def _baseline(seen: Volumes, limits: VolumeLimits) -> list[date]:
    possible = [
        day for day in candidates(seen.day, limits)
        if seen.first is not None and day >= seen.first and day not in seen.holidays
    ]  # fmt: skip
    # A level that lasts is the usual one from then on.
    lasting = all(day in seen.excluded for day in possible[: limits.min_days])
    return [day for day in possible if lasting or day not in seen.excluded][: limits.weeks]
