"""ml_product_360 with master data and stock levels, against the oracle: after commits, extracts and changes of the tables."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from castro_spark.critical.rows import measure
from castro_spark.critical.rules import rounded
from castro_spark.product_columns import COLUMNS
from castro_spark.sinks.postgres.commit.staging import stage_on_driver
from castro_spark.sinks.postgres.product_360.master_data import master_tables
from castro_spark.streaming.product_360 import Product360
from castro_spark.streams import stream
from tests import oracle_360
from tests.builders import Data, native, random_master_data, random_three
from tests.consumer import Consumer, with_positions
from tests.databases.alerting import Alerting
from tests.databases.stock import LEVELS, MASTER, Stock
from tests.statements import composed
from tests.today import today

TABLES = {"inventory": "inventory_transactions", "sales": "sales_orders", "procurement": "purchases"}
NAMES = {"product_class": "class"}  # of the settings in tests/stock
MEASURED = ("critical", "product_class", "minimum_stock", "stock", "out_volume_30d", "days_of_cover")
MINIMUM = {"minimum_stock": "minimum"}


@pytest.fixture
def stock(alerting: Alerting) -> Iterator[Stock]:
    stock = Stock(alerting)
    yield stock
    stock.close()


def rows_of(stock: Stock) -> dict[str, dict[str, Any]]:
    rows = stock.alerting.query(composed("SELECT {columns} FROM ml_product_360", columns=COLUMNS))
    return {row[0]: dict(zip(COLUMNS, row, strict=True)) for row in rows}


def differences(stock: Stock, sent: dict[str, oracle_360.Sent], master: list[Data], levels: list[Data]) -> list[str]:
    expected = oracle_360.product_360(sent, today(), master, levels)
    found = oracle_360.differences(rows_of(stock), expected)
    redis = stock.alerting.redis
    hashes = {
        code: oracle_360.of_redis(redis.hgetall(key), expected.get(code, {}))
        for key in redis.scan_iter("product:360:*")
        for code in [key.removeprefix("product:360:")]
    }
    return found + [f"Redis: {words}" for words in oracle_360.differences(hashes, expected)]


def measured(stock: Stock) -> dict[str, tuple[Any, ...]]:
    """What the rules of critical products see of the view's products."""
    with closing(stock.alerting.connect()) as connection:
        tables = master_tables(connection, stock.settings.product_360)
        found = measure(connection, list(rows_of(stock)), tables, stock.settings.critical, today())
    return {
        m.product_code: (m.flag, m.product_class, m.minimum, m.stock, m.issued, None if m.cover is None else rounded(m.cover, 6))
        for m in found
    }


def commit(stock: Stock, events: dict[str, list[Data]]) -> dict[str, oracle_360.Sent]:
    sent = {}
    for name, of_stream in events.items():
        consumer = Consumer(stock.alerting, stream(name), resume=True)  # type: ignore[arg-type]
        with closing(consumer):
            records = [(0, n, native(e, TABLES[name])) for n, e in enumerate(of_stream)]
            staged = stage_on_driver([with_positions(records)], consumer.rules, consumer.positions)
            consumer.commit(0, staged, consumer.ends(records))
        sent[name] = [((0, n), e) for n, e in enumerate(of_stream)]
    return sent


def extract(stock: Stock, table: str, rows: list[Data], names: dict[str, str]) -> None:
    stock.extract(table, *({names.get(c, c): v for c, v in row.items()} for row in rows), full=True)


def test_agrees_with_the_oracle_whatever_the_extracts_bring(stock: Stock) -> None:
    seed = random.randrange(10**6)
    print("seed", seed)
    chance = random.Random(seed)
    sent = commit(stock, random_three(chance, 120))
    with closing(Product360(stock.settings)) as view:
        view.refresh()
        assert differences(stock, sent, [], []) == []
        for _ in range(3):
            master, levels = random_master_data(chance)
            master = [{**row, "description": row["description"] or "d"} for row in master]
            extract(stock, MASTER, master, NAMES)
            extract(stock, LEVELS, levels, MINIMUM)
            view.refresh()
            assert differences(stock, sent, master, levels) == []
            assert view.refresh() == 0
            assert measured(stock) == {code: tuple(row[c] for c in MEASURED) for code, row in rows_of(stock).items()}
        stock.alerting.query(composed("DROP TABLE {levels}", levels=LEVELS))
        fewer = composed("ALTER TABLE {master} DROP COLUMN minimum_stock, DROP COLUMN critical", master=MASTER)
        stock.alerting.query(fewer)
        stock.alerting.query("UPDATE castro.extract_watermark SET revision = revision + 1")
        view.refresh()
        bare = [{**row, "minimum_stock": None, "critical": None} for row in master]
        assert differences(stock, sent, bare, []) == []


def test_an_extract_refreshes_only_the_products_that_it_changed(stock: Stock) -> None:
    rows = [{"product_code": f"P{n}", "description": "d", "lead_time_days": n} for n in range(5)]
    stock.extract(MASTER, {"product_code": "P5"}, *rows)  # nothing is known of P5
    with closing(Product360(stock.settings)) as view:
        assert view.refresh() == 6
        stock.extract(MASTER, *rows[:-1], {**rows[-1], "lead_time_days": 9})
        assert view.refresh() == 1
        stock.extract(MASTER, {"product_code": "P5"}, *rows[1:], full=True)
        assert view.refresh() == 2  # P0 is gone, and P4 is as it was at first
    assert sorted(rows_of(stock)) == ["P1", "P2", "P3", "P4", "P5"]
