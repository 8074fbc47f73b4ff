"""ml_product_360 and its hashes, kept by the running streams, against the oracle."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from castro_spark.local import Stack
from castro_spark.product_columns import COLUMNS
from castro_spark.settings import load_settings
from castro_spark.sinks.postgres.product_360 import refresh as sink
from castro_spark.sinks.postgres.product_360.master_data import master_tables
from castro_spark.streaming.product_360 import Product360
from tests import oracle_360
from tests.builders import Data, event, native, random_three
from tests.statements import composed
from tests.system import System
from tests.today import today

TABLES = {"inventory": "inventory_transactions", "sales": "sales_orders", "procurement": "purchases"}


@pytest.fixture(scope="module")
def three(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    system = System(stack, tmp_path_factory.mktemp("three"), tuple(TABLES))
    system.migrate()
    yield system
    system.end()


@pytest.fixture(scope="module")
def sent() -> dict[str, oracle_360.Sent]:
    return {name: [] for name in TABLES}


@pytest.fixture
def view(three: System) -> Iterator[Product360]:
    view = Product360(load_settings(conf_file=three.conf, environ=three.env))
    yield view
    view.close()


def send(
    system: System, sent: dict[str, oracle_360.Sent], events: dict[str, list[Data]], partition: int | None = None
) -> None:
    for name, of_stream in events.items():
        positions = system.produce([native(e, TABLES[name]) for e in of_stream], partition, name)
        sent[name] += list(zip(positions, of_stream, strict=True))


def differences(system: System, sent: dict[str, oracle_360.Sent]) -> list[str]:
    expected = oracle_360.product_360(sent, today())
    held = system.query(composed("SELECT {columns} FROM ml_product_360", columns=COLUMNS))
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in held]
    found = oracle_360.differences({row["product_code"]: row for row in rows}, expected)
    hashes: dict[str, dict[str, Any]] = {}
    for key in system.redis.scan_iter("product:360:*"):
        code = key.removeprefix("product:360:")
        hashes[code] = oracle_360.of_redis(system.redis.hgetall(key), expected.get(code, {}))
        assert 0 < system.redis.ttl(key) <= 48 * 3600
    return found + [f"Redis: {words}" for words in oracle_360.differences(hashes, expected)]


def test_agrees_with_the_oracle_after_every_drain(three: System, sent: dict[str, oracle_360.Sent]) -> None:
    seed = random.randrange(10**6)
    print("seed", seed)
    chance = random.Random(seed)
    three.configure({"product_360": {"products_per_commit": 3}})
    for count in (200, 100):  # the second corrects the first, and moves events to other products and days
        send(three, sent, random_three(chance, count))
        three.drain()
        assert differences(three, sent) == []


def test_a_running_stream_refreshes_what_it_touches(three: System, sent: dict[str, oracle_360.Sent]) -> None:
    three.configure({"product_360": {"refresh_seconds": 0.3}})
    stream = three.stream()
    new = {"id_evento": "N1", "codigo_produto": "NEW", "quantidade": "7", "preco_unitario": "3",
           "data_pedido": datetime.now(oracle_360.ZONE).isoformat(), "cliente": "C9", "numero_pedido": "PV"}  # fmt: skip
    send(three, sent, {"sales": [new]}, 0)
    three.wait_for("SELECT sum(sales_volume_7d)::int FROM ml_product_360 WHERE product_code = 'NEW'", 7)
    send(three, sent, {"sales": [{**new, "codigo_produto": "NEWER"}]}, 0)  # the one event of NEW moves: no row is left
    three.wait_for("SELECT array_agg(product_code) FROM ml_product_360 WHERE product_code LIKE 'NEW%'", ["NEWER"])
    stream.stop()
    assert differences(three, sent) == []


def test_a_running_stream_starts_an_episode_of_a_critical_product(three: System, sent: dict[str, oracle_360.Sent]) -> None:
    three.configure({"alerts": {"deliver": False, "channels": {"celery": {"type": "celery"}}}})
    stream = three.stream()
    three.wait_for("SELECT count(*) FROM castro.critical_followed WHERE source = 'inventory'", 1)
    now = datetime.now(oracle_360.ZONE).isoformat()
    send(three, sent, {"inventory": [event(id_evento="C1", codigo_produto="C", tipo_movimentacao="SAIDA", data_movimentacao=now)]})
    three.wait_for("SELECT count(*) FROM castro.outbox WHERE kind = 'critical_product' AND cause = 'critical:C:low_cover:1'", 1)
    stream.stop()


def test_after_midnight_all_rows_are_made_anew(three: System, sent: dict[str, oracle_360.Sent], view: Product360) -> None:
    three.query("UPDATE ml_product_360 SET as_of = as_of - 1, sales_volume_7d = 1")
    assert view.refresh() == len(oracle_360.product_360(sent, today()))
    assert differences(three, sent) == []
    assert view.refresh() == 0


def test_what_a_crash_or_a_flush_left_undone_is_made_good(
    three: System, sent: dict[str, oracle_360.Sent], view: Product360
) -> None:
    connection = three.connect()
    tables = master_tables(connection, load_settings(conf_file=three.conf, environ=three.env).product_360)
    sink.refresh(connection, ["P1", "GONE"], today(), tables)  # committed, never published
    connection.close()
    three.redis.hset("product:360:GONE", mapping={"version": "0", "on_hand": "1"})
    view.refresh()
    assert differences(three, sent) == []
    three.redis.flushdb()
    assert differences(three, sent) != []
    view.refresh()
    assert differences(three, sent) == []


def test_of_two_applications_one_refreshes(three: System, view: Product360) -> None:
    three.query("UPDATE ml_product_360 SET as_of = as_of - 1")
    other = Product360(load_settings(conf_file=three.conf, environ=three.env))
    assert other.refresh() > 0
    three.query("UPDATE ml_product_360 SET as_of = as_of - 1")
    assert view.refresh() == 0
    other.close()
    three.wait_for_sessions("castro_spark product_360", 1)
    assert view.refresh() > 0


def test_streams_are_not_held_up_where_the_view_has_no_tables(stack: Stack, tmp_path: Path) -> None:
    alone = System(stack, tmp_path)
    alone.migrate()
    assert "product_360" not in alone.drain()
    alone.end()
