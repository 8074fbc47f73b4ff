"""How far the records are: freshness, lags and counts, judged on literal evidence."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from castro_spark.quality.judge.counts import Committed, Counted, Partition, judge_counts
from castro_spark.quality.judge.freshness import Freshness, Rung, ages, judge_freshness
from castro_spark.quality.judge.grades import grade
from castro_spark.quality.judge.lags import Lag, judge_lag
from castro_spark.quality.result import Outcome, Result
from tests.unit.quality.limits import ERROR, FAIL, NO_DATA, NOW, PASS, QUALITY, WARN

# Freshness


def fresh(position: int, end: int, rungs: dict[float, int | None], newest: tuple[int, datetime] | None = None) -> Result:
    seen = Freshness(
        True, NOW, {0: position}, {0: end},
        [Rung(seconds, {} if offset is None else {0: offset}) for seconds, offset in sorted(rungs.items())],
        {0: newest or (end - 1, NOW)}, {0: 7200.0},
    )  # fmt: skip
    return judge_freshness("s", seen, QUALITY.freshness)


def test_a_topic_is_stale_by_the_oldest_record_that_waits() -> None:
    assert fresh(10, 10, {}).outcome is PASS
    assert fresh(5, 10, {300: 5, 600: 3}).outcome is PASS  # the record at 5 is younger than 300 s
    assert fresh(5, 10, {300: 6, 600: 5}).outcome is WARN
    assert fresh(5, 10, {300: 9, 600: 6, 1200: 5}).observed == "10 min"
    assert fresh(5, 10, {300: None, 600: None}).outcome is FAIL  # no record is that young: all wait for longer
    assert fresh(10, 10, {300: None, 600: None}).outcome is PASS


def test_records_without_usable_times_are_judged_by_the_age_of_the_position() -> None:
    future, passed_by = (9, NOW + timedelta(days=9)), (2, NOW)
    assert fresh(5, 10, {300: 5}, future).observed == "120 min"
    assert fresh(5, 10, {300: 5}, passed_by).outcome is FAIL
    assert fresh(10, 10, {}, future).outcome is PASS


def test_records_of_an_open_transaction_wait_too() -> None:
    seen = Freshness(True, NOW, {0: 5}, {0: 9}, [Rung(300, {}), Rung(600, {})], {0: (8, NOW)}, held_back=4)
    found = judge_freshness("s", seen, QUALITY.freshness)
    assert found.outcome is FAIL
    assert found.words.endswith("4 are held back by an open transaction of a producer")


def test_a_stream_that_never_started_has_nothing_to_judge() -> None:
    assert judge_freshness("s", Freshness(False, NOW), QUALITY.freshness).outcome is NO_DATA


@given(
    st.lists(st.integers(0, 5000), min_size=1, max_size=40), st.integers(0, 40),
    st.sampled_from([(60.0, 600.0), (300.0, 600.0), (1.0, 10.0)]),
)  # fmt: skip
def test_freshness_is_the_age_of_the_first_waiting_record(gaps: list[int], consumed: int, limit: tuple[float, float]) -> None:
    """For records in the order of their times: exactly the outcome that the first waiting record's age has."""
    ages_of, age = [], 0
    for gap in gaps:
        ages_of.append(age)
        age += gap
    times = [NOW - timedelta(seconds=a) for a in reversed(ages_of)]
    position = min(consumed, len(times))
    limits = QUALITY.freshness.model_copy(update={"warn_seconds": limit[0], "fail_seconds": limit[1]})

    def first(at: datetime) -> dict[int, int]:
        young = [n for n, time in enumerate(times) if time >= at]
        return {0: young[0]} if young else {}

    rungs = [Rung(s, first(NOW - timedelta(seconds=s))) for s in ages(limits)]
    last = len(times) - 1
    seen = Freshness(True, NOW, {0: position}, {0: len(times)}, rungs, {0: (last, times[-1])}, {0: 0.0})
    waited = (NOW - times[position]).total_seconds() if position <= last else 0.0
    assert judge_freshness("s", seen, limits).outcome is grade(waited, *limit)


# Lags


def test_a_lag_that_cannot_be_told_is_an_error_unless_it_is_known_to_be_too_long() -> None:
    limits = QUALITY.projection_lag
    assert judge_lag("c", "s", Lag(None, "nothing"), limits).outcome is PASS
    assert judge_lag("c", "s", Lag(None, "nothing", known=False), limits).outcome is NO_DATA
    assert judge_lag("c", "s", Lag(31, "late"), limits).outcome is WARN
    assert judge_lag("c", "s", Lag(None, "?", error="down"), limits).outcome is ERROR
    assert judge_lag("c", "s", Lag(31, "late", error="down"), limits).outcome is ERROR
    assert judge_lag("c", "s", Lag(301, "late", error="down"), limits).outcome is FAIL


# Counts


EVEN = Partition(next_offset=10, books_end=10, books=2, jumps=0, offsets=10, records=8, gaps=2)


def counted(**changes: Any) -> Result:
    base: dict[str, Any] = {
        "started": True, "ledger_topic_id": "id", "topic_id": "id", "beginnings": {0: 0}, "ends": {0: 12},
        "partitions": {0: EVEN}, "committed": Committed(2, 5, 1, 5),
    }  # fmt: skip
    return judge_counts("s", Counted(**{**base, **changes}), QUALITY.record_counts)


@pytest.mark.parametrize(
    ("changes", "outcome"),
    [
        ({}, PASS),
        ({"committed": Committed(2, 5, 1, 4)}, PASS),  # one was deleted since
        ({"committed": Committed(2, 5, 1, 3)}, FAIL),
        ({"committed": Committed(2, 5, 1, 6)}, FAIL),
        ({"ends": {0: 9}}, FAIL),
        ({"ends": {}}, FAIL),
        ({"beginnings": {0: 11}}, FAIL),
        ({"topic_id": "new"}, FAIL),
        ({"kafka_error": "down", "topic_id": None, "ends": {}}, ERROR),
        ({"kafka_error": "down", "committed": Committed(2, 5, 0, 4)}, FAIL),
        ({"partitions": {0: Partition(10, 9, 2, 0, 10, 8, 2)}}, FAIL),
        ({"partitions": {0: Partition(10, None, 0, 0, 0, 0, 0)}}, PASS),  # the books are pruned
        ({"partitions": {0: Partition(10, 10, 2, 1, 10, 8, 2)}}, FAIL),
        ({"partitions": {0: Partition(10, 10, 2, 0, 10, 8, 1)}}, FAIL),
        ({"started": False}, NO_DATA),
    ],
)
def test_counts(changes: dict[str, Any], outcome: Outcome) -> None:
    assert counted(**changes).outcome is outcome
