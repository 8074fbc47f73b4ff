"""The how-tos about a running system are followed: on real servers, each page on its own, by the one Spark of this process."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from pyspark.sql import SparkSession

from castro_spark.local import Stack
from castro_spark.local.postgres import program
from tests import engine
from tests import warehouse as w
from tests.builders import event
from tests.docs.plant import Plant
from tests.system import PARTITIONS, ROOT

pytestmark = pytest.mark.long
HOW_TO = ROOT / "docs" / "how-to"


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    """A system with tables, and no topic yet."""
    with Stack(tmp_path / "servers", die_with_parent=True) as stack:
        plant = Plant(stack, tmp_path)
        plant.env["PATH"] = f"{Path(program('psql')).parent}:{plant.env['PATH']}"
        plant.env["CASTRO_WAREHOUSE_DIR"] = str(engine.warehouse_folder())
        plant.migrate(topics=False)
        yield plant
        plant.end()


def admin(plant: Plant) -> AdminClient:
    return AdminClient({"bootstrap.servers": plant.env["CASTRO_KAFKA_BOOTSTRAP_SERVERS"]})


def create_again(plant: Plant) -> None:
    """The topic is deleted, and another one of its name created."""
    brokers = admin(plant)
    brokers.delete_topics([plant.topic])[plant.topic].result(30)
    deadline = time.monotonic() + 60
    while True:  # until the broker has forgotten it
        try:
            brokers.create_topics([NewTopic(plant.topic, PARTITIONS)])[plant.topic].result(30)
        except KafkaException as error:
            assert "TOPIC_ALREADY_EXISTS" in str(error) and time.monotonic() < deadline, error
            time.sleep(0.5)
        else:
            return


def numbered(prefix: str, count: int, **changes: object) -> list[dict[str, object]]:
    return [event(id_evento=f"{prefix}{n}", quantidade=str(n + 1), **changes) for n in range(count)]


def test_recover_a_stream(plant: Plant, spark: SparkSession) -> None:
    w.fresh(spark)

    def altered(statement: str) -> Callable[[], None]:
        def alter() -> None:
            plant.query(statement)

        return alter

    def topic_created_again() -> None:
        plant.send(*numbered("OLD", 4))
        plant.drain()
        create_again(plant)
        plant.send(*numbered("NEW", 3), event(id_evento="OLD1", quantidade="77"))
        # The new topic's records are newer than the old one's, whatever their offsets.
        plant.sent = [((p, o + 100 * (n >= 4)), data) for n, ((p, o), data) in enumerate(plant.sent)]

    def as_one_clean_run() -> None:
        rows = plant.query("SELECT event_id, quantity FROM ml_inventory_realtime ORDER BY event_id")
        assert rows == sorted({data["id_evento"]: Decimal(data["quantidade"]) for _, data in plant.sent}.items())
        newest = plant.query("SELECT sum(transactions), sum(volume) FROM ml_inventory_daily")
        assert newest == [(len(rows), sum(quantity for _, quantity in rows))]

    def aged_out() -> None:
        lost = numbered("L", 5)
        last = plant.produce([b"{}" for _ in lost], partition=0)[-1][1]
        for future in admin(plant).delete_records([TopicPartition(plant.topic, 0, last + 1)]).values():
            future.result(30)
        at = datetime(2024, 5, 1, 13, tzinfo=timezone.utc)
        w.append(spark, w.TRANSACTIONS, [
            w.transaction(n, at, id_transacao=data["id_evento"], quantidade=Decimal(str(data["quantidade"])))
            for n, data in enumerate(lost)
        ])  # fmt: skip

    def back() -> None:
        lost = "SELECT event_id, quantity FROM ml_inventory_realtime WHERE event_id LIKE 'L%' ORDER BY event_id"
        assert plant.query(lost) == [(f"L{n}", Decimal(n + 1)) for n in range(5)]

    def beyond() -> None:
        plant.query("UPDATE castro.offset_ledger SET next_offset = next_offset + 1000 WHERE partition = 0")

    def nothing_in_trouble() -> None:
        plant.send(event(id_evento="OLD2", quantidade="88"))
        plant.drain()
        assert plant.query("SELECT quantity FROM ml_inventory_realtime WHERE event_id = 'OLD2'") == [(Decimal(88),)]
        assert "TROUBLE" not in plant.job("status")

    plant.follow(
        "recover_a_stream",
        a_database_and_no_topic=lambda: None,
        a_column_is_missing=altered("ALTER TABLE ml_inventory_realtime DROP COLUMN supplier"),
        the_topic_was_created_again_with_new_records=topic_created_again,
        PostgreSQL_and_Redis_are_as_one_clean_run_leaves_them=as_one_clean_run,
        unread_records_were_removed_from_the_topic_and_are_in_the_warehouse=aged_out,
        the_lost_events_are_back=back,
        the_ledger_is_ahead_of_the_topic=beyond,
        a_column_has_another_type=altered("ALTER TABLE ml_inventory_realtime ALTER COLUMN quantity TYPE numeric(20,6)"),
        the_role_is_read_only=altered("ALTER ROLE castro SET default_transaction_read_only = on"),
        nothing_is_left_in_trouble=nothing_in_trouble,
    )
