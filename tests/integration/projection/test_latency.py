"""Latencies as the commit and the projector store them, on a real PostgreSQL and Redis."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone

import pyarrow as pa
import pytest

from castro_spark.local import Stack
from castro_spark.observe.heartbeat import Heartbeat
from castro_spark.process.component import Component
from castro_spark.sinks.postgres.commit.staging import stage_on_driver
from castro_spark.sinks.postgres.operations.latency import (
    POSTGRES,
    REDIS,
    Latencies,
    count_committed,
    count_published,
    latency_series,
    latency_totals,
    outcome_totals,
)
from castro_spark.sinks.postgres.operations.pruning import prune_step
from castro_spark.sinks.postgres.operations.stage_times import stage_series, stage_totals
from tests.builders import event, native
from tests.consumer import INVENTORY, Consumer, with_positions
from tests.system import System, migrated_system

NO_JSON = b"{"


@pytest.fixture(scope="module")
def tables(servers: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Tables, and neither Kafka nor Spark."""
    with migrated_system(servers, tmp_path_factory.mktemp("latency")) as system:
        yield system


@pytest.fixture
def consumer(tables: System, monkeypatch: pytest.MonkeyPatch) -> Iterator[Consumer]:
    monkeypatch.setattr("castro_spark.projection.projector._NOTE_SECONDS", -1.0)  # each step counts
    tables.query("TRUNCATE castro.stage_time, castro.instance")
    consumer = Consumer(tables)
    yield consumer
    consumer.close()


def commit(consumer: Consumer, ages: list[float], *, values: list[bytes] | None = None, repeat: int = 1) -> None:
    """Commits records of these ages, all of partition 0, `repeat` times."""
    first = consumer.positions[0]
    sent = values or [native(event(id_evento=f"e{first + n}")) for n in range(len(ages))]
    rows = with_positions([(0, first + n, value) for n, value in enumerate(sent)])
    times = [int((time.time() - age) * 1_000_000) for age in ages]
    rows = rows.set_column(2, "timestamp", pa.array(times, pa.timestamp("us", tz="UTC")))
    ends = {**consumer.positions, 0: first + len(ages)}
    for _ in range(repeat):
        consumer.commit(first, stage_on_driver([rows], consumer.rules, consumer.positions), ends)
    consumer.positions = ends


def totals(consumer: Consumer) -> dict[str, Latencies]:
    return {sink: found for (_, sink), found in latency_totals(consumer.connection).items()}


def at_most(latencies: Latencies, seconds: float) -> int:
    return next(count for bound, count in latencies.histogram.cumulative() if bound == str(seconds))


def test_a_commit_is_counted_once_when_redis_has_it(consumer: Consumer) -> None:
    commit(consumer, [0.0, 100.0, 200.0], repeat=2)
    commit(consumer, [100.0])
    for _ in range(2):
        assert consumer.projector.step().is_level
        found = totals(consumer)
        assert [found[sink].histogram.count for sink in (POSTGRES, REDIS)] == [4, 4]
    assert [at_most(found[POSTGRES], bound) for bound in (60.0, 120.0, 300.0)] == [1, 3, 4]
    assert found[POSTGRES].histogram.seconds == pytest.approx(400, abs=60)
    assert found[REDIS].histogram.seconds >= found[POSTGRES].histogram.seconds
    assert consumer.system.query("SELECT count(*) FROM castro.uncounted") == [(0,)]
    for sink in (POSTGRES, REDIS):
        since = datetime.now(timezone.utc) - timedelta(minutes=10)
        series = latency_series(consumer.connection, "inventory", sink, since)
        assert sum(of_interval.histogram.count for _, of_interval in series) == 4
        assert all(starts_at.minute % 5 == 0 and starts_at.second == 0 for starts_at, _ in series)


