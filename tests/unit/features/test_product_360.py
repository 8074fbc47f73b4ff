"""The 360° view against literal rows and, for random events, against the oracle."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import DataFrame, SparkSession

from castro_spark.features import product_360
from castro_spark.features.product_360 import ratios
from castro_spark.parse import parse_batch
from castro_spark.product_columns import COLUMNS, WINDOW_SUMS
from castro_spark.streams import stream
from tests import oracle_360
from tests.builders import Data, event, native, random_master_data, random_three
from tests.today import today
from tests.unit.parse.test_records import RULES, records

TABLES = {"inventory": "inventory_transactions", "sales": "sales_orders", "procurement": "purchases"}
NOTHING: dict[str, Any] = {
    **{w.column: Decimal(0) for w in WINDOW_SUMS}, "stock": Decimal(0), "last_cost": None, "last_purchase_date": None,
    "last_sale_date": None, "demand_squares": Decimal(0),
}  # fmt: skip
AS_OF = date(2024, 6, 1)


MASTER = """product_code string, description string, category string, product_class string, critical boolean, active boolean,
    main_supplier string, standard_cost decimal(18,6), lead_time_days bigint, minimum_stock decimal(18,6)"""
LEVELS = """product_code string, warehouse string, quantity_available decimal(18,6), quantity_reserved decimal(18,6),
    minimum_stock decimal(18,6), as_of date"""


def sale(**changes: Any) -> Data:
    return {"id_evento": "S1", "codigo_produto": "P1", "quantidade": 1, "preco_unitario": 10, "data_pedido": "2024-06-01",
            "cliente": "C1", "numero_pedido": "PV", **changes}  # fmt: skip


def frames(spark: SparkSession, events: dict[str, list[Data]]) -> dict[str, DataFrame]:
    found = {}
    for name, table in TABLES.items():
        rules = replace(RULES, stream=stream(name), now=datetime(2030, 1, 1, tzinfo=timezone.utc))
        batch = parse_batch(records([native(data, table) for data in events.get(name, [])]), rules)
        assert set(batch.column("outcome").to_pylist()) <= {"event"}
        found[name] = spark.createDataFrame(pa.Table.from_batches([batch]))
    return found


def rows(
    spark: SparkSession, events: dict[str, list[Data]], as_of: date, master: list[Data] | None = None, levels: list[Data] | None = None
) -> dict[str, dict[str, Any]]:
    view = product_360(
        **frames(spark, events), as_of=as_of,
        master_data=None if master is None else spark.createDataFrame(master, MASTER),
        stock_levels=None if levels is None else spark.createDataFrame(levels, LEVELS),
    )  # fmt: skip
    assert view.columns == list(COLUMNS)
    utc = [r.asDict() for r in view.collect()]
    for row in utc:
        for column in ("last_sale_at", "last_purchase_at"):
            row[column] = row[column] and row[column].astimezone(timezone.utc)
    return {row["product_code"]: row for row in utc}


@pytest.mark.parametrize("attempt", range(3))
def test_agrees_with_the_oracle(spark: SparkSession, attempt: int) -> None:
    seed = random.randrange(10**6)
    print("seed", seed)
    events = random_three(random.Random(seed), 150)
    master, levels = random_master_data(random.Random(seed))
    sent = {name: [((2, i), e) for i, e in enumerate(of_stream)] for name, of_stream in events.items()}
    as_of = today()
    expected = oracle_360.product_360(sent, as_of, master, levels)
    assert oracle_360.differences(rows(spark, events, as_of, master, levels), expected) == []


def test_windows_are_local_days_and_their_last_is_the_day_itself(spark: SparkSession) -> None:
    moves = [
        event(id_evento="A", data_movimentacao="2024-05-26T00:00:00", quantidade=1),  # the first of seven days
        event(id_evento="B", data_movimentacao="2024-05-25T23:59:59", quantidade=10),  # the day before, of UTC's 26th
        event(id_evento="C", data_movimentacao="2024-06-02T02:59:59Z", quantidade=100),  # still the 1st here
        event(id_evento="D", data_movimentacao="2024-06-02T03:00:00Z", quantidade=1000),  # tomorrow
    ]
    row = rows(spark, {"inventory": moves}, AS_OF)["P1"]
    assert [row[f"in_volume_{d}d"] for d in (7, 30, 90)] == [101, 111, 111]
    assert row["on_hand"] == 111


def test_a_product_without_sales_has_sums_of_0_and_no_ratios(spark: SparkSession) -> None:
    row = rows(spark, {"inventory": [event(data_movimentacao="2024-05-30", tipo_movimentacao="AJUSTE", quantidade=-3)]}, AS_OF)["P1"]
    assert row["on_hand"] == -3
    assert {row[w.column] for w in WINDOW_SUMS} == {0}
    assert row["last_cost"] == Decimal("2.5")
    absent = set(COLUMNS) - {"product_code", "as_of", "on_hand", "last_cost", "stock", *(w.column for w in WINDOW_SUMS)}
    assert {row[c] for c in absent} == {None}


def test_stock_is_the_last_count_and_what_moved_after_its_day(spark: SparkSession) -> None:
    moves = [
        event(id_evento="A", data_movimentacao="2024-05-29T23:59:59", quantidade=1),
        event(id_evento="B", data_movimentacao="2024-05-30T00:00:00", quantidade=10),
        event(id_evento="C", data_movimentacao="2024-05-31", tipo_movimentacao="SAIDA", quantidade=3),
    ]
    levels = [
        {"product_code": "P1", "warehouse": "D1", "quantity_available": Decimal(100), "as_of": date(2024, 5, 29)},
        {"product_code": "P1", "warehouse": "D2", "quantity_available": Decimal(5), "as_of": date(2024, 1, 1)},
        {"product_code": "P2", "warehouse": "D1", "quantity_available": Decimal(7), "minimum_stock": Decimal(8)},
    ]
    master = [{"product_code": "P1", "minimum_stock": Decimal(112)}, {"product_code": "P3", "minimum_stock": Decimal(1)}]
    found = rows(spark, {"inventory": moves}, AS_OF, master, levels)
    kept = {code: tuple(row[c] for c in ("on_hand", "stock_level", "stock", "minimum_stock", "below_minimum", "days_of_cover"))
            for code, row in found.items()}  # fmt: skip
    assert kept == {
        "P1": (8, 105, 112, 112, False, 1120),
        "P2": (0, 7, 7, 8, True, None),
        "P3": (0, None, None, 1, None, None),  # never counted and never moved: nobody knows
    }


def test_a_product_with_events_of_the_future_only_is_not_there_yet(spark: SparkSession) -> None:
    assert rows(spark, {"sales": [sale(data_pedido="2024-06-02")]}, AS_OF) == {}


def test_no_ratio_where_there_is_nothing_to_divide_by() -> None:
    returned = {"sales_volume_90d": Decimal(-2), "sales_value_90d": Decimal(-20), "demand_squares": Decimal(4)}
    assert set(ratios({**NOTHING, **returned}, AS_OF).values()) == {None}


def test_ratios_round_half_up_once() -> None:
    sums = {"purchase_volume_90d": Decimal(64), "purchase_value_90d": Decimal("0.000032"), "sales_volume_90d": Decimal(45),
            "sales_value_90d": Decimal(30), "stock": Decimal(-1), "out_volume_30d": Decimal(60),
            "demand_squares": Decimal(45)}  # fmt: skip
    found = ratios({**NOTHING, **sums}, AS_OF)
    assert found["average_cost_90d"] == Decimal("0.000001")  # 0.0000005
    assert found["average_price_90d"] == Decimal("0.666667")
    assert found["margin_90d"] == Decimal("0.999999")  # 1 - 0.0000005 / (2 / 3), not of rounded numbers
    assert found["days_of_cover"] == Decimal("-0.5")
    assert found["demand_cv_90d"] == 1  # half the days 1, half 0: deviation 1/2, mean 1/2
