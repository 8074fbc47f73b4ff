"""The same sales by the stream and from the warehouse: each once, or refused before anything is written."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from threading import Event
from typing import Any

import pytest
from pyspark.sql import SparkSession

from castro_spark.batch.history import from_warehouse
from castro_spark.errors import CastroError, IdentitiesDiffer, MappingError, RulesChanged
from castro_spark.local import Stack
from castro_spark.reconcile.run import reconcile
from castro_spark.settings import load_settings
from castro_spark.streams import stream
from tests.builders import debezium, debezium_key, native
from tests.consumer import Consumer
from tests.databases import warehouse as w
from tests.statements import composed
from tests.system import System
from tests.today import today

SALES = stream("sales")
ORDERS, TARGET = "castrolanda_sales.orders", "ml_sales_orders"
DAY = today() - timedelta(days=1)
NOON = datetime(DAY.year, DAY.month, DAY.day, 12, tzinfo=w.ZONE).astimezone(timezone.utc)
MINUTE = timedelta(minutes=1)
# As Hive has them: padded to their width.
TABLE = f"""CREATE TABLE {ORDERS} (
    numero_pedido char(14), item int, codigo_produto char(8), cliente char(12), quantidade decimal(18,3), preco_unitario decimal(18,4),
    data_pedido timestamp, situacao string, excluido boolean, last_modified timestamp
) PARTITIONED BY (dt string) STORED AS ORC"""
WRITTEN = ("ml_sales_realtime", "ml_sales_daily", "ml_sales_monthly", "castro.quarantine", "castro.stream", TARGET, "castro.extract_watermark")
Sale = dict[str, Any]


def sale(number: int, **values: Any) -> Sale:
    """A row of the warehouse; its order's number needs escapes in a key of several fields."""
    return {
        "numero_pedido": f"PV|{number // 3}\\{number % 2}", "item": number % 3 + 1, "codigo_produto": f"Açaí-{number % 4}", "cliente": "Zé | \\N",
        "quantidade": Decimal(number), "preco_unitario": Decimal("1.25"), "data_pedido": NOON + number * MINUTE,
        "excluido": False, "last_modified": NOON + (number + 1) * MINUTE, **values,
    }  # fmt: skip


def data(row: Sale) -> dict[str, Any]:
    """The record that its source sends."""
    names = ("numero_pedido", "codigo_produto", "cliente")
    return {**{n: row[n] for n in names}, "quantidade": str(row["quantidade"]), "preco_unitario": str(row["preco_unitario"]),
            "data_pedido": row["data_pedido"].isoformat()}  # fmt: skip


def change(row: Sale) -> tuple[bytes, bytes]:
    """Value and key, as Debezium sends them."""
    key = debezium_key(numero_pedido=row["numero_pedido"], item=row["item"])
    return debezium(data(row), table="sales_orders", sequence=None, lsn=1000 + int(row["quantidade"])), key


def without_id(row: Sale) -> tuple[bytes, None]:
    return native(data(row), "sales_orders"), None


