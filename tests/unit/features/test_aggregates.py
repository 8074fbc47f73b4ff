"""The batch aggregates against literal rows and, for random events, against the oracle."""

from __future__ import annotations

import random
from datetime import date
from decimal import Decimal
from typing import Any

import pyarrow as pa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pyspark.sql import DataFrame, SparkSession

from castro_spark.features import daily, monthly
from castro_spark.streams import stream
from tests import oracle
from tests.builders import event, native, random_events
from tests.unit.parse.test_records import parsed


def frame(spark: SparkSession, events: list[dict[str, Any]]) -> DataFrame:
    return spark.createDataFrame(pa.Table.from_batches([parsed([native(e) for e in events])]))

INVENTORY = stream("inventory")


@settings(max_examples=4, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 10**6))
def test_agree_with_the_oracle(spark: SparkSession, seed: int) -> None:
    events = random_events(random.Random(seed), 60)
    for e in events:
        e["data_movimentacao"] = e["data_movimentacao"].replace("2026", "2025")
    rows = frame(spark, events).cache()
    sent = [((2, i), e) for i, e in enumerate(events)]
    by_day, by_month = oracle.aggregates(sent)
    columns = ["transactions", "volume", "value", "volume_in", "volume_out", "value_in", "value_out", "last_unit_cost"]
    got = {(r.product_code, r.date): tuple(r[c] for c in columns) for r in daily(rows, INVENTORY).collect()}
    assert got == {key: sums.row() for key, sums in by_day.items()}
    got = {(r.product_code, r.month): tuple(r[c] for c in columns) for r in monthly(rows, INVENTORY).collect()}
    assert got == {key: sums.row() for key, sums in by_month.items()}


def test_a_correction_counts_once_and_where_it_is(spark: SparkSession) -> None:
    sent = [event(), event(quantidade=4, data_movimentacao="2024-06-01"), event(id_evento="E2", tipo_movimentacao="X")]
    rows = sorted(daily(frame(spark, sent), INVENTORY).collect(), key=lambda r: r.date)
    assert [tuple(r) for r in rows] == [
        ("P1", date(2024, 5, 1), 1, Decimal(10), Decimal(25), *[Decimal(0)] * 4, Decimal("2.5")),
        ("P1", date(2024, 6, 1), 1, Decimal(4), Decimal(10), Decimal(4), Decimal(0), Decimal(10), Decimal(0), Decimal("2.5")),
    ]