def test_many_commits_are_counted_in_steps(consumer: Consumer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("castro_spark.sinks.postgres.operations.latency._COMMITS_AT_ONCE", 2)
    for _ in range(5):
        commit(consumer, [1.0])
    assert count_committed(consumer.connection, "inventory") == 5
    commit(consumer, [1.0])
    assert count_committed(consumer.connection, "inventory", after=5) == 6
    assert count_committed(consumer.connection, "inventory", after=6) == 6
    consumer.projector.step()
    assert {sink: found.histogram.count for sink, found in totals(consumer).items()} == {POSTGRES: 6, REDIS: 6}
    assert outcome_totals(consumer.connection)["inventory", "inserted"] == 6


def test_the_latency_to_postgres_does_not_wait_for_redis(consumer: Consumer) -> None:
    commit(consumer, [1.0, 1.0])
    for _ in range(2):
        count_committed(consumer.connection, "inventory")
        assert {sink: found.histogram.count for sink, found in totals(consumer).items()} == {POSTGRES: 2}
    commit(consumer, [1.0])
    consumer.projector.step()
    assert {sink: found.histogram.count for sink, found in totals(consumer).items()} == {POSTGRES: 3, REDIS: 3}


def test_each_commit_has_the_time_of_its_own_publication(consumer: Consumer) -> None:
    for _ in range(3):
        commit(consumer, [0.0])
    now = time.time()
    count_published(consumer.connection, "inventory", [(1, now + 50), (3, now + 200)])
    found = totals(consumer)[REDIS]
    assert [at_most(found, bound) for bound in (30.0, 60.0, 120.0, 300.0)] == [0, 1, 1, 3]


def test_what_is_published_by_a_later_process_counts_too(consumer: Consumer) -> None:
    commit(consumer, [1.0])
    consumer.projector.step()
    commit(consumer, [1.0, 1.0])
    consumer.close()
    with closing(Consumer(consumer.system, resume=True)) as later:
        assert later.projector.step().is_level
        assert totals(later)[REDIS].histogram.count == 3


def test_late_ahead_and_untimed_records_are_counted_apart_and_rejects_not_at_all(consumer: Consumer) -> None:
    good = [native(event(id_evento=f"x{n}")) for n in range(4)]
    commit(consumer, [200_000.0, -60.0, 2_000_000_000.0, 10.0, 10.0], values=[*good, NO_JSON])
    consumer.projector.step()
    for sink in (POSTGRES, REDIS):
        found = totals(consumer)[sink]
        assert (found.histogram.count, found.ahead, found.late, found.untimed) == (2, 1, 1, 1), sink
        assert at_most(found, 0.01) == 1


def test_the_ledger_has_the_greatest_record_time_of_each_partition(consumer: Consumer) -> None:
    commit(consumer, [50.0, 20.0, 30.0])
    query = "SELECT partition, round(extract(epoch FROM now() - record_at) / 10) FROM castro.offset_ledger ORDER BY 1"
    assert consumer.system.query(query)[0] == (0, pytest.approx(2, abs=1))
    commit(consumer, [2_000_000_000.0])  # no plausible time: the former one stays
    assert consumer.system.query(query) == [(0, pytest.approx(2, abs=1)), (1, None), (2, None)]


def test_a_commit_that_fails_counts_nothing(consumer: Consumer) -> None:
    def refuse() -> None:
        raise ValueError

    rows = with_positions([(0, 0, native(event()))])
    staged = stage_on_driver([rows], consumer.rules, consumer.positions)
    with pytest.raises(ValueError):
        consumer.commits.commit(staged, batch_id=0, starts=consumer.positions, ends={0: 1}, confirm=refuse)
    assert consumer.system.query("SELECT count(*) FROM castro.uncounted") == [(0,)]


def test_pruning_removes_intervals_and_forgotten_commits_but_no_total(consumer: Consumer) -> None:
    commit(consumer, [1.0])
    consumer.projector.step()
    commit(consumer, [1.0])
    query = consumer.system.query
    query("INSERT INTO castro.stage_time SELECT 'stream', 'inventory', 'staged', t, array_fill(0, '{25}'), 0"
          " FROM unnest('{2020-01-01, -infinity}'::timestamptz[]) t")  # fmt: skip
    query("UPDATE castro.latency SET starts_at = starts_at - interval '31 days' WHERE starts_at > '-infinity'")
    query("UPDATE castro.uncounted SET committed_ms = committed_ms - 90000000")
    conf = consumer.settings.housekeeping
    while prune_step(consumer.connection, INVENTORY, conf, books_days=30, has_history=True):
        pass
    assert query("SELECT count(*) FROM castro.uncounted") == [(0,)]
    assert totals(consumer)[POSTGRES].histogram.count == 1
    assert query("SELECT DISTINCT starts_at::text FROM castro.latency") == [("-infinity",)]
    assert query("SELECT starts_at::text FROM castro.stage_time") == [("-infinity",)]


def test_the_heartbeat_stores_what_the_stages_took(consumer: Consumer) -> None:
    for stages in ({"staged": 0.25, "committed": 4.0}, {"staged": 0.25}):
        part = Component("stream", "inventory")
        part.progressed(stages=stages)
        with Heartbeat(consumer.settings.postgres, [part], "test"):
            pass
    found = stage_totals(consumer.connection)
    assert {key: histogram.count for key, histogram in found.items()} == {
        ("stream", "inventory", "committed"): 1, ("stream", "inventory", "staged"): 2,
    }  # fmt: skip
    since = datetime.now(timezone.utc) - timedelta(minutes=10)
    series = stage_series(consumer.connection, "stream", "inventory", since)
    assert sum(histogram.count for _, stage, histogram in series if stage == "staged") == 2
