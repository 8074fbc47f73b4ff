"""Several streams in one application, and a fourth that costs one file."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date, datetime, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from castro_spark.local import Stack
from tests.builders import event, native
from tests.statements import composed
from tests.system import ROOT, System

ALL = ("inventory", "sales", "procurement")
SALE = {
    "id_evento": "S1", "codigo_produto": "P1", "quantidade": 2, "preco_unitario": "7.25",
    "data_pedido": "2024-05-01T23:30:00", "cliente": "C1", "numero_pedido": "PV-1",
}  # fmt: skip
PURCHASE = {
    "codigo_produto": "P1", "quantidade": "10.5", "custo_unitario": 4, "data_compra": 1714618800000,
    "fornecedor": "F1", "numero_pedido": "PC-1", "previsao_entrega": "2024-05-20",
}  # fmt: skip


@pytest.fixture
def three(stack: Stack, tmp_path: Path) -> Iterator[System]:
    system = System(stack, tmp_path, ALL)
    system.migrate()
    yield system
    system.end()


def without_time(data: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in data.items() if key not in ("version", "created_at", "updated_at")}


def test_three_streams_side_by_side(three: System) -> None:
    three.produce([native(event())])
    three.produce([native(SALE, "sales_orders"), native({**SALE, "preco_unitario": -1}, "sales_orders")], stream="sales")
    three.produce([native(PURCHASE, "purchases"), native({**PURCHASE, "previsao_entrega": "soon"}, "purchases")],
                  stream="procurement")  # fmt: skip
    three.drain()
    columns = ("product_code", "quantity", "value_total", "timestamp", "date", "order_number")
    assert three.query(composed("SELECT {columns}, unit_price, customer FROM ml_sales_realtime", columns=columns)) == [
        ("P1", Decimal(2), Decimal("14.5"), datetime(2024, 5, 2, 2, 30, tzinfo=timezone.utc), date(2024, 5, 1), "PV-1",
         Decimal("7.25"), "C1")
    ]  # fmt: skip
    purchases = "SELECT {columns}, unit_cost, supplier, expected_delivery FROM ml_procurement_realtime"
    assert three.query(composed(purchases, columns=columns)) == [
        ("P1", Decimal("10.5"), Decimal(42), datetime(2024, 5, 2, 3, tzinfo=timezone.utc), date(2024, 5, 2), "PC-1",
         Decimal(4), "F1", date(2024, 5, 20))
    ]  # fmt: skip
    assert three.query("SELECT product_code, transactions, volume, value, last_unit_price FROM ml_sales_monthly") == [
        ("P1", 1, Decimal(2), Decimal("14.5"), Decimal("7.25"))
    ]
    assert three.query("SELECT product_code, transactions, volume, value, last_unit_cost FROM ml_procurement_daily") == [
        ("P1", 1, Decimal("10.5"), Decimal(42), Decimal(4))
    ]
    assert three.query("SELECT stream, reason FROM castro.quarantine ORDER BY stream") == [
        ("procurement", "bad_timestamp"), ("sales", "out_of_range"),
    ]  # fmt: skip
    assert three.query("SELECT stream, sum(next_offset) FROM castro.offset_ledger GROUP BY stream ORDER BY stream") == [
        ("inventory", 1), ("procurement", 2), ("sales", 2),
    ]  # fmt: skip
    assert without_time(three.redis.hgetall("procurement:realtime:P1"))["expected_delivery"] == "2024-05-20"
    assert three.redis.exists("inventory:realtime:P1", "sales:realtime:P1") == 2


def test_one_that_fails_holds_up_no_other(three: System) -> None:
    from confluent_kafka.admin import AdminClient

    admin = AdminClient({"bootstrap.servers": three.env["CASTRO_KAFKA_BOOTSTRAP_SERVERS"]})
    admin.delete_topics([three.topics["sales"]])[three.topics["sales"]].result(30)
    three.produce([native(event())])
    three.produce([native(PURCHASE, "purchases")], stream="procurement")
    output = three.job("stream", "--available-now", status=1)
    assert f"there is no topic {three.topics['sales']}" in output
    assert three.query("SELECT count(*) FROM ml_inventory_realtime") == [(1,)]
    assert three.query("SELECT count(*) FROM ml_procurement_realtime") == [(1,)]


FOURTH = '''
"""Milk that farms deliver."""

from castro_spark.streams.declaration import Field, FieldType, StreamDeclaration

STREAM = StreamDeclaration(
    name="milk",
    topic="castrolanda.milk.updates",
    envelope_tables=("milk_deliveries",),
    event_id_field="id_evento",
    fields=(
        Field("codigo_produto", "product_code", max_length=64),
        Field("litros", "quantity", FieldType.DECIMAL),
        Field("preco_litro", "unit_price", FieldType.DECIMAL, non_negative=True),
        Field("data_coleta", "timestamp", FieldType.TIMESTAMP),
        Field("fazenda", "farm"),
    ),
    natural_key=("product_code", "timestamp", "farm"),
    price="unit_price",
    aggregate_prefix="agg:milk",
)
'''


def test_a_fourth_stream_costs_one_file(stack: Stack, tmp_path: Path) -> None:
    copy = tmp_path / "castro"
    for part in ("castro_spark", "jobs", "conf", "sql", "spark-submit.sh", "pyproject.toml"):
        source = ROOT / part
        copied = shutil.copytree if source.is_dir() else shutil.copy2
        copy.mkdir(exist_ok=True)
        copied(source, copy / part)
    (copy / "castro_spark" / "streams" / "milk.py").write_text(FOURTH)
    system = System(stack, tmp_path, ("milk",), root=copy)
    home = Path(system.env.get("CASTRO_HOME", ROOT / ".castro"))
    system.env |= {"CASTRO_HOME": str(home), "CASTRO_VENV": system.env.get("CASTRO_VENV", str(home / "venv"))}
    system.conf.write_text("")  # not a word of conf either
    system.migrate()
    data = {"codigo_produto": "LEITE", "litros": "1200.5", "preco_litro": 2.5, "data_coleta": "2024-05-01", "fazenda": "F"}
    system.topics["milk"] = "castrolanda.milk.updates"
    system.produce([native(data, "milk_deliveries")], stream="milk")
    system.drain()
    assert system.query("SELECT product_code, farm, value_total, date FROM ml_milk_realtime") == [
        ("LEITE", "F", Decimal("3001.25"), date(2024, 5, 1))
    ]
    assert system.query("SELECT volume, last_unit_price FROM ml_milk_monthly") == [(Decimal("1200.5"), Decimal("2.5"))]
    assert system.redis.exists("milk:realtime:LEITE") == 1
    system.end()
