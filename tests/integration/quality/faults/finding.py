"""What a check found, compared with what it had to find."""

from __future__ import annotations

from castro_spark.quality.result import Outcome, Result

PASS, WARN, FAIL, ERROR, NO_DATA = (Outcome(o) for o in ("pass", "warn", "fail", "error", "no_data"))
NO_HOLIDAYS = {"holiday_country": None}  # the days of a test are of any date


def found(result: Result, outcome: Outcome, words: str) -> None:
    assert result.outcome is outcome, result
    assert words in result.words, result.words
