"""Debezium changes: what each operation becomes, under which id, in which order, from every encoding."""

from __future__ import annotations

import json
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from castro_spark.parse import SOURCE_COLUMNS, parse_batch
from tests.builders import debezium, debezium_key, event, native
from tests.unit.test_parse import NOW, RULES

Row = dict[str, Any]
Record = tuple[bytes | None, bytes | None]  # key, value
KEY = debezium_key(id=7)
PLACEHOLDER = "__debezium_unavailable_value"
UNAVAILABLE_BYTES = "X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ=="  # the same, as base64
DECIMAL = "org.apache.kafka.connect.data.Decimal"


def parsed(*records: Record) -> pa.RecordBatch:
    n = len(records)
    columns = [
        pa.array([2] * n, pa.int32()),
        pa.array(range(n), pa.int64()),
        pa.array([NOW] * n, pa.timestamp("us", tz="UTC")),
        pa.array([key for key, _ in records], pa.binary()),
        pa.array([value for _, value in records], pa.binary()),
    ]
    return parse_batch(pa.RecordBatch.from_arrays(columns, names=list(SOURCE_COLUMNS)), RULES)


def parse(*records: Record) -> list[Row]:
    return parsed(*records).to_pylist()


def one(value: bytes | None, key: bytes | None = KEY) -> Row:
    (row,) = parse((key, value))
    return row


def row_of(key: bytes | None, value: bytes | None, outcome: str, **columns: Any) -> Row:
    nothing = dict.fromkeys(("reason", "detail", "kept", "unknown", *RULES.stream.event_columns))
    source = {"partition": 2, "offset": 0, "record_timestamp": NOW, "key": key, "value": value}
    return {**source, "outcome": outcome, **nothing, **columns}


