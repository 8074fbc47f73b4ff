"""The sizing of slices: never nothing, never above a limit, growing with the rate; any partitions."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from castro_spark.sinks.postgres.commit.staging import Counts, StagedBatch
from castro_spark.sources.kafka.records import poll_records
from castro_spark.streaming.microbatch.slices import Limits, Measured, Pace, cut, fitting, fixed_seconds

LIMITS = st.builds(
    Limits,
    seconds=st.floats(0.1, 5),
    offsets=st.integers(1, 10**6),
    bytes=st.integers(1, 10**9),
)
SLICES = st.lists(
    st.builds(
        Measured, offsets=st.integers(1, 10**6), bytes=st.integers(0, 10**10), seconds=st.floats(0, 100)
    ),
    max_size=8,
)
STARTS = st.dictionaries(st.integers(0, 200), st.integers(0, 10**12), min_size=1, max_size=40)


@given(LIMITS, SLICES, st.integers(1, 10**6))
def test_a_slice_is_never_nothing_and_never_above_a_limit(limits: Limits, slices: list[Measured], left: int) -> None:
    pace = Pace()
    for done in slices:
        pace = pace.after(done, limits.seconds)
    offsets = pace.next_offsets(left, limits)
    assert 1 <= offsets <= min(left, limits.offsets, 1.5 * pace.offsets + 1)
    if pace.offset_bytes and offsets > 1:
        assert offsets * pace.offset_bytes <= limits.bytes


@pytest.mark.parametrize("rate", [0.5, 40, 1_000, 25_000])
def test_slices_come_to_what_the_rate_allows(rate: float) -> None:
    """A machine that takes `rate` offsets a second, and 0.2 s more for each slice."""
    limits = Limits(seconds=2, offsets=50_000, bytes=32 << 20)
    pace, sizes = Pace(), []
    for _ in range(12):
        sizes.append(pace.next_offsets(10**7, limits))
        pace = pace.after(Measured(sizes[-1], sizes[-1] * 300, 0.2 + sizes[-1] / rate), limits.seconds)
    assert sizes[-1] == pytest.approx(min(limits.offsets, max(1, (2 - 0.2) * rate)), rel=0.3)
    slow = 0.2 + sizes[-1] / (rate / 10)  # something else takes the machine: the next one is smaller at once
    after = pace.after(Measured(sizes[-1], sizes[-1] * 300, slow), limits.seconds).next_offsets(10**7, limits)
    assert after <= max(1, 2.2 * rate / 10)


def test_a_cold_jvm_does_not_keep_slices_small() -> None:
    """Each slice costs 0.9 s more than its records: nearly all of a small one's time."""
    limits = Limits(seconds=2, offsets=50_000, bytes=32 << 20)
    pace, sizes = Pace(), []
    for _ in range(6):
        sizes.append(pace.next_offsets(10**7, limits))
        pace = pace.after(Measured(sizes[-1], sizes[-1] * 300, 0.9 + sizes[-1] / 50_000), limits.seconds)
    assert sizes[-1] > 10_000


@given(st.integers(1, 10**6), st.floats(0.001, 2))
def test_a_slice_predicts_no_more_than_one_and_a_half_times_the_target_or_its_own_rate(
    offsets: int, seconds: float
) -> None:
    """The bound if all the time grows with the size: commits stay below 5 seconds apart."""
    grown = Pace().after(Measured(offsets, offsets * 300, seconds), 2).offsets
    assert grown <= max(256, 1.5 * 2 * offsets / seconds + 1)


def test_smaller_slices_are_no_help_where_most_of_the_time_is_the_same_for_any_size() -> None:
    """A busy machine: 2.5 to 4 s a slice, whatever its size. A tenth of a second more for a thousand records."""
    limits = Limits(seconds=2, offsets=50_000, bytes=32 << 20)
    busy = [3.2, 2.5, 4.0, 3.1, 2.6, 2.9, 3.9, 2.5, 3.3, 2.6, 2.8, 3.0, 2.5, 3.6, 2.7, 2.9, 3.1, 2.6, 2.9, 2.8]
    pace, sizes = Pace(), []
    for fixed in busy:
        sizes.append(pace.next_offsets(10**7, limits))
        pace = pace.after(Measured(sizes[-1], sizes[-1] * 300, fixed + sizes[-1] / 10_000), limits.seconds)
    assert min(sizes) > 50
    assert sizes[-1] > 2_000
    quiet = pace.after(Measured(sizes[-1], sizes[-1] * 300, 0.3), limits.seconds)
    assert quiet.next_offsets(10**7, limits) > sizes[-1] * 3


@given(st.lists(st.tuples(st.integers(1, 10**5), st.floats(0.01, 20)), min_size=1, max_size=8), st.floats(2, 20))
def test_a_long_slice_is_followed_by_none_that_is_twice_as_large(slices: list[tuple[int, float]], last: float) -> None:
    pace = Pace()
    for offsets, seconds in slices:
        pace = pace.after(Measured(offsets, offsets * 300, seconds), 2)
    before = pace.offsets
    after = pace.after(Measured(before, before * 300, last), 2).offsets
    assert 1 <= after <= (2 * before if last <= 3 else before)


@given(st.floats(0, 3), st.floats(1e-6, 1e-2), st.lists(st.integers(1, 10**5), min_size=2, max_size=8))
def test_the_fixed_part_is_found(fixed: float, each: float, sizes: list[int]) -> None:
    found = fixed_seconds([Measured(n, 0, fixed + each * n) for n in sizes])
    assert found == pytest.approx(fixed, abs=1e-6 + 1e-6 * each * max(sizes)) or (found == 0 and max(sizes) < 3 * min(sizes))


