"""The how-tos about a running system are followed: on real servers, each page on its own, by the one Spark of this process."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer, TopicCollection, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic
from pyspark.sql import SparkSession

from castro_spark.local import Stack
from castro_spark.local.postgres import program
from castro_spark.settings import load_settings
from castro_spark.sinks.postgres.connection import connect
from castro_spark.sinks.postgres.schema.migrate import migrate
from castro_spark.streams import all_streams
from tests import engine
from tests.builders import event
from tests.databases import warehouse as w
from tests.docs.plant import Plant
from tests.system import ROOT

pytestmark = pytest.mark.long


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    """A system with tables, and no topic yet."""
    with Stack(tmp_path / "servers", die_with_parent=True) as stack:
        plant = Plant(stack, tmp_path)
        prepared(plant)
        plant.migrate(topics=False)
        yield plant
        plant.end()


@pytest.fixture
def unfed(databases: Stack, tmp_path: Path) -> Iterator[Plant]:
    """A system with tables and a warehouse, and without Kafka."""
    plant = Plant(databases, tmp_path)
    prepared(plant)
    plant.migrate(topics=False)
    yield plant
    plant.end()


def prepared(plant: Plant) -> None:
    """As after `migrate` for all streams, with a warehouse, and PostgreSQL's programs at hand."""
    settings = load_settings(conf_file=plant.conf, environ=plant.env)
    with closing(connect(settings.postgres, "test")) as connection:
        migrate(connection, all_streams().values())
    plant.env["PATH"] = f"{Path(program('psql')).parent}:{plant.env['PATH']}"
    plant.env["CASTRO_WAREHOUSE_DIR"] = str(engine.warehouse_folder())
    plant.name_postgres()


def admin(plant: Plant) -> AdminClient:
    return AdminClient({"bootstrap.servers": plant.env["CASTRO_KAFKA_BOOTSTRAP_SERVERS"]})


def create_again(plant: Plant) -> None:
    """The topic is deleted, and another one of its name created."""
    brokers = admin(plant)
    brokers.delete_topics([plant.topic])[plant.topic].result(30)
    while True:
        try:
            brokers.create_topics([NewTopic(plant.topic, 4)])[plant.topic].result(30)
        except KafkaException as error:  # its deletion is not done
            assert error.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS, error
            time.sleep(0.1)
        else:
            break
    servers = plant.env["CASTRO_KAFKA_BOOTSTRAP_SERVERS"]
    plant.producer = Producer({"bootstrap.servers": servers, "enable.idempotence": True})  # the old one knows the old topic


