"""Debezium records of one row, and what becomes of it."""

from __future__ import annotations

from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any

import pyarrow as pa

from castro_spark.parse import SOURCE_COLUMNS, ParseRules, parse_batch
from castro_spark.parse.position import PositionClass
from tests.builders import debezium_key, event
from tests.unit.parse.positions import position
from tests.unit.parse.test_records import NOW, RULES

Row = dict[str, Any]
Record = tuple[bytes | None, bytes | None]  # key, value
KEY = debezium_key(id=7)
PLACEHOLDER = "__debezium_unavailable_value"
UNAVAILABLE_BYTES = "X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ=="  # the same, as base64
DECIMAL = "org.apache.kafka.connect.data.Decimal"


def parsed(*records: Record, rules: ParseRules = RULES) -> pa.RecordBatch:
    n = len(records)
    columns = [
        pa.array([2] * n, pa.int32()),
        pa.array(range(n), pa.int64()),
        pa.array([NOW] * n, pa.timestamp("us", tz="UTC")),
        pa.array([key for key, _ in records], pa.binary()),
        pa.array([value for _, value in records], pa.binary()),
    ]
    return parse_batch(pa.RecordBatch.from_arrays(columns, names=list(SOURCE_COLUMNS)), rules)


def parse(*records: Record) -> list[Row]:
    return parsed(*records).to_pylist()


def one(value: bytes | None, key: bytes | None = KEY) -> Row:
    (row,) = parse((key, value))
    return row


def row_of(key: bytes | None, value: bytes | None, outcome: str, **columns: Any) -> Row:
    nothing = dict.fromkeys(("reason", "detail", "kept", "unknown", "raw_id", *RULES.stream.event_columns))
    source = {"partition": 2, "offset": 0, "record_timestamp": NOW, "key": key, "value": value}
    return {**source, "outcome": outcome, **nothing, **columns}


# What becomes of tests.builders.event() without an id of its own; the id is the key's.
EVENT: Row = {
    "event_id": "7", "product_code": "P1", "transaction_type": "ENTRADA", "quantity": Decimal("10.000000"),
    "unit_cost": Decimal("2.500000"), "timestamp": datetime(2024, 5, 1, 13, tzinfo=timezone.utc), "warehouse": "D1",
    "value_total": Decimal("25.000000000000"), "date": date(2024, 5, 1), "month": 5, "quarter": 2, "day_of_week": 2,
    "is_weekend": False,
    "source_position": position(PositionClass.CHANGE, 1, (24023119, 8), (24023128, 8)),
}  # fmt: skip
AFTER = event(id_evento=...)
# As a PostgreSQL table of varchar, numeric(18,6), numeric(18,2) and timestamp comes at Debezium's defaults.
COLUMNS: Row = {
    "codigo_produto": {"type": "string"}, "tipo_movimentacao": {"type": "string"}, "deposito": {"type": "string"},
    "quantidade": {"type": "bytes", "name": DECIMAL, "version": 1, "parameters": {"scale": "6", "connect.decimal.precision": "18"}},
    "custo_unitario": {"type": "bytes", "name": DECIMAL, "version": 1, "parameters": {"scale": "2"}},
    "data_movimentacao": {"type": "int64", "name": "io.debezium.time.MicroTimestamp", "version": 1},
}  # fmt: skip
ENCODED = {**AFTER, "quantidade": "AJiWgA==", "custo_unitario": "APo=", "data_movimentacao": 1714557600000000}
WRAPPED_KEY = debezium_key({"id": {"type": "int64"}}, id=7)
