"""A topic that lost records: an operator accepts the loss, and the stream goes on; without Kafka and a JVM."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from decimal import Decimal

import pytest

from castro_spark.errors import Fenced
from castro_spark.rules import parse_rules
from castro_spark.sinks.delta import Archived
from castro_spark.sinks.postgres.commit.lost import accept_lost
from castro_spark.sinks.postgres.schema.migrate import migrate
from castro_spark.sources.kafka.topics import TopicState
from castro_spark.streaming.archive.loop import begin
from tests.builders import event, native
from tests.consumer import INVENTORY, Consumer
from tests.databases.alerting import Alerting

LEDGER = "SELECT partition, next_offset FROM castro.offset_ledger ORDER BY partition"
BOOKS = """SELECT partition, from_offset, to_offset, inserted, corrected, stale, skipped, gaps FROM castro.batch_books
           ORDER BY revision, partition"""


@pytest.fixture
def consumer(alerting: Alerting) -> Iterator[Consumer]:
    """A stream that has read two records of partition 0 and one of partition 1."""
    with closing(alerting.connect()) as connection:
        migrate(connection, [INVENTORY])
    consumer = Consumer(alerting)  # type: ignore[arg-type]
    records = [(0, 0, native(event())), (0, 1, native(event(quantidade="11"))), (1, 0, native(event(id_evento="E2")))]
    consumer.consume(1, records, by_executors=False, twice=False)
    yield consumer
    consumer.close()


def test_records_that_aged_out_unread_are_counted_as_lost(consumer: Consumer) -> None:
    system, epoch = consumer.system, consumer.ledger.epoch
    ends = {0: 50, 1: 1, 2: 0}
    for _ in range(2):  # the second time changes nothing
        ledger = accept_lost(consumer.connection, "inventory", epoch, {0: 42, 1: 0, 2: 0}, ends)
        assert ledger.positions == {0: 42, 1: 1, 2: 0}
        assert (ledger.generation, ledger.revision) == (0, 2)
    assert system.query(LEDGER) == [(0, 42), (1, 1), (2, 0)]
    assert system.query(BOOKS) == [(0, 0, 2, 1, 0, 1, 0, 0), (1, 0, 1, 1, 0, 0, 0, 0), (0, 2, 42, 0, 0, 0, 40, 0)]
    assert system.query("SELECT kind, name, records FROM castro.skipped") == [("lost", "", 40)]
    assert consumer.projector.step().is_level
    consumer.positions = ledger.positions
    consumer.consume(2, [(0, 42, native(event(quantidade="12")))], by_executors=False, twice=True)
    assert system.query("SELECT quantity FROM ml_inventory_realtime WHERE event_id = 'E1'") == [(Decimal(12),)]


def test_after_a_truncation_the_records_to_come_are_newer_than_those_before(consumer: Consumer) -> None:
    system, epoch = consumer.system, consumer.ledger.epoch
    ledger = accept_lost(consumer.connection, "inventory", epoch, dict.fromkeys(range(3), 0), {0: 1, 1: 1, 2: 0})
    assert (ledger.positions, ledger.generation) == ({0: 1, 1: 1, 2: 0}, 1)
    resumed = Consumer(system, resume=True)  # type: ignore[arg-type]
    resumed.rules = parse_rules(resumed.stream, resumed.settings, resumed.ledger.generation)
    # The offset 1 of partition 0 is used again: its record is no repetition of the one before.
    resumed.consume(2, [(0, 1, native(event(quantidade="99")))], by_executors=False, twice=True)
    assert system.query("SELECT quantity FROM ml_inventory_realtime WHERE event_id = 'E1'") == [(Decimal(99),)]
    resumed.close()


def test_a_fenced_writer_accepts_nothing(consumer: Consumer) -> None:
    before = consumer.system.query(LEDGER)
    with pytest.raises(Fenced):
        accept_lost(consumer.connection, "inventory", consumer.ledger.epoch - 1, {0: 42}, {0: 50})
    assert consumer.system.query(LEDGER) == before


def test_the_archive_follows_a_truncated_topic() -> None:
    stored = Archived("t", "id", 0, positions={0: 7, 1: 3})
    topic = TopicState("t", "id", beginnings={0: 0, 1: 0}, ends={0: 5, 1: 9})
    assert begin(stored, topic, 0, "w").positions == {0: 7, 1: 3}  # which `reach` then refuses
    assert begin(stored, topic, 1, "w").positions == {0: 5, 1: 3}
