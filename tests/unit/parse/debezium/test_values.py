"""The values of Debezium changes: decimals, texts and times in every encoding, with their schema and without."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import pytest

from tests.builders import debezium, event, native
from tests.unit.parse.debezium.records import AFTER, COLUMNS, DECIMAL, ENCODED, KEY, Row, one, row_of


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


@pytest.mark.parametrize("written", [
    json.dumps, lambda wrapper: json.dumps(wrapper, indent=1), lambda wrapper: " " + json.dumps(wrapper),
    lambda wrapper: json.dumps(wrapper, sort_keys=True),
], ids=["as by Connect", "indented", "after a blank", "payload first"])  # fmt: skip
@pytest.mark.parametrize(("sent", "quantity"), [(1234, "1234"), ("1234", "-2658824")])
def test_a_number_is_no_base64_however_the_wrapper_is_written(sent: Any, quantity: str, written: Callable[[Any], str]) -> None:
    wrapper = json.loads(debezium({**ENCODED, "quantidade": sent}, columns=decimal("0")))
    assert one(written(wrapper).encode())["quantity"] == Decimal(quantity)


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
