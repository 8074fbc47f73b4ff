"""Records -> columns, by Arrow's own JSON reader, with exact decimals; one by one only where that refuses a batch."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import json as arrow_json

_TABLE = "inventory_transactions"
_ZONE = "America/Sao_Paulo"
_DECIMAL = pa.decimal128(18, 6)
_FIELDS = {
    "id_evento": ("event_id", pa.string()), "codigo_produto": ("product_code", pa.string()),
    "tipo_movimentacao": ("transaction_type", pa.string()), "quantidade": ("quantity", _DECIMAL),
    "custo_unitario": ("unit_cost", _DECIMAL), "data_movimentacao": ("timestamp", pa.timestamp("ms")),
    "deposito": ("warehouse", pa.string()), "fornecedor": ("supplier", pa.string()),
    "cliente": ("customer", pa.string()),
}  # fmt: skip
_OPTIONAL = ("supplier", "customer")
_SCHEMA = pa.schema(
    [("table", pa.string()), ("data", pa.struct([(name, kind) for name, (_, kind) in _FIELDS.items()]))]
)
_PARSE = arrow_json.ParseOptions(explicit_schema=_SCHEMA, unexpected_field_behavior="ignore", newlines_in_values=False)
_READ = arrow_json.ReadOptions(block_size=4 << 20)
Reject = tuple[int, int, bytes, str]  # partition, offset, value, reason


@dataclass(frozen=True)
class Parsed:
    """`rows` has the columns of the events table, and source_partition and source_offset in place of the position."""

    rows: pa.Table
    rejects: list[Reject]


def parsed(messages: Sequence[Any]) -> Parsed:
    """The messages as columns; those that cannot be used as rejects."""
    rejects: list[Reject] = []
    try:
        rows = _columns(messages)
    except pa.ArrowInvalid:  # some record is no JSON, or a number no number: Arrow does not say which
        reasons = [_unusable(m.value()) for m in messages]
        rejects = [_reject(m, reason) for m, reason in zip(messages, reasons, strict=True) if reason]
        messages = [m for m, reason in zip(messages, reasons, strict=True) if not reason]
        rows = _columns(messages)
    good = pc.and_(
        pc.equal(rows["table"], _TABLE), pc.greater_equal(rows["unit_cost"], pa.scalar(Decimal(0), _DECIMAL))
    )
    for name, _ in _FIELDS.values():
        if name not in _OPTIONAL:
            good = pc.and_(good, rows[name].is_valid())
    good = good.fill_null(False)
    if not pc.all(good).as_py():
        rejects += [
            _reject(m, "unusable") for m, is_good in zip(messages, good.to_pylist(), strict=True) if not is_good
        ]
        rows = rows.filter(good)
    return Parsed(_derived(rows.drop_columns(["table"])), rejects)


def _columns(messages: Sequence[Any]) -> pa.Table:
    if not messages:
        return _empty()
    text = b"\n".join([m.value() for m in messages])
    read = arrow_json.read_json(io.BytesIO(text), _READ, _PARSE)
    if len(read) != len(messages):
        raise pa.ArrowInvalid("records with line breaks")
    rows = read.select(["data"]).flatten().rename_columns([column for column, _ in _FIELDS.values()])
    rows = rows.append_column("table", read["table"])
    rows = rows.append_column("source_partition", pa.array([m.partition() for m in messages], pa.int32()))
    return rows.append_column("source_offset", pa.array([m.offset() for m in messages], pa.int64()))


def _empty() -> pa.Table:
    fields = [
        *_FIELDS.values(),
        ("table", pa.string()),
        ("source_partition", pa.int32()),
        ("source_offset", pa.int64()),
    ]
    return pa.schema(fields).empty_table()


def _derived(rows: pa.Table) -> pa.Table:
    local = rows["timestamp"]
    instant = pc.assume_timezone(local, _ZONE, ambiguous="earliest", nonexistent="earliest")
    day_of_week = pc.day_of_week(local)
    rows = rows.set_column(rows.column_names.index("timestamp"), "timestamp", instant)
    for name, values in {
        "value_total": pc.multiply(rows["quantity"], rows["unit_cost"]),
        "date": local.cast(pa.date32(), safe=False),
        "month": pc.month(local), "quarter": pc.quarter(local), "day_of_week": day_of_week,
        "is_weekend": pc.greater_equal(day_of_week, 5),
    }.items():  # fmt: skip
        rows = rows.append_column(name, values)
    return rows


def _unusable(value: bytes) -> str | None:
    try:
        data = json.loads(value, parse_float=Decimal)["data"]
        for name in ("quantidade", "custo_unitario"):
            Decimal(data[name])
    except (ValueError, KeyError, TypeError, ArithmeticError) as error:
        return repr(error)
    return None


def _reject(message: Any, reason: str) -> Reject:
    return message.partition(), message.offset(), message.value(), reason
