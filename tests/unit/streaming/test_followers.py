"""When a projector rests, and what ends its rest."""

from __future__ import annotations

from collections.abc import Iterator
from queue import Empty, Queue

import pytest

from castro_spark.projection import followers
from castro_spark.projection.followers import Follower
from castro_spark.projection.projector import Step
from castro_spark.settings import load_settings

_SOON, _LATE = 60.0, 600.0  # seconds: longer than anything takes; longer than the test


class Projected:
    """A projector of which each step writes as many keys as the test says."""

    stream = "inventory"

    def __init__(self, written: int) -> None:
        self.steps: Queue[int] = Queue()
        self.written = written

    def step(self) -> Step:
        self.steps.put(self.written)
        return Step((1, 1), (1, 1), projects=True, written=self.written)

    def fail(self, error_text: str) -> None:
        raise AssertionError(error_text)

    def close(self) -> None: ...


@pytest.fixture
def backlog(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Follower, Projected]]:
    """A follower that has made a large step, while more commits of a backlog follow."""
    monkeypatch.setattr(followers, "_LONGEST_BACKLOG_REST", _LATE)
    projector = Projected(followers._MANY + 1)
    follower = Follower(load_settings(environ={}), projector)
    follower.wake(more_follow=True)
    follower.start()
    assert projector.steps.get(timeout=_SOON)
    yield follower, projector
    assert follower.end() == ""


def test_commits_within_a_backlog_are_published_together(backlog: tuple[Follower, Projected]) -> None:
    follower, projector = backlog
    follower.wake(more_follow=True)
    with pytest.raises(Empty):
        projector.steps.get(timeout=1.5)  # by polling it would have made one
    follower.wake(more_follow=False)
    assert projector.steps.get(timeout=_SOON)


def test_the_end_of_the_process_ends_the_rest(backlog: tuple[Follower, Projected]) -> None:
    follower, projector = backlog
    follower.end()
    assert projector.steps.get(timeout=_SOON)


def test_few_keys_need_no_rest(backlog: tuple[Follower, Projected]) -> None:
    follower, projector = backlog
    projector.written = 1
    follower.wake(more_follow=False)
    assert projector.steps.get(timeout=_SOON) == 1
    follower.wake(more_follow=True)
    assert projector.steps.get(timeout=_SOON) == 1