# What becomes of tests.builders.event() without an id of its own; the id is the key's.
EVENT: Row = {
    "event_id": "7", "product_code": "P1", "transaction_type": "ENTRADA", "quantity": Decimal("10.000000"),
    "unit_cost": Decimal("2.500000"), "timestamp": datetime(2024, 5, 1, 13, tzinfo=timezone.utc), "warehouse": "D1",
    "value_total": Decimal("25.000000000000"), "date": date(2024, 5, 1), "month": 5, "quarter": 2, "day_of_week": 2,
    "is_weekend": False, "position_major": 24023119, "position_minor": 24023128,
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


@pytest.mark.parametrize("op", ["c", "u"])
def test_create_and_update(op: str) -> None:
    plain, wrapped = debezium(AFTER, op=op), debezium(ENCODED, op=op, columns=COLUMNS)
    assert one(plain) == row_of(KEY, plain, "event", **EVENT)
    assert one(wrapped, WRAPPED_KEY) == row_of(WRAPPED_KEY, wrapped, "event", **EVENT)


def test_a_wrapper_without_its_schema() -> None:
    value = json.dumps({"payload": json.loads(debezium(AFTER))}).encode()
    assert one(value) == row_of(KEY, value, "event", **EVENT)


def test_read_stands_before_the_log() -> None:
    value = debezium(AFTER, op="r", snapshot="true")
    position = {"position_major": -1, "position_minor": 24023128}
    assert one(value) == row_of(KEY, value, "event", **{**EVENT, **position})


@pytest.mark.parametrize("columns", [None, COLUMNS])
def test_delete(columns: Row | None) -> None:
    position = {"position_major": 24023119, "position_minor": 24023128}
    for before in (None, {"id": 7, "codigo_produto": ""}, ENCODED):
        value = debezium(None, op="d", before=before, columns=columns)
        assert one(value) == row_of(KEY, value, "delete", event_id="7", **position)


@pytest.mark.parametrize("value", [None, b'{"schema":null,"payload":null}', b'{"schema":{},"payload":null}', b'{"payload":null}',
                                   debezium(AFTER, table="sales_orders"), debezium(None, op="d", table="x"), debezium(None, op="t", table="x"),
                                   debezium(None, op="m", table=""), debezium(None, op="m", table=...)])  # fmt: skip
def test_skipped(value: bytes | None) -> None:
    assert one(value) == row_of(KEY, value, "skip")


def test_a_changed_key_is_a_delete_and_a_create() -> None:
    old, new = debezium_key(id=7), debezium_key(id=8)
    delete, create = debezium(None, op="d", before={"id": 7}), debezium({"id": 8, **AFTER})
    rows = parse((old, delete), (old, None), (new, create))
    assert [(r["outcome"], r["event_id"]) for r in rows] == [("delete", "7"), ("skip", None), ("event", "8")]


def test_native_and_debezium_in_one_batch() -> None:
    sent = [native(event()), debezium(AFTER), b"{", native(event(id_evento="E2")), debezium(None, op="d"), None]
    rows = parse(*((KEY, value) for value in sent))
    assert [r["outcome"] for r in rows] == ["event", "event", "reject", "event", "delete", "skip"]
    alone = [{**one(value), "offset": n} for n, value in enumerate(sent)]
    for n in (0, 3):
        alone[n]["position_minor"] = n
    assert rows == alone
    assert (rows[0]["event_id"], rows[0]["position_major"]) == ("E1", (1 << 32) + 2)
    assert parsed((KEY, sent[0])).schema == parsed((KEY, sent[1])).schema == parsed().schema


REJECTS: list[tuple[bytes, str, str]] = [
    (debezium(None, op="t"), "unknown_envelope", "op t: a truncate would remove every row; do that by hand"),
    (debezium(AFTER, op="x"), "unknown_envelope", "op x: unknown, it is none of c, u, r, d"),
    (debezium(AFTER, op="cu"), "unknown_envelope", "op cu: unknown, it is none of c, u, r, d"),
    (b'{"op":"c"}', "unknown_envelope", '{"op":"c"}'),
    (b'{"op":null,"source":{}}', "unknown_envelope", '{"op":null,"source":{}}'),
    (b'{"payload":null,"x":1}', "unknown_envelope", '{"payload":null,"x":1}'),
    (b'{"payload":5}', "unknown_envelope", '{"payload":5}'),
    (b'{"payload":{"op":"c","source":[]}}', "unknown_envelope", '{"payload":{"op":"c","source":[]}}'),
    (debezium(AFTER, table=...), "unknown_envelope", "source.table: absent"),
    (debezium(None), "missing_field", "after: absent"),
    (debezium(None, op="u", columns=COLUMNS), "missing_field", "after: absent"),
    (debezium([1]), "not_an_object", "after: ['1']"),  # type: ignore[arg-type]
    (debezium(event(quantidade=None)), "missing_field", "quantidade: absent"),
    (debezium(event(codigo_produto="a\nb")), "bad_text", "codigo_produto: a?b"),
    (debezium(event(quantidade="AJiWgA==")), "bad_number", "quantidade: AJiWgA=="),  # base64, and no schema to say so
    (debezium(AFTER, sequence=None, lsn=None, ts_ms=None).replace(b"1714568400456", b"null"), "missing_field", "source.ts_ms: absent"),
    (debezium(AFTER).replace(b'"before": null', b'"before": null, "before": 1'), "duplicate_key", "before"),
    (debezium(AFTER) + b"x", "not_json", debezium(AFTER)[:120].decode()),
]  # fmt: skip


@pytest.mark.parametrize(("value", "reason", "detail"), REJECTS)
def test_rejects(value: bytes, reason: str, detail: str) -> None:
    assert one(value) == row_of(KEY, value, "reject", reason=reason, detail=detail)


# --- the id


@pytest.mark.parametrize(
    ("key", "event_id"),
    [
        (debezium_key(id=7), "7"),
        (debezium_key(id="A-1"), "A-1"),
        (debezium_key(id="a|b\\c"), "a|b\\c"),
        (debezium_key(id=True), "true"),
        (debezium_key(loja=1, nota="b"), "1|b"),
        (debezium_key(nota="b", loja=1), "b|1"),
        (debezium_key(a="x|y", b="z"), "x\\|y|z"),
        (debezium_key(a="x", b="y|z"), "x|y\\|z"),
        (debezium_key(a="x\\", b="|y"), "x\\\\|\\|y"),
        (debezium_key(a=None, b="y"), "\\N|y"),
        (debezium_key(a="\\N", b="y"), "\\\\N|y"),
        (debezium_key({"id": {"type": "int64"}}, id=7), "7"),
        (debezium_key({"id": {"type": "bytes", "name": DECIMAL, "parameters": {"scale": "0"}}}, id="AfQ="), "500"),
        (debezium_key({"id": {"type": "bytes", "name": DECIMAL, "parameters": {"scale": "0"}}}, id=1234), "1234"),
        (debezium_key({"id": {"type": "bytes", "name": DECIMAL, "parameters": {"scale": "0"}}}, id="1234"), "-2658824"),
        (debezium_key(id={"scale": 0, "value": "AfQ="}), "500"),
    ],
)
def test_ids_of_keys(key: bytes, event_id: str) -> None:
    rows = parse((key, debezium(event())), (key, debezium(None, op="d")))
    assert [(r["outcome"], r["event_id"]) for r in rows] == [("event", event_id), ("delete", event_id)]


@pytest.mark.parametrize(
    ("key", "reason", "detail"),
    [
        (debezium_key(id="a\nb"), "bad_text", 'key: {"id": "a\\nb"}'),
        (debezium_key(id="x" * 201), "bad_text", f'key: {{"id": "{"x" * 107}'),
        (debezium_key(id={"a": 1}), "bad_text", 'key: {"id": {"a": 1}}'),
        (b'{"id":NaN}', "bad_text", 'key: {"id":NaN}'),
        (b'{"id":1,"id":2}', "duplicate_key", "key: id"),
    ],
)
def test_bad_keys(key: bytes, reason: str, detail: str) -> None:
    for value in (debezium(AFTER), debezium(None, op="d")):
        assert one(value, key) == row_of(key, value, "reject", reason=reason, detail=detail)


NO_KEYS: list[bytes | None] = [None, b"", b"7", b'"x"', b"null", b"[1]", b"{}", b"not json", b"\x00\x00\x00\x01\x02",
                               b'{"id":null}', b'{"id":""}', b'{"schema":{},"payload":7}', b'{"schema":{},"payload":null}']  # fmt: skip


@pytest.mark.parametrize("key", NO_KEYS)
def test_without_a_key_the_row_identifies_itself(key: bytes | None) -> None:
    natural = one(native(AFTER))["event_id"]
    for row, event_id in ((event(), "E1"), (AFTER, natural), ({**AFTER, "data_movimentacao": 1714557600000}, natural)):
        rows = parse((key, debezium(row)), (key, debezium(None, op="d", before=row)))
        assert [(r["outcome"], r["event_id"]) for r in rows] == [("event", event_id), ("delete", event_id)]


@pytest.mark.parametrize("before", [None, {}, {"id": 7}, event(id_evento=None, deposito=None), event(id_evento=..., deposito=PLACEHOLDER),
                                    event(id_evento=PLACEHOLDER)])  # fmt: skip
def test_a_delete_that_names_no_row(before: Row | None) -> None:
    value = debezium(None, op="d", before=before)
    assert one(value, None) == row_of(None, value, "reject", reason="missing_field", detail="key: absent")


def test_without_a_key_no_update_leaves_a_row_behind() -> None:
    same = [debezium(event(quantidade="9"), op="u", before=before) for before in (None, event(), {"id": 7}, event(id_evento="\n"))]
    assert {r["event_id"] for r in parse(*((None, value) for value in same))} == {"E1"}
    moved = debezium(AFTER, op="u", before={**AFTER, "deposito": "D2"})
    detail = "key: absent, and the update changes the event's identity"
    assert one(moved, None) == row_of(None, moved, "reject", reason="missing_field", detail=detail)
    assert one(moved, KEY)["outcome"] == "event"


# --- columns that were not sent


KEPT: list[tuple[Row, dict[str, None], list[str]]] = [
    ({"deposito": PLACEHOLDER}, {"warehouse": None}, ["warehouse"]),
    ({"fornecedor": PLACEHOLDER}, {}, ["supplier"]),
    ({"quantidade": PLACEHOLDER}, {"quantity": None, "value_total": None}, ["quantity"]),
    ({"custo_unitario": UNAVAILABLE_BYTES}, {"unit_cost": None, "value_total": None}, ["unit_cost"]),
    (
        {"data_movimentacao": PLACEHOLDER, "codigo_produto": PLACEHOLDER},
        dict.fromkeys(["product_code", "timestamp", "date", "month", "quarter", "day_of_week", "is_weekend"]),
        ["product_code", "timestamp"],
    ),
]


@pytest.mark.parametrize("op", ["c", "u"])
@pytest.mark.parametrize(("sent", "nulls", "kept"), KEPT)
def test_kept_columns(op: str, sent: Row, nulls: dict[str, None], kept: list[str]) -> None:
    for value in (debezium({**AFTER, **sent}, op=op), debezium({**ENCODED, **sent}, op=op, columns=COLUMNS)):
        assert one(value) == row_of(KEY, value, "event", **{**EVENT, **nulls}, kept=kept)


def test_a_native_placeholder_is_a_text() -> None:
    row = one(native(event(deposito=PLACEHOLDER)))
    assert (row["warehouse"], row["kept"]) == (PLACEHOLDER, None)


def test_without_a_key_a_kept_column_of_the_identity_is_unusable() -> None:
    value = debezium(event(id_evento=..., deposito=PLACEHOLDER), op="u")
    assert one(value, None) == row_of(None, value, "reject", reason="missing_field", detail="key: absent")
    assert one(debezium(event(deposito=PLACEHOLDER), op="u"), None)["event_id"] == "E1"


# --- values


def decimal(scale: object) -> Row:
    return {**COLUMNS, "quantidade": {"type": "bytes", "name": DECIMAL, "parameters": {"scale": scale}}}


VARIABLE = {**COLUMNS, "quantidade": {"type": "struct", "name": "io.debezium.data.VariableScaleDecimal"}}
DOUBLE = {**COLUMNS, "quantidade": {"type": "double"}}
STRING = {**COLUMNS, "quantidade": {"type": "string"}}
NUMBERS: list[tuple[Any, Row, str]] = [
    # base64: the unscaled number, big-endian two's complement
    ("AA==", decimal("2"), "0"),
    ("AQ==", decimal("2"), "0.01"),
    ("/w==", decimal("2"), "-0.01"),
    ("fw==", decimal("0"), "127"),
    ("AIA=", decimal("0"), "128"),
    ("gA==", decimal("0"), "-128"),
    ("6Ryg", decimal("6"), "-1.5"),
    ("AAAAAQ==", decimal("0"), "1"),
    ("AQ==", decimal("-3"), "1000"),
    ("AfQ=", decimal("8"), "0.000005"),  # trailing zeros beyond the sixth decimal
    ("DeC2s6dj/w==", decimal("6"), "3906249999.999999"),
    # a text of digits is base64, a number is itself (the converter's decimal.format=numeric)
    ("1234", decimal("0"), "-2658824"),
    (1234, decimal("0"), "1234"),
    (-1234, decimal("0"), "-1234"),
    (12.5, decimal("2"), "12.5"),
    ({"scale": 1, "value": "fw=="}, VARIABLE, "12.7"),
    ({"scale": -1, "value": "fw=="}, VARIABLE, "1270"),
    ({"scale": 0, "value": "1234"}, VARIABLE, "-2658824"),
    (0.1, DOUBLE, "0.1"),
    (7, DOUBLE, "7"),
    ("1234", STRING, "1234"),
    ("-1.50", STRING, "-1.5"),
]


@pytest.mark.parametrize(("sent", "columns", "quantity"), NUMBERS)
def test_numbers(sent: Any, columns: Row, quantity: str) -> None:
    row = one(debezium({**ENCODED, "quantidade": sent}, columns=columns))
    assert (row["outcome"], row["quantity"]) == ("event", Decimal(quantity)), row["detail"]


@pytest.mark.parametrize(("sent", "quantity"), [("1.5", "1.5"), (1.5, "1.5"), (3, "3"), ({"scale": 1, "value": "fw=="}, "12.7")])
def test_numbers_without_a_schema(sent: Any, quantity: str) -> None:
    assert one(debezium({**AFTER, "quantidade": sent}))["quantity"] == Decimal(quantity)


@pytest.mark.parametrize(
    ("sent", "columns", "reason"),
    [
        ("", decimal("2"), "bad_number"),
        ("A", decimal("2"), "bad_number"),
        ("AQ", decimal("2"), "bad_number"),
        ("é", decimal("2"), "bad_number"),
        ([1], decimal("2"), "bad_number"),
        (True, decimal("2"), "bad_number"),
        ("AQ==", decimal("x"), "bad_number"),
        ("AQ==", decimal(None), "bad_number"),
        ("AQ==", decimal([1]), "bad_number"),
        ("AQ==", {**COLUMNS, "quantidade": {"name": DECIMAL}}, "bad_number"),
        ("AfQ=", decimal("9"), "too_precise"),
        ("AQ==", decimal("99999"), "too_precise"),
        ("AQ==", decimal("-12"), "out_of_range"),
        ("AQ==", decimal("-99999"), "out_of_range"),
        ("A!Q==", decimal("2"), "bad_number"),
        ("f" + "w" * 3999, decimal("0"), "out_of_range"),
        ({"scale": 1, "value": 5}, VARIABLE, "bad_number"),
        ({"scale": "x", "value": "fw=="}, VARIABLE, "bad_number"),
        ({"scale": 1}, VARIABLE, "bad_number"),
    ],
)
def test_bad_numbers(sent: Any, columns: Row, reason: str) -> None:
    row = one(debezium({**ENCODED, "quantidade": sent}, columns=columns))
    assert (row["outcome"], row["reason"]) == ("reject", reason)
    assert row["detail"].startswith("quantidade: ")


def test_a_negative_price_in_base64() -> None:
    value = debezium({**ENCODED, "custo_unitario": "/w=="}, columns=COLUMNS)
    assert one(value) == row_of(KEY, value, "reject", reason="out_of_range", detail="custo_unitario: /w==")


def test_texts_that_are_numbers() -> None:
    number = {**COLUMNS, "codigo_produto": {"type": "bytes", "name": DECIMAL, "parameters": {"scale": "0"}}}
    sent: list[tuple[Any, Row | None]] = [(500, None), ("500", COLUMNS), (500, COLUMNS), ("AfQ=", number), (500, number),
                                          ({"scale": 0, "value": "AfQ="}, None)]  # fmt: skip
    rows = [one(debezium({**(ENCODED if c else AFTER), "codigo_produto": v}, columns=c)) for v, c in sent]
    assert [r["product_code"] for r in rows] == ["500"] * 6


def time(name: str | None, type_: str = "int64") -> Row:
    return {**COLUMNS, "data_movimentacao": {"type": type_, **({"name": name} if name else {})}}


DATE, MILLIS = time("io.debezium.time.Date", "int32"), time("io.debezium.time.Timestamp")
MICROS, NANOS = time("io.debezium.time.MicroTimestamp"), time("io.debezium.time.NanoTimestamp")
CONNECT_DATE, CONNECT_MILLIS = time("org.apache.kafka.connect.data.Date", "int32"), time("org.apache.kafka.connect.data.Timestamp")
ZONED = time("io.debezium.time.ZonedTimestamp", "string")
ISO, ISO_DATE = time("io.debezium.time.IsoTimestamp", "string"), time("io.debezium.time.IsoDate", "string")
# Sent, the schema (and once more without: the magnitude tells the same), the instant, the local day.
TIMES: list[tuple[Any, Row, str, str]] = [
    (19844, DATE, "2024-05-01T03:00:00", "2024-05-01"),
    (19844, CONNECT_DATE, "2024-05-01T03:00:00", "2024-05-01"),
    (1714557600001, MILLIS, "2024-05-01T13:00:00.001000", "2024-05-01"),
    (1714557600001, CONNECT_MILLIS, "2024-05-01T13:00:00.001000", "2024-05-01"),
    (1714557600000001, MICROS, "2024-05-01T13:00:00.000001", "2024-05-01"),
    (1714557600000001999, NANOS, "2024-05-01T13:00:00.000001", "2024-05-01"),
    (7305, DATE, "1990-01-01T02:00:00", "1990-01-01"),
    (631152000000000, MICROS, "1990-01-01T02:00:00", "1990-01-01"),
    # 2018-11-04 begins at 01:00
    (17839, DATE, "2018-11-04T03:00:00", "2018-11-04"),
    (1541289600000, MILLIS, "2018-11-04T03:00:00", "2018-11-04"),
    (1541291400000000, MICROS, "2018-11-04T03:30:00", "2018-11-04"),  # 00:30, which no clock showed
    (1541289599999999999, NANOS, "2018-11-04T02:59:59.999999", "2018-11-03"),
    # 2018-02-17 has 25 hours: 23:30 came twice, the first counts
    (1518910200000, MILLIS, "2018-02-18T01:30:00", "2018-02-17"),
    (1518912000000000, MICROS, "2018-02-18T03:00:00", "2018-02-18"),
    (17579, DATE, "2018-02-17T02:00:00", "2018-02-17"),
]  # fmt: skip


@pytest.mark.parametrize(("sent", "columns", "instant", "day"), TIMES)
def test_wall_clocks(sent: Any, columns: Row, instant: str, day: str) -> None:
    for value in (debezium({**ENCODED, "data_movimentacao": sent}, columns=columns), debezium({**AFTER, "data_movimentacao": sent})):
        row = one(value)
        assert row["outcome"] == "event", row["detail"]
        assert row["timestamp"] == datetime.fromisoformat(instant).replace(tzinfo=timezone.utc)
        assert row["date"].isoformat() == day


@pytest.mark.parametrize(
    ("sent", "columns", "instant"),
    [
        ("2024-05-01T10:00:00Z", ZONED, "2024-05-01T10:00:00"),
        ("2024-05-01T10:00:00.123456-03:00", ZONED, "2024-05-01T13:00:00.123456"),
        ("2024-05-01T10:00:00Z", None, "2024-05-01T10:00:00"),
        ("2024-05-01T10:00:00", None, "2024-05-01T13:00:00"),
        ("2024-05-01T10:00:00.5Z", ISO, "2024-05-01T13:00:00.500000"),  # a wall clock for all its Z
        ("2018-11-04T00:00:00Z", ISO, "2018-11-04T03:00:00"),
        ("2024-05-01Z", ISO_DATE, "2024-05-01T03:00:00"),
        ("2024-05-01Z", None, "2024-05-01T03:00:00"),
        # a bigint or a text that an application keeps its instants in, as native records have them
        (1714568400000, time(None), "2024-05-01T13:00:00"),
        ("1714568400000", time(None, "string"), "2024-05-01T13:00:00"),
    ],
)
def test_texts_and_instants(sent: Any, columns: Row | None, instant: str) -> None:
    row = one(debezium({**(ENCODED if columns else AFTER), "data_movimentacao": sent}, columns=columns))
    assert row["timestamp"] == datetime.fromisoformat(instant).replace(tzinfo=timezone.utc)


def test_native_milliseconds_stay_an_instant() -> None:
    assert one(native(event(data_movimentacao=1714557600000)))["timestamp"].hour == 10
    assert one(debezium(event(data_movimentacao=1714557600000)))["timestamp"].hour == 13


@pytest.mark.parametrize(
    ("sent", "columns", "reason"),
    [
        (7304, DATE, "timestamp_out_of_range"),
        (-1, MICROS, "timestamp_out_of_range"),
        (0, None, "timestamp_out_of_range"),
        (9223372036825200000, MICROS, "timestamp_out_of_range"),  # PostgreSQL's infinity
        (10**300, MICROS, "timestamp_out_of_range"),
        (10**300, None, "timestamp_out_of_range"),
        (4102444800000, MILLIS, "timestamp_out_of_range"),
        (1.5, MICROS, "bad_timestamp"),
        ("x", MICROS, "bad_timestamp"),
        ("2024-13-01Z", ISO_DATE, "bad_timestamp"),
        (True, MICROS, "bad_timestamp"),
        (-1, None, "timestamp_out_of_range"),
        (-(10**18), None, "timestamp_out_of_range"),
        ("9" * 5000, MICROS, "timestamp_out_of_range"),
        (5, {**COLUMNS, "data_movimentacao": {"name": [1]}}, "timestamp_out_of_range"),
        ({"a": 1}, MICROS, "bad_timestamp"),
        ([1], {**COLUMNS, "data_movimentacao": {"name": [1]}}, "bad_timestamp"),
    ],
)
def test_bad_times(sent: Any, columns: Row | None, reason: str) -> None:
    row = one(debezium({**(ENCODED if columns else AFTER), "data_movimentacao": sent}, columns=columns))
    assert (row["outcome"], row["reason"]) == ("reject", reason)


# --- positions


def position(**source: Any) -> tuple[int, int]:
    row = one(debezium(AFTER, **source))
    return row["position_major"], row["position_minor"]


def test_lsns_order_across_transactions() -> None:
    """A began before B and wrote after it; B was committed first. So all of B stands before all of A."""
    b = [position(sequence='["100","130"]', lsn=130), position(sequence='["100","150"]', lsn=150)]
    a = [position(sequence='["160","120"]', lsn=120), position(sequence='["160","140"]', lsn=140)]
    assert b + a == sorted(b + a) == [(100, 130), (100, 150), (160, 120), (160, 140)]


def test_snapshots_stand_before_the_log_and_in_their_own_order() -> None:
    first, second = position(op="r", snapshot="first", lsn=900), position(op="r", snapshot="last", lsn=950)
    start = position(sequence='[null,"5"]', lsn=5)
    assert [first, second, start] == sorted([first, second, start]) == [(-1, 900), (-1, 950), (0, 5)]
    for flag in (True, "true", "first_in_data_collection", "incremental"):
        assert position(op="c", snapshot=flag) == (-1, 24023128)
    for flag in (False, "false", None, ...):
        assert position(op="c", snapshot=flag) == (24023119, 24023128)
    assert position(op="r", snapshot=..., sequence=..., lsn=...) == (-1, 1714568400123)


MYSQL = {"connector": "mysql", "sequence": None, "lsn": ...}


def test_binlogs_order() -> None:
    places = [("binlog.000009", 900, 2), ("mysql-bin.000010", 4, 0), ("mysql-bin.000010", 4, 1), ("mysql-bin.000010", 700, 0)]
    found = [position(**MYSQL, file=file, pos=pos, row=row) for file, pos, row in places]
    assert found == sorted(found) == [(9, (900 << 16) + 2), (10, 4 << 16), (10, (4 << 16) + 1), (10, 700 << 16)]
    assert position(**MYSQL, file="b.1", pos=(1 << 47) - 1, row=1 << 20) == (1, (1 << 63) - 1)
    for file, pos in (("b.1", 1 << 47), ("b.1", -1), ("b.9999999999999999999", 4), ("b", 4)):
        assert position(**MYSQL, file=file, pos=pos, row=0) == (1714568400123, 0)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({"sequence": None}, (24023128, 0)),
        ({"sequence": '["x","5"]'}, (24023128, 0)),
        ({"sequence": '["9223372036854775807","9223372036854775807"]'}, ((1 << 63) - 1, (1 << 63) - 1)),
        ({"sequence": '["9223372036854775808","5"]'}, (24023128, 0)),
        ({"sequence": ["1", "2"], "lsn": "x"}, (1714568400123, 0)),
        ({"sequence": None, "lsn": 1 << 63}, (1714568400123, 0)),
        ({"connector": "oracle", "sequence": None, "lsn": ..., "scn": "2122185", "commit_scn": "2122190"}, (1714568400123, 0)),
        ({"connector": "sqlserver", "sequence": None, "lsn": ..., "change_lsn": "00000027:00000758:0003"}, (1714568400123, 0)),
        ({"sequence": None, "lsn": None, "ts_ms": None}, (1714568400456, 0)),
    ],
)
def test_other_logs(source: Row, expected: tuple[int, int]) -> None:
    assert position(**source) == expected