def test_few_records_because_no_more_came_do_not_make_the_next_slices_smaller() -> None:
    limits = Limits(seconds=2, offsets=50_000, bytes=32 << 20)
    pace = Pace(40_000, 300.0).after(Measured(5, 1_500, 0.2), limits.seconds)
    assert pace.next_offsets(10**7, limits) == 40_000


def test_what_is_left_goes_into_slices_of_one_size() -> None:
    limits = Limits(seconds=2, offsets=50_000, bytes=32 << 20)
    assert [Pace(40_000).next_offsets(left, limits) for left in (50_000, 70_000, 30_000)] == [50_000, 35_000, 30_000]


def test_large_records_count_at_once_and_small_ones_by_and_by() -> None:
    limits = Limits(seconds=2, offsets=50_000, bytes=32 << 20)
    pace = Pace(40_000, 300.0).after(Measured(100, 100 << 20, 1), limits.seconds)
    assert pace.next_offsets(10**7, limits) == 32
    pace = pace.after(Measured(32, 32 * 300, 1), limits.seconds)
    assert 32 < pace.next_offsets(10**7, limits) <= 64


def test_records_are_proven_small_by_many_and_no_longer_by_one_slice_with_large_ones() -> None:
    pace = Pace()
    for _ in range(3):
        assert not pace.proven_small
        pace = pace.after(Measured(8_000, 8_000 * 300, 1), 2)
    assert pace.proven_small
    pace = pace.after(Measured(100, 100 << 20, 1), 2)
    assert not pace.proven_small
    for _ in range(8):
        assert not pace.proven_small
        pace = pace.after(Measured(8_000, 8_000 * 300, 1), 2)
    assert pace.proven_small


@given(STARTS, st.data(), st.integers(1, 10**6))
def test_a_cut_has_as_many_as_it_may(starts: dict[int, int], data: st.DataObject, most: int) -> None:
    ends = {p: start + data.draw(st.integers(0, 10**5)) for p, start in starts.items()}
    found = cut(starts, ends, most)
    assert sum(end - starts[p] for p, end in found.items()) == min(most, sum(ends[p] - starts[p] for p in ends))
    assert all(starts[p] < end <= ends[p] for p, end in found.items())


def test_slices_of_one_micro_batch_reach_all_of_it() -> None:
    seed = random.randrange(10**6)
    print("seed", seed)
    generator = random.Random(seed)
    starts = {p: generator.randrange(100) for p in range(generator.randrange(1, 70))}
    ends = {p: start + generator.choice([0, 1, generator.randrange(500)]) for p, start in starts.items()}
    positions, slices = dict(starts), 0
    while found := cut(positions, ends, 1 + generator.randrange(90)):
        positions |= found
        slices += 1
        assert slices < 100_000
    assert positions == ends


@given(st.data(), st.integers(1, 5_000))
def test_what_fits_is_a_beginning_of_each_partition(data: st.DataObject, most: int) -> None:
    sizes = st.lists(st.integers(0, 2_000), max_size=12)
    partitions = data.draw(st.dictionaries(st.integers(0, 5), sizes, min_size=1))
    # Every other offset has a record; the partition ends some offsets later.
    records = [(p, 2 * n, size) for p, all_sizes in partitions.items() for n, size in enumerate(all_sizes)]
    ends = {p: 2 * len(all_sizes) + 3 for p, all_sizes in partitions.items()}
    found = fitting(records, ends, most)
    taken = [size for p, offset, size in records if offset < found.get(p, 0)]
    assert taken or not records
    assert sum(taken) <= most or len(taken) == 1
    for p, end in found.items():
        assert end == ends[p] or end < 2 * len(partitions[p])
    if sum(max(size, 1) for _, _, size in records) <= most:
        assert found == ends


def test_few_records_a_poll_where_they_are_large_or_unknown_or_there_is_little_room() -> None:
    plenty, little = 1 << 30, 100 << 20
    assert poll_records(300, plenty) > poll_records(300, little) > poll_records(None, plenty) == 20
    assert poll_records(200_000, plenty) * 200_000 <= 16 << 20
    assert poll_records(300, little) * 2 << 20 <= little


def test_after_an_early_stop_nothing_counts_as_read_that_may_not_have_been() -> None:
    ends = {0: 100, 1: 100, 2: 100}
    stopped = StagedBatch(counts={0: Counts(events=40), 1: Counts(events=90)}, stopped_at={0: 41})
    assert stopped.reached(ends) == {0: 41, 1: 100}
    assert StagedBatch(counts={0: Counts(events=90)}).reached(ends) == ends


def test_a_slice_is_waited_for_while_only_the_estimate_keeps_it_small() -> None:
    limits = Limits(seconds=2, offsets=200_000, bytes=32 << 20)
    assert Pace().is_learning(10**6, limits)  # nothing is known
    assert not Pace().is_learning(256, limits)  # all that is left
    quick = Pace().after(Measured(256, 256 * 300, 0.3), 2)
    assert quick.is_learning(10**6, limits)
    assert not quick.after(Measured(30_000, 30_000 * 300, 1.5), 2).is_learning(10**6, limits)  # near the target
    large = Pace().after(Measured(30_000, 30_000 * 1_100, 0.6), 2)
    assert not large.is_learning(10**6, limits)  # bytes limit it
