"""Histograms of durations, and the times of a batch's records from which latencies are counted."""

from __future__ import annotations

import time
from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castro_spark.process.component import Component
from castro_spark.process.histogram import BOUNDS, BUCKETS, Histogram, merged
from castro_spark.projection.publications import Publications
from castro_spark.sinks.postgres.commit.produce_times import ProduceTimes
from castro_spark.sinks.postgres.operations.latency import Latencies

NOW = 1_700_000_000
SECONDS = st.floats(min_value=0, max_value=100_000)


def counts(**by_bucket: int) -> list[int]:
    """Counts by the bucket's number, as b3=2."""
    return [by_bucket.get(f"b{n}", 0) for n in range(BUCKETS)]


def test_a_duration_belongs_to_the_first_bound_that_is_not_below_it() -> None:
    histogram = Histogram()
    for seconds in (0.0, 0.01, 0.0100001, 5.0, 14_400.0, 14_401.0):
        histogram.observe(seconds)
    assert histogram.counts == counts(b0=2, b1=1, b14=1, b23=1, b24=1)
    assert histogram.cumulative()[0] == ("0.01", 2)
    assert histogram.cumulative()[-1] == ("+Inf", 6)
    assert histogram.seconds == pytest.approx(28_806.0200001)


def test_a_percentile_is_interpolated_within_its_bucket() -> None:
    histogram = Histogram()
    histogram.observe(0.25, times=50)  # 0.2 to 0.3
    histogram.observe(4.0, times=50)  # 3 to 5
    assert [histogram.percentile(share) for share in (0.25, 0.5, 0.75, 1.0)] == [pytest.approx(v) for v in (0.25, 0.3, 4.0, 5.0)]
    assert Histogram().percentile(0.5) is None
    beyond = Histogram()
    beyond.observe(100_000.0)
    assert beyond.percentile(0.5) == BOUNDS[-1]


@settings(deadline=None)
@given(st.lists(SECONDS, min_size=1), st.lists(SECONDS))
def test_merging_counts_the_same_as_observing_all(some: list[float], others: list[float]) -> None:
    def of(values: list[float]) -> Histogram:
        histogram = Histogram()
        for seconds in values:
            histogram.observe(seconds)
        return histogram

    assert merged([of(some), of(others)]).counts == of(some + others).counts
    shares = [of(some).percentile(share / 10) for share in range(11)]
    assert all(a <= b for a, b in pairwise(shares))  # type: ignore[operator]


def parsed(*rows: tuple[int, int | None, str]) -> pa.RecordBatch:
    """Rows of (partition, Unix milliseconds, outcome)."""
    times = [None if at is None else at * 1000 for _, at, _ in rows]
    return pa.RecordBatch.from_pydict({
        "partition": pa.array([p for p, _, _ in rows], pa.int32()),
        "record_timestamp": pa.array(times, pa.timestamp("us", tz="UTC")),
        "outcome": pa.array([outcome for _, _, outcome in rows], pa.string()),
    })  # fmt: skip


def test_times_are_of_events_and_deletes_and_the_newest_of_all_records() -> None:
    now = int(time.time()) * 1000
    produced = ProduceTimes.of([
        parsed((0, now - 90_000, "event"), (0, now - 90_000, "delete"), (1, now - 30_000, "event"), (1, None, "event")),
        parsed((0, now - 2_000, "skip"), (1, now - 1_000, "reject"), (2, None, "reject")),
    ])  # fmt: skip
    assert produced == ProduceTimes([(now - 30_000, 1), (now - 90_000, 2)], 1, {0: now - 2_000, 1: now - 1_000})
    assert ProduceTimes.of_json(produced.as_json()) == produced
    assert ProduceTimes.of([parsed()]) == ProduceTimes()


@settings(deadline=None)
@given(st.lists(st.integers(min_value=-3_600_000, max_value=10**12), min_size=1, max_size=200))
def test_cells_keep_every_record_about_where_it_was(ages: list[int]) -> None:
    began = int(time.time() * 1000)
    produced = ProduceTimes.of([parsed(*((0, began - age, "event") for age in ages))])
    slack = time.time() * 1000 - began
    assert sum(records for _, records in produced.cells) == len(ages)
    assert len(produced.cells) <= 4 * 42
    found = sorted(began - at for at, records in produced.cells for _ in range(records))
    for age, near in zip(sorted(ages), found, strict=True):
        if age >= 0:
            assert abs(near - age) <= 0.2 * age + slack + 1


def test_late_records_are_counted_apart_and_those_ahead_as_none() -> None:
    cells = [((NOW - 86_401) * 1000, 3), ((NOW - 86_399) * 1000, 1), ((NOW + 5) * 1000, 2), (NOW * 1000 - 250, 4)]
    latencies = Latencies.at(NOW, cells, untimed=7)
    assert latencies.histogram.counts == counts(b24=1, b0=2, b6=4)
    assert latencies.histogram.seconds == pytest.approx(86_399 + 1)
    assert (latencies.ahead, latencies.late, latencies.untimed) == (2, 3, 7)


def test_a_part_hands_its_stages_times_over_once() -> None:
    part = Component("stream", "inventory")
    part.progressed(stages={"staged": 0.25, "committed": 4.0})
    part.progressed(stages={"staged": 0.25})
    times = part.take_times()
    assert {name: histogram.counts for name, histogram in times.items()} == {"staged": counts(b6=2), "committed": counts(b14=1)}
    assert part.take_times() == {}
    part.progressed(stages={"staged": 0.25})
    part.return_times(times)
    assert part.take_times()["staged"].counts == counts(b6=3)


def test_publications_are_kept_once_and_in_order() -> None:
    publications = Publications()
    for revision in (4, 4, 7, 7):
        publications.note(revision)
    assert [revision for revision, _ in publications.take()] == [4, 7]
    publications.note(7)
    assert publications.take() == []
    publications.note(9)
    publications.note(8)  # the database of before
    assert [revision for revision, _ in publications.take()] == [8]