def test_times_order_by_offset_within_one() -> None:
    value = debezium(AFTER, sequence=None, lsn=None)
    assert [r["position_minor"] for r in parse((KEY, value), (KEY, value))] == [0, 1]


# --- whatever else


NAMES = [*AFTER, "id_evento", "fornecedor", "cliente"]
LITERALS = [PLACEHOLDER, UNAVAILABLE_BYTES, "AQ==", "1234", "\ud800", "\x00", "2024-05-01", "-", 10**30, -(10**400), 1714557600000]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(LITERALS),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.sampled_from(["scale", "value", "op", "payload", "name"]) | st.text(), inner, max_size=4),
    max_leaves=8,
)
SCHEMA = st.sampled_from([*COLUMNS.values(), {"name": DECIMAL, "parameters": {"scale": "0"}}, *(t["data_movimentacao"] for t in (DATE, NANOS, ISO))])
COLUMN_SCHEMAS = st.dictionaries(st.sampled_from(NAMES), SCHEMA | st.dictionaries(st.sampled_from(["name", "parameters"]), JSON))
# Sound images with a few columns changed, and now and then whatever.
IMAGES = st.integers(0, 9).flatmap(
    lambda n: JSON if n == 0 else st.dictionaries(st.sampled_from(NAMES), st.sampled_from(LITERALS) | JSON, max_size=2).map(lambda changes: {**AFTER, **changes})
)
OPS = st.sampled_from(["c", "u", "r", "d"] * 3 + ["t", "m", "x", None, {}, 1])
PLACES = st.sampled_from(["table", "snapshot", "sequence", "lsn", "file", "pos", "row", "ts_ms"])
SOURCES = st.just({}) | st.dictionaries(PLACES, JSON, max_size=2)
CHANGES = st.builds(
    lambda after, op, before, columns, source: debezium(after, op=op, before=before, columns=columns, **source),
    IMAGES, OPS, IMAGES, st.none() | COLUMN_SCHEMAS, SOURCES,
)  # fmt: skip
ENVELOPES = st.builds(
    lambda names, values: json.dumps(dict(zip(names, values, strict=False))).encode(),
    st.permutations(["op", "source", "before", "after", "payload", "schema", "table", "data"]),
    st.lists(JSON, max_size=8),
)
KEYS = st.none() | st.binary() | JSON.map(lambda key: json.dumps(key).encode()) | st.just(KEY)


@given(st.lists(st.tuples(KEYS, CHANGES | CHANGES | ENVELOPES | st.binary()), max_size=4))
def test_nothing_raises(records: list[Record]) -> None:
    batch = parsed(*records)
    assert batch.schema == parsed().schema
    assert [(r["key"], r["value"]) for r in batch.to_pylist()] == records
    for row in batch.to_pylist():
        known = row["outcome"] in ("event", "delete")
        assert known == (row["event_id"] is not None) == (row["position_major"] is not None)
        assert (row["outcome"] == "reject") == (row["reason"] is not None)


def test_no_depth_raises() -> None:
    for depth in (10, 100, *range(800, 1001, 5), 5000):
        nested = b"[" * depth + b"]" * depth
        change = debezium({**AFTER, "deposito": "@"}).replace(b'"@"', nested)
        plain = native(event(deposito="@")).replace(b'"@"', nested)
        rows = parse((KEY, change), (KEY, plain), (b'{"id":' + nested + b"}", debezium(None, op="d")))
        assert {r["outcome"] for r in rows} == {"reject"}
        assert {r["reason"] for r in rows} <= {"bad_text", "not_json", "missing_field"}
