"""Delays: how old the oldest thing is that is not done yet, or the last thing that was done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from castro_spark.quality.judge.grades import duration, grade, result
from castro_spark.quality.result import Outcome, Result
from castro_spark.sections.quality import LagLimits


@dataclass(frozen=True)
class Lag:
    """`seconds`: how long it has lasted; None: nothing is late. `words` state what is late, or why nothing is.

    `known`: False if there is nothing to judge. `error`: why the delay cannot be told.
    """

    seconds: float | None
    words: str
    known: bool = True
    error: str | None = None
    evidence: Mapping[str, object] = field(default_factory=dict)


def judge_lag(check: str, subject: str, lag: Lag, limits: LagLimits) -> Result:
    """Fails beyond `fail_seconds`. A delay that cannot be told is an error, unless it is known to be beyond a limit."""
    limit = f"{duration(limits.warn_seconds)} (warning), {duration(limits.fail_seconds)}"
    if not lag.known:
        return result(check, subject, limits, Outcome.NO_DATA, lag.words, limit=limit, evidence=lag.evidence)
    outcome = grade(lag.seconds or 0.0, limits.warn_seconds, limits.fail_seconds)
    words = lag.words
    if lag.error is not None:
        words = f"{lag.words}: {lag.error}"
        outcome = Outcome.ERROR if outcome is not Outcome.FAIL else outcome
    observed = None if lag.seconds is None else duration(lag.seconds)
    return result(check, subject, limits, outcome, words, observed=observed, limit=limit, evidence=lag.evidence)