def remove_records(plant: Plant, ends: dict[int, int]) -> None:
    """The topic's records before these offsets, by partition, are gone."""
    brokers = admin(plant)
    removed = [TopicPartition(plant.topic, partition, end) for partition, end in ends.items()]
    for future in brokers.delete_records(removed).values():
        future.result(30)


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
        remove_records(plant, {0: last + 1})
        at = datetime(2024, 5, 1, 13, tzinfo=timezone.utc)
        w.append(spark, w.TRANSACTIONS, [
            w.transaction(n, at, id_transacao=data["id_evento"], quantidade=Decimal(str(data["quantidade"])), cliente=None)
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


def movements(seed: int, count: int, ids: int = 40) -> list[dict[str, object]]:
    """Movements of three days in May 2024, corrections that move product and day among them."""
    chance = random.Random(seed)
    return [
        event(
            id_evento=f"E{chance.randrange(ids)}", codigo_produto=f"P{chance.randrange(4)}", quantidade=str(chance.randrange(1, 900)),
            tipo_movimentacao=chance.choice(["ENTRADA", "SAIDA", "AJUSTE"]), custo_unitario=f"{chance.randrange(9000) / 100}",
            data_movimentacao=f"2024-05-0{chance.randrange(1, 4)}T{chance.randrange(24):02}:{chance.randrange(60):02}:00",
        )
        for _ in range(count)
    ]  # fmt: skip


def test_restore_postgresql(plant: Plant) -> None:
    plant.env["CASTRO_ARCHIVE_DIR"] = str(plant.folder / "archive")
    plant.create_topics()

    def consumed() -> None:
        plant.send(*movements(1, 60), partition=None)
        plant.drain()
        plant.agrees()

    def more_and_lost() -> None:
        plant.send(*movements(2, 60), partition=None)
        plant.drain()
        plant.agrees()
        plant.query("DROP TABLE ml_inventory_daily; TRUNCATE castro.offset_ledger, ml_inventory_realtime")

    def aged_out() -> None:
        database = plant.database
        status, printed = plant.reader_runs(f'dropdb --force {database}; createdb {database}; pg_restore --exit-on-error -d {database} castro.dump')
        assert status == 0, printed
        ends: dict[int, int] = {}
        for (partition, offset), _ in plant.sent:
            ends[partition] = max(ends.get(partition, 0), offset + 1)
        remove_records(plant, ends)

    plant.follow(
        "restore_postgresql",
        events_were_consumed_and_PostgreSQL_s_variables_are_set=consumed,
        more_events_are_consumed_after_the_backup_and_the_database_is_lost=more_and_lost,
        all_is_as_one_clean_run_leaves_it=plant.agrees,
        the_backup_is_restored_again_and_the_topic_no_longer_has_the_records_since=aged_out,
        the_rows_are_as_one_clean_run_leaves_them=plant.rows_agree,
    )


def test_move_to_a_new_topic(plant: Plant) -> None:
    plant.create_topics()

    def consumed() -> None:
        plant.send(*movements(1, 60), partition=None)
        plant.drain()

    def producers_move() -> None:
        plant.send(*movements(2, 20), partition=None)
        old, known = plant.topic, len(plant.sent)
        plant.topics["inventory"] = "castrolanda.inventory.v2"
        plant.send(*movements(3, 60), partition=None)
        plant.topics["inventory"] = old
        # The new topic's records are newer than the old one's, whatever their offsets.
        plant.sent[known:] = [((partition + 100, offset), data) for (partition, offset), data in plant.sent[known:]]

    plant.follow(
        "move_to_a_new_topic",
        the_old_topic_s_records_are_consumed=consumed,
        producers_write_the_last_records_to_the_old_topic_and_go_on_in_the_new_one=producers_move,
        the_rows_are_as_one_clean_run_leaves_them=plant.rows_agree,
    )


def test_change_a_mapping(unfed: Plant, spark: SparkSession) -> None:
    w.fresh(spark, "castrolanda_inventory.stock_levels")
    at = datetime(2024, 5, 1, 13, tzinfo=timezone.utc)
    w.append(spark, "castrolanda_inventory.stock_levels", [
        {
            "codigo_produto": f"P{n}", "deposito": "D1", "quantidade_disponivel": Decimal(10 * n), "quantidade_reservada": reserved,
            "custo_medio": Decimal("1.5"), "data_posicao": at.date(), "last_modified": at + timedelta(minutes=n),
        }
        for n, reserved in enumerate([None, Decimal(3), Decimal(0)])
    ])  # fmt: skip

    def free() -> None:
        rows = unfed.query("SELECT product_code, quantity_free FROM ml_stock_levels ORDER BY product_code")
        assert rows == [("P0", Decimal(0)), ("P1", Decimal(7)), ("P2", Decimal(20))]

    unfed.follow(
        "change_a_mapping",
        stock_levels_were_extracted=lambda: unfed.job("extract", "--mode", "full", "--table", "ml_stock_levels"),
        the_free_quantity_is_filled=free,
    )
    rows = unfed.query("SELECT DISTINCT average_cost FROM ml_stock_levels")
    assert [Decimal(cost) for (cost,) in rows] == [Decimal("1.5")]


def test_upgrade(plant: Plant) -> None:
    plant.create_topics()

    def older() -> None:
        plant.query("DROP SCHEMA castro, castro_migrations CASCADE; DROP SCHEMA public CASCADE; CREATE SCHEMA public")
        plant.query((ROOT / "tests" / "data" / "first-schema.sql").read_text("utf-8"))
        brokers = admin(plant)
        topic = brokers.describe_topics(TopicCollection([plant.topic]))[plant.topic].result(30)
        named = str(topic.topic_id).translate(str.maketrans("+/", "-_"))  # as Java's clients write it
        plant.query("UPDATE castro.stream SET topic = %(topic)s, topic_id = %(id)s", {"topic": plant.topic, "id": named})
        plant.query("UPDATE castro.offset_ledger SET next_offset = 0")
        plant.send(event(id_evento="NEW"))

    def there() -> None:
        assert plant.query("SELECT count(*) FROM ml_inventory_realtime WHERE event_id IN ('E1', 'NEW')") == [(2,)]

    plant.follow(
        "upgrade", tables_of_an_older_version_and_a_stream_that_has_read_its_topic=older, old_and_new_events_are_there=there
    )
