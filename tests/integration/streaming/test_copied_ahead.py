"""A batch that is copied while the previous one commits: once in the tables, whatever becomes of its session."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from castro_spark.sinks.postgres.commit.staging import StagedBatch, stage_on_driver
from castro_spark.sinks.postgres.commit.transaction import StreamCommits
from tests import oracle
from tests.builders import native, random_events
from tests.consumer import INVENTORY, Consumer, with_positions
from tests.system import System

_END_AHEAD = """
    SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
    WHERE application_name = 'castro_spark inventory' AND state = 'idle in transaction'
"""


class Unconfirmed(Exception):
    """The commit may not go on now."""


class Two:
    """Two batches of one stream, the second with corrections of the first; and what both make."""

    def __init__(self, consumer: Consumer) -> None:
        seed = random.randrange(10**6)
        print("seed", seed)
        events = random_events(random.Random(seed), 60)
        self.consumer, self.commits = consumer, consumer.commits
        self.sent = [((0, n), data) for n, data in enumerate(events)]
        self.first, self.second = (self.staged(part) for part in (self.sent[:30], self.sent[30:]))

    def staged(self, part: list[Any]) -> StagedBatch:
        rows = with_positions([(p, o, native(data)) for (p, o), data in part])
        return stage_on_driver([rows], self.consumer.rules, {})

    def commit_first(self) -> None:
        self.commits.commit(self.first, batch_id=0, starts={0: 0}, ends={0: 30})

    def commit_second(self, **how: Any) -> None:
        self.commits.commit(self.second, batch_id=1, starts={0: 30}, ends={0: 60}, **how)


@pytest.fixture
def two(migrated: System) -> Iterator[Two]:
    """With a stream that waits for PostgreSQL if need be."""
    consumer = Consumer(migrated)
    consumer.commits.close()
    consumer.commits = StreamCommits(consumer.settings.postgres, INVENTORY, epoch=consumer.ledger.epoch, patience=60)
    two = Two(consumer)
    yield two
    assert consumer.projector.step().is_level
    consumer.close()
    oracle.assert_agrees(migrated, two.sent)


def test_beside_the_commit_before_it(two: Two) -> None:
    session = two.commits.copy_ahead(two.second, None)
    assert session
    two.commit_first()
    two.commit_second(session=session)
    two.commit_second(session=two.commits.copy_ahead(two.second, session))  # it comes again


def test_a_session_that_ended_meanwhile(two: Two, migrated: System) -> None:
    session = two.commits.copy_ahead(two.second, None)
    two.commit_first()
    assert migrated.query(_END_AHEAD) == [(1,)]
    two.commit_second(session=session)


def test_a_commit_that_is_repeated_copies_again(two: Two) -> None:
    session = two.commits.copy_ahead(two.second, None)
    two.commit_first()

    def refuse() -> None:
        raise Unconfirmed

    with pytest.raises(Unconfirmed):
        two.commit_second(session=session, confirm=refuse)
    two.commit_second(session=session)


def test_what_cannot_be_copied_ahead_is_copied_by_its_commit(two: Two, migrated: System) -> None:
    assert two.commits.copy_ahead(two.second, None)
    two.commit_first()
    assert migrated.query(_END_AHEAD) == [(1,)]
    assert two.commits.copy_ahead(two.second, None) is None
    two.commit_second()