@pytest.fixture(scope="module")
def shop(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    system = System(stack, tmp_path_factory.mktemp("identity"), ["sales"])
    system.migrate()
    yield system
    system.end()


@pytest.fixture
def lake(shop: System, spark: SparkSession) -> System:
    """Empty tables on both sides."""
    w.fresh(spark)
    spark.sql(f"DROP TABLE IF EXISTS {ORDERS}")
    spark.sql(TABLE)
    shop.query(composed("TRUNCATE {written}, castro.backfilled_month CASCADE", written=WRITTEN))
    configure(shop)
    return shop


def configure(system: System, **own: Any) -> None:
    system.configure({"reconcile": {"in_flight_minutes": 0, "change_limit": 1}})
    text = system.conf.read_text()
    lines = "".join(f"    {key}: {value}\n" for key, value in own.items())
    system.conf.write_text(text.replace("  sales:\n", f"  sales:\n{lines}"))


def consume(consumer: Consumer, records: list[tuple[bytes, bytes | None]]) -> None:
    start = consumer.positions[0]
    consumer.consume(1, [(0, start + n, *record) for n, record in enumerate(records)], by_executors=False, twice=True)


def backfill(spark: SparkSession, system: System) -> None:
    settings = load_settings(conf_file=system.conf, environ=system.env)
    from_warehouse(spark, settings, SALES, DAY, DAY, restart=False, stopping=Event(), report=lambda _: None)


def extract(spark: SparkSession, system: System, mode: str = "incremental") -> Any:
    conf = system.conf.read_text()
    settings = load_settings(conf_file=system.conf, environ=system.env)
    result = w.extract(spark, settings, {TARGET: settings.warehouse.mapped[TARGET]}, mode)[0]
    assert system.conf.read_text() == conf
    return result


def reconciled(spark: SparkSession, system: System) -> Any:
    settings = load_settings(conf_file=system.conf, environ=system.env)
    return reconcile(spark, settings, [SALES], DAY, apply=True, force=False, stopping=Event())[0]


def assert_each_once(system: System, rows: list[Sale]) -> None:
    """The events, and the days and months that plain Python makes of the rows."""
    held = "SELECT order_number, product_code, customer, quantity, \"timestamp\" FROM ml_sales_realtime ORDER BY quantity"
    assert system.query(held) == [
        (r["numero_pedido"], r["codigo_produto"], r["cliente"], r["quantidade"], r["data_pedido"]) for r in rows
    ]
    sums: dict[str, list[Any]] = defaultdict(lambda: [0, Decimal(0), Decimal(0)])
    for r in rows:
        held = sums[r["codigo_produto"]]
        held[0] += 1
        held[1] += r["quantidade"]
        held[2] += r["quantidade"] * r["preco_unitario"]
    expected = sorted((code, *values) for code, values in sums.items())
    for table, period, first in (("daily", "date", DAY), ("monthly", "month", DAY.replace(day=1))):
        query = "SELECT product_code, transactions, volume, value, {period} FROM {table}"
        found = system.query(composed(query, period=period, table=f"ml_sales_{table}"))
        assert sorted(row[:-1] for row in found) == expected
        assert {row[-1] for row in found} == {first}


@pytest.mark.parametrize(("identity", "record", "kind"), [("auto", change, "id"), ("natural_key", without_id, "natural")])
def test_each_sale_counts_once_whichever_way_it_came(
    lake: System, spark: SparkSession, identity: str, record: Any, kind: str
) -> None:
    configure(lake, identity=identity)
    consumer = Consumer(lake, with_rule(lake))
    rows = [sale(n) for n in range(1, 41)]
    consume(consumer, [record(row) for row in rows[:12]])
    w.append(spark, ORDERS, rows[:20])
    backfill(spark, lake)
    assert_each_once(lake, rows[:20])
    consume(consumer, [record(row) for row in rows[16:24]])  # the stream comes to what the warehouse brought
    first = extract(spark, lake)
    assert first.done, first.problem
    assert "backfill --stream sales" in first.notes[0]
    w.append(spark, ORDERS, rows[20:30])
    result = extract(spark, lake)
    assert result.done, result.problem
    assert result.events == {"sales": 6}
    # A full refresh moves the watermark past rows 30 to 35: it brings them.
    w.append(spark, ORDERS, rows[30:35])
    refreshed = extract(spark, lake, "full")
    assert refreshed.done, refreshed.problem
    assert refreshed.events == {"sales": 5}
    assert "rows that changed before" in refreshed.notes[0]
    assert_each_once(lake, rows[:35])
    w.append(spark, ORDERS, rows[35:])
    done = reconciled(spark, lake)
    assert done.problem is None
    assert (done.events.missing, done.events.extra, done.events.different) == (5, 0, 0)
    assert_each_once(lake, rows)
    again = reconciled(spark, lake)
    assert (again.problem, again.differences) == (None, 0)
    # What only PostgreSQL has is looked up in the whole table, whatever its identity.
    consume(consumer, [record(sale(99, quantidade=Decimal(99)))])
    extra = reconciled(spark, lake)
    assert (extra.problem, extra.events.missing, extra.events.extra) == (None, 0, 1)
    assert_each_once(lake, rows)
    assert lake.query("SELECT kinds, warehouse_kinds FROM castro.stream") == [([kind], [kind])]
    consumer.close()


def with_rule(system: System) -> Any:
    from castro_spark.rules import configured

    return configured(SALES, load_settings(conf_file=system.conf, environ=system.env))


def written(system: System) -> list[Any]:
    return [sorted(system.query(composed("SELECT t::text FROM {table} t", table=table))) for table in WRITTEN]


@pytest.mark.parametrize("also", [None, change])
def test_where_they_are_known_differently_nothing_is_written(lake: System, spark: SparkSession, also: Any) -> None:
    consumer = Consumer(lake, SALES)
    rows = [sale(n) for n in range(1, 41)]
    w.append(spark, ORDERS, rows[:5])
    assert extract(spark, lake).done
    w.append(spark, ORDERS, rows[5:])
    consume(consumer, [without_id(row) for row in rows[:39]] + ([also(rows[39])] if also else []))
    before = written(lake)
    streamed = "ids and natural keys" if also else "natural keys"
    words = f"identified by ids, streamed records by {streamed}: the same events would count twice; nothing was written"
    with pytest.raises(IdentitiesDiffer, match=words) as refused:
        backfill(spark, lake)
    assert "set streams.sales.identity: natural_key" in refused.value.remedy
    for mode in ("incremental", "full"):
        result = extract(spark, lake, mode)
        assert (result.status, words in (result.problem or "")) == ("failed", True), result.problem
    assert words in reconciled(spark, lake).problem
    assert written(lake) == before
    # The other way round.
    configure(lake, history="{table: ml_sales_orders, key: []}")
    consumer.close()
    consumer = Consumer(lake, SALES)
    consume(consumer, [change(row) for row in rows])
    with pytest.raises(IdentitiesDiffer, match="identified by natural keys, streamed records by ids") as refused:
        backfill(spark, lake)
    assert "streams.sales.history.key" in refused.value.remedy
    consumer.close()


def test_after_the_warehouse_the_stream_rejects_what_is_known_otherwise(lake: System, spark: SparkSession) -> None:
    consumer = Consumer(lake, SALES)
    rows = [sale(n) for n in range(1, 11)]
    w.append(spark, ORDERS, rows)
    backfill(spark, lake)
    before = written(lake)
    with pytest.raises(RulesChanged, match="rows of the warehouse arrived, identified by ids"):
        consume(consumer, [without_id(rows[0])])  # parsed before they came
    assert written(lake) == before
    consumer.close()
    lake.query("TRUNCATE castro.stream CASCADE")
    running = lake.stream()
    lake.produce([native({**data(rows[0]), "id_evento": "A"}, "sales_orders")], stream="sales")
    lake.wait_for("SELECT count(*)::int FROM ml_sales_realtime", 11)
    backfill(spark, lake)
    lake.produce([without_id(rows[1])[0], native({**data(rows[0]), "id_evento": "B"}, "sales_orders")], stream="sales")
    lake.wait_for("SELECT count(*)::int FROM ml_sales_realtime", 12)
    assert lake.query("SELECT reason, detail FROM castro.quarantine") == [
        ("other_identity", "id_evento: absent, but the warehouse's rows have ids: it would count twice")
    ]
    running.stop()


def test_a_history_whose_natural_key_comes_twice_is_refused(lake: System, spark: SparkSession) -> None:
    configure(lake, identity="natural_key")
    twins = [sale(3), sale(3, item=7), sale(5)]
    w.append(spark, ORDERS, twins)
    lake.query("INSERT INTO castro.stream (stream, topic, topic_id, epoch, writer) VALUES ('sales', 't', '', 0, '')")
    before = written(lake)
    with pytest.raises(MappingError, match=r"1 event of stream sales would be two rows .* rows PV\\\|1\\\\1\|1 and PV\\\|1\\\\1\|7"):
        backfill(spark, lake)
    with pytest.raises(CastroError, match="would be two rows"):
        raise CastroError(reconciled(spark, lake).problem)
    assert written(lake) == before
