"""Random events, permuted, duplicated, delayed, corrected, in batches some of which come twice: always the oracle's
numbers, and those of the batch functions. Through parse, staging, commit and publication; Kafka and Spark's engine
are left out, so that there can be many."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.testing import assertDataFrameEqual

from castro_spark.features import daily, monthly
from castro_spark.local import Stack
from castro_spark.parse import parse_batch
from castro_spark.settings import load_settings
from castro_spark.sinks.postgres.commit import StreamCommits
from castro_spark.sinks.postgres.connection import connect
from castro_spark.sinks.postgres.ledger import claim
from castro_spark.sinks.postgres.staging import SLOTS, StagedBatch, copy_parsed, count, new_attempt, stage_on_driver
from castro_spark.streaming.cache import CachePublisher
from castro_spark.streaming.rules import parse_rules
from castro_spark.streams import stream
from tests import oracle
from tests.builders import event, native, random_events
from tests.system import System
from tests.unit.test_parse import records

INVENTORY = stream("inventory")
PARTITIONS = 3


class Consumer:
    """Commits batches as the stream does, with what Spark would hand it."""

    def __init__(self, system: System) -> None:
        self.system = system
        self.settings = load_settings(conf_file=system.conf, environ=system.env)
        self.connection = connect(self.settings.postgres, "test")
        system.query(
            "TRUNCATE ml_inventory_realtime, ml_inventory_daily, ml_inventory_monthly, castro.stream,"
            " castro.offset_ledger, castro.batch_books, castro.quarantine"
        )
        system.redis.flushdb()
        self.ledger = claim(
            self.connection, "inventory", topic="t", topic_id="id", beginnings=dict.fromkeys(range(PARTITIONS), 0),
            writer="test",
        )  # fmt: skip
        self.rules = parse_rules(INVENTORY, self.settings, 0)
        self.commits = StreamCommits(self.settings.postgres, INVENTORY, epoch=self.ledger.epoch, patience=0)
        self.cache = CachePublisher(self.settings, INVENTORY)
        self.positions = dict(self.ledger.positions)

    def consume(self, number: int, batch: list[tuple[int, int, bytes | None]], *, by_executors: bool, twice: bool) -> None:
        rows = with_positions(batch)
        ends = dict(self.positions)
        for partition, offset, _ in batch:
            ends[partition] = max(ends[partition], offset + 1)
        for _ in range(1 + twice):
            staged = stage_on_driver([rows], self.rules, self.positions)
            if by_executors:
                staged = self.stage_in_slot(rows, SLOTS[number % 2])
            committed = self.commits.commit(
                staged, batch_id=number, starts=self.positions, ends=ends, horizon=self.cache.horizon()
            )
            self.cache.follow(committed)
        self.positions = ends

    def stage_in_slot(self, rows: pa.RecordBatch, slot: str) -> StagedBatch:
        parsed, attempt = parse_batch(rows, self.rules), new_attempt()
        copy_parsed(self.connection, INVENTORY, parsed, attempt, slot)
        copy_parsed(self.connection, INVENTORY, parsed, new_attempt(), slot)  # of a task whose result was lost
        self.connection.commit()
        return StagedBatch(counts=count([parsed]), attempts=[attempt], slot=slot)

    def close(self) -> None:
        self.commits.close()
        self.cache.close()
        self.connection.close()


def with_positions(batch: list[tuple[int, int, bytes | None]]) -> pa.RecordBatch:
    plain = records([value for _, _, value in batch])
    return pa.RecordBatch.from_arrays(
        [
            pa.array([p for p, _, _ in batch], pa.int32()),
            pa.array([o for _, o, _ in batch], pa.int64()),
            *plain.columns[2:],
        ],
        names=plain.schema.names,
    )


@pytest.fixture(scope="module")
def quiet_system(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    system = System(stack, Path(tmp_path_factory.mktemp("any_order")))
    system.migrate()
    yield system
    system.end()


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.integers(0, 2**32), st.integers(1, 120))
def test_any_order_gives_the_oracles_numbers(quiet_system: System, seed: int, size: int) -> None:
    chance = random.Random(seed)
    consumer = Consumer(quiet_system)
    sent = deliver(consumer, chance, size)
    consumer.close()
    oracle.assert_agrees(quiet_system, sent)


def deliver(consumer: Consumer, chance: random.Random, size: int) -> list[Any]:
    """Sends random events in a random order and random batches; returns the usable ones with their positions."""
    events: list[dict[str, Any] | bytes | None] = [*random_events(chance, size)]
    events += [chance.choice(events) for _ in range(size // 3)]  # duplicates, which come whenever they come
    events += [None, b"{", native(event(), table="other")][: chance.randrange(4)]
    chance.shuffle(events)
    sent, batch, next_offset = [], [], [0] * PARTITIONS
    for n, data in enumerate(events):
        partition = chance.randrange(PARTITIONS)
        offset = next_offset[partition] + (chance.random() < 0.05)  # now and then a gap: a transaction's mark
        next_offset[partition] = offset + 1
        value = native(data) if isinstance(data, dict) else data
        batch.append((partition, offset, value))
        if isinstance(data, dict):
            sent.append(((partition, offset), data))
        if chance.random() < 0.1 or n == len(events) - 1:
            consumer.consume(n, batch, by_executors=chance.random() < 0.5, twice=chance.random() < 0.3)
            batch = []
    return sent


def test_the_batch_functions_give_what_the_stream_wrote(quiet_system: System, spark: SparkSession) -> None:
    consumer = Consumer(quiet_system)
    sent = deliver(consumer, random.Random(8), 500)
    batch = with_positions([(p, o, native(data)) for (p, o), data in sent])
    events = spark.createDataFrame(pa.Table.from_batches([parse_batch(batch, consumer.rules)]))
    consumer.close()

    def table(name: str, frame: DataFrame) -> DataFrame:
        rows = quiet_system.query(f"SELECT {', '.join(frame.columns)} FROM {name}")
        return spark.createDataFrame(rows, frame.schema)

    for name, frame in (
        ("ml_inventory_daily", daily(events, INVENTORY)),
        ("ml_inventory_monthly", monthly(events, INVENTORY)),
    ):
        assertDataFrameEqual(table(name, frame), frame)
