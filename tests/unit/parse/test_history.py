"""Rows of the warehouse become the records that their source would have sent, one an identity."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import SparkSession

from castro_spark.errors import SettingsError
from castro_spark.parse.history import GENERATION, HISTORY_COLUMNS, history_records, parse_history
from castro_spark.parse.position import PositionClass
from tests.unit.parse.positions import kafka, position
from tests.unit.parse.test_records import RULES

AT = datetime(2018, 2, 18, 2, 30, 0, 123456, tzinfo=timezone.utc)  # 23:30 in Castro, the second time that day
SCHEMA = (
    "id string, product_code string, transaction_type string, quantity decimal(18,6), unit_cost decimal(18,6),"
    " timestamp timestamp, warehouse string, supplier string, customer string, gone boolean, changed timestamp"
)


def row(number: str | None, minutes: int = 0, **values: Any) -> tuple[Any, ...]:
    whole = {
        "id": number, "product_code": "P1", "transaction_type": "SAIDA", "quantity": Decimal("0.000001"), "unit_cost": Decimal("12.5"),
        "timestamp": AT, "warehouse": "CASTRO", "supplier": None, "customer": 'A "B"', "gone": None, "changed": AT + timedelta(minutes=minutes),
    }  # fmt: skip
    return tuple({**whole, **values}.values())


def parsed(spark: SparkSession, rows: list[tuple[Any, ...]], **options: Any) -> list[dict[str, Any]]:
    given = {"changed": "changed", "key": ["id"], "row_key": ["id"], "deleted": "gone", **options}
    rules = replace(RULES, generation=GENERATION)
    records = history_records(spark.createDataFrame(rows, SCHEMA), rules, **given).select(*HISTORY_COLUMNS)
    batches = (p for batch in records.toArrow().to_batches() for p in parse_history(batch, rules))
    return sorted((r for b in batches for r in b.to_pylist()), key=lambda r: (r["event_id"] or "", r["reason"] or ""))


def test_a_row_is_the_event_of_its_newest_change(spark: SparkSession) -> None:
    rows = [row("A"), row("A", 5, quantity=Decimal(3)), row("A", 2, quantity=Decimal(2)), row("B"), row("B", 1, gone=True)]
    a, b = parsed(spark, rows)
    assert (a["outcome"], a["event_id"], a["product_code"], a["customer"], a["supplier"]) == ("event", "A", "P1", 'A "B"', None)
    assert (a["quantity"], a["value_total"], a["timestamp"]) == (3, Decimal("37.5"), AT)
    assert (str(a["date"]), a["month"], a["day_of_week"], a["is_weekend"]) == ("2018-02-17", 2, 5, True)
    assert (b["outcome"], b["event_id"], a["partition"], b["partition"]) == ("delete", "B", 0, 0)
    # Before everything that was streamed, a snapshot too; later changes after earlier ones.
    changed = (AT + timedelta(minutes=5) - datetime(1970, 1, 1, tzinfo=timezone.utc)) // timedelta(microseconds=1)
    place = int.from_bytes(a["source_position"][4:8], "big")  # of an identity it is always the same
    assert a["source_position"] == kafka(0, place, changed, PositionClass.WAREHOUSE) < position(PositionClass.SNAPSHOT, 0)
    assert [r["source_position"][:8] for r in parsed(spark, rows[:1])] == [a["source_position"][:8]]


def test_without_an_id_the_natural_key_is_the_identity(spark: SparkSession) -> None:
    rows = [row(None), row(None, 1, quantity=Decimal(9)), row(None, 0, warehouse="ITABERA")]
    found = parsed(spark, rows)
    assert sorted(r["quantity"] for r in found) == [Decimal("0.000001"), 9]
    assert {r["event_id"][:3] for r in found} == {"nk:"}
    assert found == parsed(spark, [tuple(r) for r in rows], key=[])


def test_what_cannot_be_used_is_a_reject_with_its_reason_and_bytes(spark: SparkSession) -> None:
    rows = [row("A", unit_cost=Decimal(-1)), row("B", product_code="P\x00"), row("C", timestamp=None), row("D")]
    found = parsed(spark, rows)
    assert [r["reason"] for r in found] == ["bad_text", "missing_field", "out_of_range", None]
    assert [json.loads(r["value"])["data"]["id_evento"] for r in found] == ["B", "C", "A", "D"]
    assert len({r["partition"] for r in found[:3]}) == 3  # by which, with the offset, quarantine knows them


def test_only_identities_that_are_concerned(spark: SparkSession) -> None:
    moved = [row("A"), row("A", 1, timestamp=AT + timedelta(days=9)), row("B", 0, timestamp=AT + timedelta(days=9))]
    found = parsed(spark, moved, concerned=lambda happened: happened < AT + timedelta(days=1))
    assert [(r["event_id"], r["timestamp"]) for r in found] == [("A", AT + timedelta(days=9))]


def test_a_mapping_without_a_needed_column_is_told(spark: SparkSession) -> None:
    rows = spark.createDataFrame([row("A")], SCHEMA).drop("quantity")
    with pytest.raises(SettingsError, match=r"streams\.inventory\.history: .* no column quantity"):
        history_records(rows, RULES, changed="changed", key=["id"], row_key=["id"], deleted=None)
