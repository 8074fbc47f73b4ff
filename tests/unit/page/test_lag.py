"""Whether a stream keeps up, catches up, or falls behind."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castro_spark.page.reading.lag import Pace, Partition, changes, lag

NOON = datetime(2026, 11, 29, 12, tzinfo=timezone.utc)


def partition(number: int, records: int | None, seconds: float | None, change: float | None = None) -> Partition:
    end = None if records is None else 100 + records
    return Partition(number, 100, end, records, seconds, change)


@pytest.mark.parametrize(
    ("partitions", "pace", "within"),
    [
        ([], Pace.UNKNOWN, None),
        ([partition(0, None, None)], Pace.UNKNOWN, None),
        ([partition(0, 0, 0.0), partition(1, 900, 9.9)], Pace.KEEPS_UP, None),  # in the batch that is next
        ([partition(0, 900, 60.0)], Pace.UNKNOWN, None),  # too few samples
        ([partition(0, 900, 60.0, -30.0), partition(1, 100, 20.0, -1.0)], Pace.CATCHES_UP, 100.0),  # the slowest
        ([partition(0, 900, 60.0, -30.0), partition(1, 1, 20.0, 0.0)], Pace.FALLS_BEHIND, None),
        ([partition(0, 900, 60.0, -30.0), partition(1, 0, 0.0, 0.0)], Pace.CATCHES_UP, 30.0),
        ([partition(0, 900, 60.0, 5.0)], Pace.FALLS_BEHIND, None),
    ],
)
def test_the_pace(partitions: list[Partition], pace: Pace, within: float | None) -> None:
    found = lag(partitions)
    assert (found.pace, found.catches_up_in) == (pace, within)


def test_the_sums() -> None:
    found = lag([partition(0, 900, 60.0, -30.0), partition(1, 100, 20.0, 1.0), partition(2, None, None)])
    assert (found.records, found.seconds, found.change) == (1000, 60.0, -29.0)


@settings(deadline=None, max_examples=50)
@given(st.integers(0, 10**9), st.integers(-(10**4), 10**4), st.integers(4, 40))
def test_the_change_of_a_straight_line(start: int, slope: int, count: int) -> None:
    samples = [(NOON + timedelta(seconds=15 * n), {"0": start + slope * 15 * n, "1": 7}) for n in range(count)]
    found = changes(samples)
    assert found["0"] == pytest.approx(slope, abs=1e-3)
    assert found["1"] == 0


def test_a_partition_that_is_new_has_no_change_yet() -> None:
    samples = [(NOON + timedelta(seconds=15 * n), {"0": 1}) for n in range(5)]
    assert changes([*samples, (NOON + timedelta(seconds=90), {"0": 1, "1": 5})]) == {"0": 0.0}
    assert changes(samples[:3]) == {}
    assert changes([]) == {}
