"""Random events, permuted, duplicated, delayed, corrected, in batches some of which come twice: always the oracle's
numbers, and those of the batch functions. Through parse, staging, commit and publication; Kafka and Spark's engine
are left out, so that there can be many."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession
from pyspark.testing import assertDataFrameEqual

from castro_spark.features import daily, monthly
from castro_spark.local import Stack
from castro_spark.parse import parse_batch
from tests import oracle
from tests.builders import debezium, debezium_key, event, native, random_events
from tests.consumer import INVENTORY, PARTITIONS, Consumer, with_positions
from tests.statements import composed
from tests.system import System, migrated_system

MANY = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
SEEDS = st.integers(0, 2**32)


@pytest.fixture(scope="module")
def quiet_system(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with migrated_system(stack, tmp_path_factory.mktemp("any_order")) as system:
        yield system


@MANY
@given(SEEDS, st.integers(1, 120))
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


class Table:
    """A source table under change data capture: what it holds, and the changes in its log, in order."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.rows: dict[str, tuple[tuple[int, int], dict[str, Any]]] = {}
        self.log: list[tuple[str, bytes | None]] = []
        self.lsn = 100

    def change(self) -> None:
        row = self.chance.choice(random_events(self.chance, 1))
        key = f"K{self.chance.randrange(12)}"
        row["id_evento"] = key
        before = self.rows.get(key)
        position = self.next_position()
        if before is None:
            self.tell(key, debezium(row, op="c", **self.place(position)))
        elif self.chance.random() < 0.3:
            self.tell(key, debezium(None, op="d", before={"id_evento": key}, **self.place(position)))
            self.log.append((key, None))
            del self.rows[key]
            return
        else:
            sent = dict(row)
            for name in ("custo_unitario", "quantidade", "data_movimentacao", "deposito", "codigo_produto"):
                if self.chance.random() < 0.3:  # not sent, because the update left it alone
                    row[name] = before[1][name]
                    sent[name] = "__debezium_unavailable_value"
            self.tell(key, debezium(sent, op="u", **self.place(position)))
        self.rows[key] = (position, row)

    def next_position(self) -> tuple[int, int]:
        self.lsn += self.chance.randrange(1, 9)
        return self.lsn - 1, self.lsn

    def place(self, position: tuple[int, int]) -> dict[str, Any]:
        return {"sequence": f'["{position[0]}","{position[1]}"]', "lsn": position[1]}

    def tell(self, key: str, value: bytes) -> None:
        self.log.append((key, value))


@MANY
@example(100_000_001, 34)  # a change that came again in one batch with its successor, which lacks the same columns
@given(SEEDS, st.integers(1, 80))
def test_changes_leave_what_the_source_holds(quiet_system: System, seed: int, size: int) -> None:
    chance = random.Random(seed)
    table = Table(chance)
    for _ in range(size):
        table.change()
    log = table.log
    if chance.random() < 0.5:  # a connector that was killed sends the last of its changes again
        log = log + log[-chance.randrange(1, len(log) + 1) :]
    consumer = Consumer(quiet_system)
    batch, next_offset = [], [0] * PARTITIONS
    for n, (key, value) in enumerate(log):
        partition = sum(key.encode()) % PARTITIONS
        batch.append((partition, next_offset[partition], value, debezium_key(id_evento=key)))
        next_offset[partition] += 1
        if chance.random() < 0.2 or n == len(log) - 1:
            consumer.consume(n, batch, by_executors=chance.random() < 0.5, twice=chance.random() < 0.3)
            batch = []
    consumer.close()
    assert quiet_system.query("SELECT reason, detail FROM castro.quarantine") == []
    oracle.assert_agrees(quiet_system, list(table.rows.values()))


def test_the_newest_of_a_snapshot_is_the_same_in_any_order(quiet_system: System) -> None:
    """Its rows share a place in the log; and where the source has days only, those of a product share the time too."""
    day = random_events(random.Random(3), 1)[0]
    rows = [(debezium(day | {"custo_unitario": n}, op="r", snapshot="true", sequence='[null,"9"]', lsn=9), debezium_key(id=n))
            for n in range(10)]  # fmt: skip
    found = []
    for sent in (rows, rows[::-1]):
        consumer = Consumer(quiet_system)
        for offset, (value, key) in enumerate(sent):
            consumer.consume(offset, [(0, offset, value, key)], by_executors=False, twice=False)
        consumer.close()
        found.append((
            quiet_system.query("SELECT last_unit_cost FROM ml_inventory_daily"),
            quiet_system.query("SELECT (array_agg(unit_cost ORDER BY source_position DESC))[1] FROM ml_inventory_realtime"),
            quiet_system.redis.hget(f"inventory:realtime:{day['codigo_produto']}", "unit_cost"),
        ))  # fmt: skip
    by_day, of_events, cached = found[0]
    assert found[1] == found[0] and by_day == of_events == [(int(cached),)]


def test_a_kept_column_that_nobody_has_goes_to_quarantine(quiet_system: System) -> None:
    consumer = Consumer(quiet_system)
    today = random_events(random.Random(1), 1)[0]
    unknown = debezium(today | {"custo_unitario": "__debezium_unavailable_value"}, op="u")
    whole = debezium(today | {"fornecedor": "__debezium_unavailable_value"}, op="u")  # an optional one may stay unknown
    consumer.consume(0, [(0, 0, unknown, debezium_key(id="A")), (1, 0, whole, debezium_key(id="B"))],
                     by_executors=True, twice=False)  # fmt: skip
    consumer.close()
    assert quiet_system.query("SELECT event_id FROM ml_inventory_realtime") == [("B",)]
    assert quiet_system.query("SELECT reason, detail, partition FROM castro.quarantine") == [
        ("unavailable_value", "unit_cost", 0)
    ]
    assert quiet_system.query("SELECT sum(inserted), sum(quarantined) FROM castro.batch_books") == [(1, 1)]


def test_the_batch_functions_give_what_the_stream_wrote(quiet_system: System, spark: SparkSession) -> None:
    consumer = Consumer(quiet_system)
    sent = deliver(consumer, random.Random(8), 500)
    batch = with_positions([(p, o, native(data)) for (p, o), data in sent])
    events = spark.createDataFrame(pa.Table.from_batches([parse_batch(batch, consumer.rules)]))
    consumer.close()

    def table(name: str, frame: DataFrame) -> DataFrame:
        rows = quiet_system.query(composed("SELECT {columns} FROM {table}", columns=frame.columns, table=name))
        return spark.createDataFrame(rows, frame.schema)

    for name, frame in (
        ("ml_inventory_daily", daily(events, INVENTORY)),
        ("ml_inventory_monthly", monthly(events, INVENTORY)),
    ):
        assertDataFrameEqual(table(name, frame), frame)
