"""How long a small micro-batch goes on: with a consumer and a clock of the test's own."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Event

import pytest

from castro_spark.streaming.microbatch.linger import Linger

START = {0: 10, 1: 20}


class Followed:
    """Answers each call with the next of `answers`; each wait without records takes a quarter of a second."""

    def __init__(self, *answers: dict[int, int] | None) -> None:
        self.answers = list(answers)
        self.now = 100.0
        self.rests: list[float] = []

    def more(self, starts: Mapping[int, int], seconds: float, rest_until: float) -> dict[int, int] | None:
        self.rests.append(rest_until - self.now)
        answer = self.answers.pop(0)
        if answer == starts:
            self.now += seconds
        return answer

    def clock(self) -> float:
        return self.now


def lingering(followed: Followed, stopping: Event | None = None, most: int = 200_000) -> Linger:
    linger = Linger(followed, stopping or Event(), most, followed.clock)
    linger.begin()
    return linger


def test_it_waits_until_something_comes() -> None:
    assert lingering(Followed(*[START] * 1_000, {0: 11, 1: 20})).more(START) == {0: 11, 1: 20}


def test_after_a_while_with_records_it_is_sparks_turn() -> None:
    followed = Followed({0: 11, 1: 20}, {0: 12, 1: 20}, {0: 13, 1: 20})
    linger = lingering(followed)
    assert linger.more(START) == {0: 11, 1: 20}
    followed.now += 10
    assert linger.more({0: 11, 1: 20}) == {0: 12, 1: 20}
    followed.now += 0.1
    assert linger.more({0: 12, 1: 20}) is None
    linger.begin()
    assert linger.more({0: 12, 1: 20}) == {0: 13, 1: 20}


@pytest.mark.parametrize(("came", "goes_on"), [(1_999, True), (2_000, False)])
def test_a_backlog_is_sparks(came: int, goes_on: bool) -> None:
    reached = {0: 10 + came, 1: 20}
    linger = lingering(Followed(reached, {**reached, 1: 21}))
    assert linger.more(START) == reached
    assert (linger.more(reached) is not None) == goes_on


def test_it_commits_no_more_than_spark_can_plan() -> None:
    linger = lingering(Followed({0: 60, 1: 20}, {0: 61, 1: 20}), most=100)
    assert linger.more(START) == {0: 60, 1: 20}
    assert linger.more({0: 60, 1: 20}) == {0: 61, 1: 20}
    assert linger.more({0: 61, 1: 20}) is None


def test_what_cannot_be_read_is_sparks() -> None:
    assert lingering(Followed(None)).more(START) is None


def test_it_ends_when_the_stream_is_to_stop() -> None:
    stopping = Event()
    linger = lingering(Followed(), stopping)
    stopping.set()
    assert linger.more(START) is None


def test_it_ends_once_when_told() -> None:
    linger = lingering(Followed({0: 11, 1: 20}))
    linger.give_turn()
    assert linger.more(START) is None
    linger.begin()
    assert linger.more(START) == {0: 11, 1: 20}


def test_who_stopped_does_not_go_on() -> None:
    linger = lingering(Followed())
    linger.stop()
    linger.begin()
    assert linger.more(START) is None


def test_it_rests_as_long_as_the_slice_took() -> None:
    followed = Followed({0: 11, 1: 20}, {0: 12, 1: 20}, {0: 13, 1: 20})
    linger = lingering(followed)
    linger.more(START)
    followed.now += 0.125
    linger.more({0: 11, 1: 20})
    followed.now += 7
    linger.more({0: 12, 1: 20})
    assert followed.rests == [0.0, 0.125, 0.25]


@pytest.mark.parametrize(
    ("looks", "turn"),
    [
        ([({0: 10, 1: 20}, START)], False),
        ([({0: 11, 1: 20}, START)], False),  # it may be on its way
        ([({0: 11, 1: 20}, START), ({0: 11, 1: 20}, START)], True),
        ([({0: 11, 1: 20}, START), ({0: 12, 1: 20}, {0: 11, 1: 20})], False),  # some were committed between
        ([({0: 11, 1: 21}, START), ({0: 12, 1: 21}, {0: 11, 1: 20})], True),  # but none of the other partition
        ([({0: 10, 1: 20}, START), ({0: 11, 1: 20}, START)], False),  # it has just come
        ([({0: 10, 1: 20, 2: 0}, START)], False),  # a partition was added, and is empty
        ([({0: 10, 1: 20, 2: 1}, START)], True),
    ],
)
def test_what_the_consumer_does_not_bring_is_sparks(looks: list[tuple[dict[int, int], dict[int, int]]], turn: bool) -> None:
    linger = lingering(Followed({0: 12, 1: 20}))
    for ends, positions in looks:
        linger.saw_ends(ends, positions)
    assert (linger.more({0: 11, 1: 20}) is None) == turn
    linger.begin()
    if turn:
        assert linger.more({0: 11, 1: 20}) is not None
