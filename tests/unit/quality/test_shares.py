"""Grades by a limit, and shares: duplicates, references, quarantine and hashes, judged on literal evidence."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from castro_spark.quality.judge.grades import centre_and_spread, grade, worst
from castro_spark.quality.judge.shares import (
    DayDuplicates,
    Quarantine,
    RedisSample,
    References,
    judge_duplicates,
    judge_quarantine,
    judge_redis,
    judge_references,
)
from castro_spark.quality.result import Outcome
from tests.unit.quality.limits import DAY, ERROR, FAIL, NO_DATA, PASS, QUALITY, WARN


@pytest.mark.parametrize(("value", "outcome"), [(0, PASS), (1, PASS), (1.1, WARN), (2, WARN), (2.1, FAIL)])
def test_a_limit_itself_is_within_the_limit(value: float, outcome: Outcome) -> None:
    assert grade(value, 1, 2) is outcome


def test_the_worst_outcome_counts_and_what_is_not_judged_hides_nothing() -> None:
    assert worst([]) is NO_DATA
    assert worst([NO_DATA, PASS]) is PASS
    assert worst([WARN, NO_DATA, FAIL, PASS]) is FAIL
    assert worst([FAIL, ERROR]) is ERROR


@given(st.lists(st.floats(-1e6, 1e6), min_size=5, max_size=15), st.floats(1e7, 1e9))
def test_one_outlier_moves_centre_and_spread_no_further_than_their_neighbours(values: list[float], outlier: float) -> None:
    centre, spread = centre_and_spread([*values, outlier])
    assert min(values) <= centre <= max(values)
    assert 0 <= spread <= 1.4826 * (max(values) - min(values)) + 1e-6


def test_duplicates_beyond_the_usual_share() -> None:
    usual = [DayDuplicates(1000, 40)] * 5

    def judged(n: int, rows: int = 1000) -> Outcome:
        return judge_duplicates("s", {DAY: DayDuplicates(rows, n, ["E9"])}, usual, QUALITY.duplicates).outcome

    assert [judged(40), judged(139), judged(150), judged(500), judged(50, 99)] == [PASS, PASS, WARN, FAIL, NO_DATA]
    assert judge_duplicates("s", {}, [], QUALITY.duplicates).outcome is NO_DATA


def test_references_quarantine_and_redis() -> None:
    def known(*seen: Any) -> Outcome:
        return judge_references("s", "m", References(*seen), QUALITY.references).outcome

    assert [known(False), known(True, 19, 19), known(True, 1000, 10), known(True, 1000, 11), known(True, 1000, 101)] == [
        NO_DATA, NO_DATA, PASS, WARN, FAIL,
    ]  # fmt: skip

    def rejected(*seen: Any) -> Outcome:
        return judge_quarantine("s", Quarantine(*seen), QUALITY.quarantine_share).outcome

    assert [rejected(0, 0), rejected(100, 1), rejected(100, 2), rejected(100, 11)] == [NO_DATA, PASS, WARN, FAIL]

    def hashes(*seen: Any) -> Outcome:
        return judge_redis("s", RedisSample(*seen), QUALITY.redis_sample).outcome

    assert [hashes(False), hashes(True, 0), hashes(True, 9, 3), hashes(True, 9, 0, ["k"])] == [NO_DATA, NO_DATA, PASS, FAIL]
