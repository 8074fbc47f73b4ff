"""Every reason code and every accepted form, on literal records."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from pyspark.sql import SparkSession
from pyspark.testing import assertDataFrameEqual

from castro_spark.parse import SOURCE_COLUMNS, ParseRules, parse_batch, parse_records
from castro_spark.streams import stream
from tests.builders import event, native
from tests.unit.parse.positions import kafka

NOW = datetime(2026, 1, 31, 12, tzinfo=timezone.utc)
RULES = ParseRules(
    stream=stream("inventory"),
    timezone="America/Sao_Paulo",
    now=NOW,
    future_allowance=timedelta(days=1),
    max_bytes=1 << 20,
    generation=1,
)
Row = dict[str, Any]


def records(values: list[bytes | None]) -> pa.RecordBatch:
    n = len(values)
    columns = [
        pa.array([2] * n, pa.int32()),
        pa.array(range(n), pa.int64()),
        pa.array([NOW] * n, pa.timestamp("us", tz="UTC")),
        pa.nulls(n, pa.binary()),
        pa.array(values, pa.binary()),
    ]
    return pa.RecordBatch.from_arrays(columns, names=list(SOURCE_COLUMNS))


def parsed(values: list[bytes | None]) -> pa.RecordBatch:
    return parse_batch(records(values), RULES)


def parse(values: list[bytes | None]) -> list[Row]:
    return parsed(values).to_pylist()


def number(text: bytes) -> bytes:
    return native(event(quantidade="@")).replace(b'"@"', text)


REJECTS: dict[str, list[bytes]] = {
    "not_json": [b"", b" ", b"{", b"{'table': 1}", b"\xff\xfe", b"\xef\xbb\xbf" + native(event()), native(event()) + b" x",
                 native(event()) + b"," + native(event()), number(b"01")],
    "not_an_object": [b"[1]", b'"x"', b"5", b"null", b'{"table":"inventory_transactions","data":[1]}'],
    "unknown_envelope": [b"{}", b'{"x":1}', b'{"table":"inventory_transactions"}', b'{"table":"inventory_transactions","data":null}'],
    "missing_field": [native(event(quantidade=...)), native(event(codigo_produto=None)), native(event(deposito=...))],
    "bad_number": [number(t) for t in (b'"1,5"', b'"abc"', b"NaN", b"Infinity", b"true", b'""', b'" 1"', b'{"a":1}')],
    "out_of_range": [number(t) for t in (b"1e400", b"1234567890123", b"1" * 2000, b"12345678901234567.5")]
    + [native(event(custo_unitario=-1)), native(event(custo_unitario="-0.000001"))],
    "too_precise": [number(t) for t in (b"0.0000001", b"1e-7", b"1.00000000000000000000000001", b"1e-99999999999")],
    "bad_timestamp": [native(event(data_movimentacao=t)) for t in ("x", "2024-13-01", "2024-02-30", True, "24-01-01", "2024-01-01T25:00:00")],
    "timestamp_out_of_range": [native(event(data_movimentacao=t)) for t in ("1989-12-31T23:59:59", "2999-02-02", 10**17, 0)],
    "bad_text": [native(event(**{k: v})) for k, v in (
        ("codigo_produto", ""), ("codigo_produto", " "), ("codigo_produto", "x" * 65), ("codigo_produto", "a\x00b"),
        ("codigo_produto", "a\nb"), ("codigo_produto", {"a": 1}), ("codigo_produto", True), ("codigo_produto", "\ud800"),
        ("deposito", [1]), ("id_evento", "x" * 201))],
    "too_large": [native(event(cliente="x" * (1 << 20)))],
    "duplicate_key": [b'{"table":"inventory_transactions","data":{"a":1,"a":2}}',
                      b'{"table":"inventory_transactions","data":{"a":1},"data":{"b":1}}'],
}  # fmt: skip


@pytest.mark.parametrize("reason", REJECTS)
def test_reason(reason: str) -> None:
    rows = parse(REJECTS[reason])
    assert [(r["outcome"], r["reason"], r["value"]) for r in rows] == [("reject", reason, v) for v in REJECTS[reason]]
    assert all(r["detail"] is not None for r in rows)


def test_fields_that_no_declaration_knows_are_named() -> None:
    rows = parse([native(event(lote="L1", **{"a\nb": 1})), native(event()), native(event(lote=1, quantidade="x"))])
    assert [(r["outcome"], r["unknown"]) for r in rows] == [
        ("event", ["a?b", "lote"]), ("event", None), ("reject", ["lote"]),
    ]  # fmt: skip


def test_a_batch_of_none_and_of_no_events() -> None:
    assert parse([]) == []
    assert [r["outcome"] for r in parse([b"{", None])] == ["reject", "skip"]


def test_skipped() -> None:
    rows = parse([None, native(event(), table="sales_orders"), b'{"table":"x","data":{}}'])
    assert [(r["outcome"], r["reason"], r["detail"]) for r in rows] == [
        ("skip", "tombstone", None), ("skip", "other_table", "sales_orders"), ("skip", "other_table", "x"),
    ]  # fmt: skip


def test_a_whole_event() -> None:
    value = native(event(cliente="C", quantidade=-1.5))
    assert parse([value]) == [{
        "partition": 2, "offset": 0, "record_timestamp": NOW, "key": None, "value": value, "outcome": "event",
        "reason": None, "detail": None, "kept": None, "unknown": None, "raw_id": None, "event_id": "E1", "product_code": "P1",
        "transaction_type": "ENTRADA",
        "quantity": Decimal("-1.500000"), "unit_cost": Decimal("2.500000"),
        "timestamp": datetime(2024, 5, 1, 13, tzinfo=timezone.utc), "warehouse": "D1",
        "supplier": None, "customer": "C", "value_total": Decimal("-3.750000000000"),
        "date": date(2024, 5, 1), "month": 5, "quarter": 2, "day_of_week": 2, "is_weekend": False,
        "source_position": kafka(1, 2, 0),
    }]  # fmt: skip


def test_a_dataframe_gives_the_same(spark: SparkSession) -> None:
    values = [native(event()), b"{", None, native(event(id_evento=..., quantidade="1e3", cliente="é"))]
    batch = records(values)
    frame = spark.createDataFrame(pa.Table.from_batches([batch]))
    found = parse_records(frame, RULES)
    expected = spark.createDataFrame(pa.Table.from_batches([parsed(values)]), found.schema)
    assertDataFrameEqual(found, expected)


@pytest.mark.parametrize(
    ("text", "quantity"),
    [(b"1.10", "1.1"), (b"1.5e3", "1500"), (b'"+1.0"', "1"), (b'"1."', "1"), (b'".5"', "0.5"), (b"0e9", "0"),
     (b"123456789012.123456", "123456789012.123456"), (b"1.1234560000000000000000", "1.123456"), (b"-0", "0"),
     (b"12345678901.2345670e1", "123456789012.34567")],
)  # fmt: skip
def test_exact_numbers(text: bytes, quantity: str) -> None:
    (row,) = parse([number(text)])
    assert (row["outcome"], row["quantity"]) == ("event", Decimal(quantity))


TIMES: list[tuple[Any, str, str]] = [
    ("2018-11-04", "2018-11-04T03:00:00", "2018-11-04"),  # midnight does not exist
    ("2018-11-04T00:30", "2018-11-04T03:30:00", "2018-11-04"),
    ("2018-02-17 23:30:00", "2018-02-18T01:30:00", "2018-02-17"),  # comes twice: the first
    ("2018-02-18T02:30:00Z", "2018-02-18T02:30:00", "2018-02-17"),  # the 25th hour
    ("2026-01-31T01:30:00Z", "2026-01-31T01:30:00", "2026-01-30"),
    ("2024-05-01T10:00:00.123456789-0300", "2024-05-01T13:00:00.123456", "2024-05-01"),
    ("2024-05-01 10:00:00,5 +05:30", "2024-05-01T04:30:00.500000", "2024-05-01"),
    ("2024-05-01T10:00-03", "2024-05-01T13:00:00", "2024-05-01"),
    (1714568400000, "2024-05-01T13:00:00", "2024-05-01"),
    ("1714568400001", "2024-05-01T13:00:00.001000", "2024-05-01"),
]


@pytest.mark.parametrize(("given", "instant", "day"), TIMES)
def test_times(given: Any, instant: str, day: str) -> None:
    (row,) = parse([native(event(data_movimentacao=given))])
    expected = datetime.fromisoformat(instant).replace(tzinfo=timezone.utc)
    assert row["outcome"] == "event", row["reason"]
    assert row["timestamp"] == expected
    assert row["date"].isoformat() == day


def test_identity_of_the_natural_key() -> None:
    sent = [event(id_evento=...), event(id_evento="", quantidade=7), event(id_evento=..., cliente="C")]
    same, again, other = (r["event_id"] for r in parse([native(e) for e in sent]))
    assert same == again != other
    assert same.startswith("nk:01714568400:")


def test_letters_beyond_the_basic_plane_and_escaped_backslashes() -> None:
    rows = parse([native(event(codigo_produto=c)) for c in ("😀", "\\ud800", "a?b", "{x", "true")])
    assert [r["product_code"] for r in rows] == ["😀", "\\ud800", "a?b", "{x", "true"]
    assert {r["outcome"] for r in rows} == {"event"}
