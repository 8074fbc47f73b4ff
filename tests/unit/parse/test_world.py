"""Records as the world sends them: names, envelopes, blanks, dates for "none", and documents built to be slow."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pyarrow as pa
import pytest

from castro_spark.errors import SettingsError
from castro_spark.parse import SOURCE_COLUMNS, parse_batch
from castro_spark.parse.notes import Notes
from castro_spark.parse.reasons import MOST_NAMES, OTHER_NAMES
from castro_spark.rules import configured, parse_rules
from castro_spark.settings import Settings, load_settings
from castro_spark.streams import stream
from tests.builders import debezium, debezium_key, event, native
from tests.unit.parse.test_records import NOW, RULES

Row = dict[str, Any]
SETTINGS = load_settings(environ={})
LIKE_CONF = replace(parse_rules(stream("inventory"), SETTINGS, 1), now=NOW)
PURCHASES = replace(parse_rules(stream("procurement"), SETTINGS, 1), now=NOW)
PURCHASE = {
    "id_evento": "E1", "codigo_produto": "P1", "quantidade": "1", "custo_unitario": "2", "numero_pedido": "N1",
    "data_compra": "2024-05-01T10:00:00", "fornecedor": "F",
}  # fmt: skip


def read(*values: bytes | None, rules: Any = LIKE_CONF, key: bytes | None = None, at: datetime = NOW) -> list[Row]:
    n = len(values)
    columns = [
        pa.array([0] * n, pa.int32()), pa.array(range(n), pa.int64()), pa.array([at] * n, pa.timestamp("us", tz="UTC")),
        pa.array([key] * n, pa.binary()), pa.array(values, pa.binary()),
    ]  # fmt: skip
    return parse_batch(pa.RecordBatch.from_arrays(columns, names=list(SOURCE_COLUMNS)), rules).to_pylist()


def told(*values: bytes | None, **given: Any) -> list[tuple[str, str | None]]:
    return [(r["outcome"], r["reason"]) for r in read(*values, **given)]


def with_conf(**changes: Any) -> Settings:
    tree = SETTINGS.model_dump(by_alias=True)
    tree["streams"]["inventory"] |= changes
    return Settings.model_validate(tree)


# --- which table


@pytest.mark.parametrize("table", [
    "Inventory_Transactions", " INVENTORY_TRANSACTIONS ", "public.inventory_transactions", "erp.dbo.Inventory_Transactions",
    '"public"."inventory_transactions"', "[dbo].[Inventory_Transactions]", "`erp`.`inventory_transactions`",
    "\u00a0inventory_transactions\ufeff",
])  # fmt: skip
def test_a_table_is_known_without_case_schema_quotes_and_blanks(table: str) -> None:
    sent = native(event(), table=table), debezium(event(id_evento=...), table=table)
    assert told(*sent, key=debezium_key(id=1)) == [("event", None)] * 2


@pytest.mark.parametrize("table", ["inventory_transactions_2024", "inventory.transactions", "inventory_transactions.old", "", "x" * 10_000])
def test_other_tables_are_skipped_by_name(table: str) -> None:
    for row in read(native(event(), table=table), debezium(event(id_evento=...), table=table)):
        assert (row["outcome"], row["reason"], row["detail"]) == ("skip", "other_table", table[:120])


@pytest.mark.parametrize(("taken", "other"), [
    ("inventory_transactions_*", "inventory_transaction"), ("INVENTORY_transactions_20[0-9][0-9]", "inventory_transactions_2024_01"),
    ("public.inventory_transactions_????", "inventory_transactions_20245"), ("movimentos", "movimentos_2024"),
])  # fmt: skip
def test_tables_that_conf_adds(taken: str, other: str) -> None:
    settings = with_conf(tables=[taken])
    rules = parse_rules(configured(stream("inventory"), settings), settings, 1)
    name = taken.replace("*", "2024").replace("[0-9]", "2").replace("????", "2024")
    sent = [native(event(), table=t) for t in (name, f"erp.{name.upper()}", "inventory_transactions", other)]
    assert [outcome for outcome, _ in told(*sent, rules=rules)] == ["event"] * 3 + ["skip"]


@pytest.mark.parametrize("wrong", ["inventory_.*", r"inventory_\d+", "^inventory", "inventory_%", "", " . "])
def test_what_is_no_pattern_is_refused(wrong: str) -> None:
    with pytest.raises(SettingsError, match=r"streams\.inventory\.tables"):
        configured(stream("inventory"), with_conf(tables=[wrong]))


def test_what_is_skipped_is_counted_by_name_up_to_a_bound() -> None:
    sent = [native({}, table=f"t{n}") for n in range(MOST_NAMES + 50)] * 2 + [None, b'{"ts_ms":1}']
    columns = [pa.array([0] * len(sent), pa.int32()), pa.array(range(len(sent)), pa.int64()),
               pa.array([NOW] * len(sent), pa.timestamp("us", tz="UTC")), pa.nulls(len(sent), pa.binary()), pa.array(sent)]  # fmt: skip
    notes = Notes.of([parse_batch(pa.RecordBatch.from_arrays(columns, names=list(SOURCE_COLUMNS)), LIKE_CONF)])
    assert Notes.of_json(notes.as_json()).skipped == notes.skipped
    assert notes.skipped.total() == len(sent)
    assert len(notes.skipped) == MOST_NAMES + 3
    assert notes.skipped["tombstone", ""] == notes.skipped["heartbeat", ""] == 1
    assert notes.skipped["other_table", OTHER_NAMES] >= 98


# --- envelopes


@pytest.mark.parametrize("members", [
    {"type": "insert"}, {"type": "UPDATE", "old": [{}], "xid": 1}, {"op": "I"}, {"old": None}, {"xid": 5, "commit": True},
    {"type": "bootstrap-insert"}, {"Type": " Delete "}, {"op_type": "U"}, {"operation": "delete"}, {"op": "c"}, {"op": "u", "source": "x"},
])  # fmt: skip
def test_other_tools_envelopes_are_unknown(members: Row) -> None:
    value = json.dumps({"table": "inventory_transactions", "data": event(), **members}).encode()
    assert told(value) == [("reject", "unknown_envelope")]
    listed = json.dumps({"database": "erp", "table": "inventory_transactions", "data": [event()], **members}).encode()
    assert told(listed) == [("reject", "unknown_envelope")]


@pytest.mark.parametrize("members", [{"type": "inventory"}, {"type": 1}, {"ts": 5, "producer": "erp"}, {"type": None}, {"schema": "public"}])
def test_further_members_leave_a_record_native(members: Row) -> None:
    value = json.dumps({"table": "inventory_transactions", "data": event(), **members}).encode()
    assert told(value) == [("event", None)]


OF_A_CONNECTOR: list[tuple[Row, str]] = [
    ({"ts_ms": 1714568400456}, "heartbeat"),
    ({"ts_ms": 1714568400456, "ts_us": 1, "ts_ns": 1}, "heartbeat"),
    ({"status": "BEGIN", "id": "571:53195829", "ts_ms": 1, "event_count": None, "data_collections": None}, "transaction"),
    ({"status": "END", "id": "571", "ts_ms": 1, "event_count": 2,
      "data_collections": [{"data_collection": "public.inventory_transactions", "event_count": 2}]}, "transaction"),
    ({"source": {"server": "erp"}, "ts_ms": 1, "databaseName": "erp", "schemaName": None, "ddl": "ALTER TABLE x",
      "tableChanges": [{"type": "ALTER", "id": "x", "table": {}}]}, "schema_change"),
    ({"op": "m", "ts_ms": 1, "source": {"name": "erp"}, "message": {"prefix": "x", "content": "eA=="}}, "message"),
]  # fmt: skip


@pytest.mark.parametrize(("message", "kind"), OF_A_CONNECTOR)
def test_what_a_connector_tells_of_itself_is_skipped(message: Row, kind: str) -> None:
    wrapped = {"schema": {"type": "struct", "fields": [], "name": "io.debezium"}, "payload": message}
    assert told(json.dumps(message).encode(), json.dumps(wrapped).encode()) == [("skip", kind)] * 2


# --- texts


@pytest.mark.parametrize(("sent", "code"), [
    ("\u00a0P1\u200b", "P1"), ("P1   ", "P1"), ("\ufeffP1", "P1"), ("\u200fP1\u200e", "P1"), ("P1\u0085", "P1"), ("P1\u2028", "P1"),
    ("LEITE AC\u0327U\u0301CAR", "LEITE AÇÚCAR"), (" " * 5000 + "P1", "P1"), ("P1\n", "P1"), (1234, "1234"), (12.0, "12"), (10**30, "1" + "0" * 30),
])  # fmt: skip
def test_a_code_is_taken_in_its_normal_form(sent: Any, code: str) -> None:
    for row in read(native(event(codigo_produto=sent)), debezium(event(codigo_produto=sent))):
        assert (row["outcome"], row["product_code"]) == ("event", code)


@pytest.mark.parametrize("sent", ["\u00a0", "\u200b\u2060", "\ufeff", "\u3164", "\x00", "P\u0085Q", "P1\x00", 1.5, 1e-3, "\ud800", "e\u0301" * 65, "\u0301\u0316" * 75_000])
def test_a_code_that_is_none(sent: Any) -> None:
    assert told(native(event(codigo_produto=sent)), debezium(event(codigo_produto=sent))) == [("reject", "bad_text")] * 2


def test_a_number_in_exponents_is_the_code_of_its_digits() -> None:
    value = native(event(codigo_produto="@")).replace(b'"@"', b"1.5e3")
    assert [r["product_code"] for r in read(value)] == ["1500"]


def test_ids_keep_what_is_in_front() -> None:
    rows = [read(native(event(id_evento=i)))[0] for i in ("A1", "A1  ", " A1", "A1\u00a0", "AC\u0327", "AÇ")]
    assert [r["event_id"] for r in rows] == ["A1", "A1", " A1", "A1", "AÇ", "AÇ"]


# --- optional fields and dates


@pytest.mark.parametrize("blank", [None, "", "  ", "\u00a0", "\ufeff\t"])
def test_blank_is_absent_in_optional_fields(blank: Any) -> None:
    (bought,) = read(native({**PURCHASE, "previsao_entrega": blank}, table="purchases"), rules=PURCHASES)
    (moved,) = read(native(event(fornecedor=blank, cliente=blank)))
    assert (bought["outcome"], bought["expected_delivery"]) == ("event", None)
    assert (moved["outcome"], moved["supplier"], moved["customer"]) == ("event", None, None)


@pytest.mark.parametrize("none", [
    "0000-00-00", "0000-00-00 00:00:00", "0001-01-01", "0001-01-01T00:00:00Z", "1970-01-01", "1970-01-01 00:00", "9999-12-31",
    "9999-12-31T23:59:59.999999", " 0000-00-00 ",
])  # fmt: skip
def test_dates_for_none_are_absent(none: str) -> None:
    (row,) = read(native({**PURCHASE, "previsao_entrega": none}, table="purchases"), rules=PURCHASES)
    assert (row["outcome"], row["expected_delivery"]) == ("event", None), row["reason"]


@pytest.mark.parametrize(("kind", "days"), [("io.debezium.time.Date", 0), (None, 0), (None, 2_932_896), ("io.debezium.time.Date", -719_162)])
def test_dates_for_none_as_debezium_counts_them(kind: str | None, days: int) -> None:
    row = {k: v for k, v in PURCHASE.items() if k != "id_evento"} | {"previsao_entrega": days}
    columns = {k: {"type": "string"} for k in row} | {"previsao_entrega": {"type": "int32", "name": kind}} if kind else None
    value = debezium(row, table="purchases", columns=columns)
    (found,) = read(value, rules=PURCHASES, key=debezium_key(id=1))
    assert (found["outcome"], found["expected_delivery"]) == ("event", None), found["detail"]


@pytest.mark.parametrize(("sent", "reason"), [
    ("amanhã", "bad_timestamp"), ("20240131", "bad_timestamp"), (0, "bad_timestamp"), (45000, "bad_timestamp"), (10**17, "bad_timestamp"),
    ("4102444799999" + "0" * 9, "bad_timestamp"), (False, "bad_timestamp"), ("2024-02-30", "bad_timestamp"), ({}, "bad_timestamp"),
    ("1989-12-31", "timestamp_out_of_range"), ("2036-03-01", "timestamp_out_of_range"), ("2999-12-31", "timestamp_out_of_range"),
    ("1970-01-01T05:00:00", "timestamp_out_of_range"), (4102444700000, "timestamp_out_of_range"),
])  # fmt: skip
def test_an_optional_date_that_is_there_and_unusable_rejects(sent: Any, reason: str) -> None:
    assert told(native({**PURCHASE, "previsao_entrega": sent}, table="purchases"), rules=PURCHASES) == [("reject", reason)]


@pytest.mark.parametrize("sent", ["2036-01-30", "1990-01-01", 2084917200000])
def test_an_optional_date_up_to_ten_years_ahead(sent: Any) -> None:
    (row,) = read(native({**PURCHASE, "previsao_entrega": sent}, table="purchases"), rules=PURCHASES)
    assert row["outcome"] == "event" and date(1990, 1, 1) <= row["expected_delivery"] <= date(2036, 1, 31)


# --- nesting and members


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


COMPLEX: dict[str, bytes] = {
    "deep": native(event(x="@")).replace(b'"@"', nested(63)),
    "very deep": native(event(x="@")).replace(b'"@"', nested(10_000)),
    "deep, brackets in texts": native(event(x="@")).replace(b'"@"', b'{"}":' * 70 + b"1" + b"}" * 70),
    "members": native(event(**{f"f{n}": n for n in range(1_001)})),
    "80,000 members": native(event(**{f"f{n}": 0 for n in range(80_000)})),
    "members of the envelope": json.dumps({"table": "t", "data": {}, **{f"f{n}": 0 for n in range(1_000)}}).encode(),
    "a schema's": b'{"schema":' + nested(64) + b',"payload":' + debezium(event(id_evento=...)) + b"}",
    "a payload's": b'{"schema":{},"payload":' + nested(64) + b"}",
    "a row's": debezium(event(id_evento=..., x={"a": {f"f{n}": n for n in range(1_001)}})),
    "170,000 times one key": b'{"table":"t","data":{' + b",".join([b'"a":1'] * 170_000) + b"}}",
}  # fmt: skip


@pytest.mark.parametrize("name", COMPLEX)
@pytest.mark.timeout(60)  # quadratic, some take many minutes
def test_too_complex_in_linear_time(name: str) -> None:
    assert told(COMPLEX[name]) == [("reject", "too_complex")]


def test_what_is_just_not_too_complex() -> None:
    value = native(event(x="@", **{f"f{n}": n for n in range(991)})).replace(b'"@"', nested(62))
    assert len(json.loads(value)["data"]) == 999
    assert told(value) == [("event", None)]


def test_a_key_is_bounded_too() -> None:
    value = debezium(event(id_evento=...))
    assert told(value, key=b'{"id":' + nested(100) + b"}") == [("reject", "too_complex")]
    assert told(value, key=debezium_key(**{f"f{n}": n for n in range(1_001)})) == [("reject", "too_complex")]
    assert told(value, key=b'"' + b"x" * (1 << 20) + b'"') == [("reject", "too_large")]


@pytest.mark.parametrize("value", [
    native(event(quantidade="1" * 500_000 + "x")), native(event(codigo_produto="x" * 1_000_000)), native(event(quantidade="@")).replace(b'"@"', b"9" * 900_000),
    native(event(data_movimentacao="1" * 900_000)), native(event(quantidade="x", **{"": 1, "x" * 900_000: 1})), b"{" + b" " * 1_000_000,
    b'{"a":1,' + b'"b":' + b"[1,2]," * 10 + b'"a":2}', debezium(event(quantidade="x"), sequence="[" + " " * 900_000),
])  # fmt: skip
@pytest.mark.timeout(60)
def test_large_parts_take_linear_time(value: bytes) -> None:
    assert [outcome for outcome, _ in told(value)] == ["reject"]


@pytest.mark.parametrize("key", [
    lambda marks: f'{{"id":"{marks}"}}', lambda marks: f'{{"id":1,"linha":"{marks}"}}', lambda marks: f'"{marks}"', lambda marks: marks,
])  # fmt: skip
@pytest.mark.timeout(60)
def test_a_key_of_many_marks_takes_linear_time(key: Callable[[str], str]) -> None:
    """Unicode normalization sorts them, in quadratic time: such a key of a mebibyte takes a quarter of an hour."""
    marks = "a" + "\u0301\u0316" * 200_000
    assert told(debezium(event(id_evento=...)), key=key(marks).encode()) == [("reject", "bad_text")]


def test_duplicate_keys_at_any_depth() -> None:
    for value in (native(event(x="@")).replace(b'"@"', b'[{"a":{"b":1,"b":1}}]'), b'{"schema":{"a":1,"a":1},"payload":null}',
                  b'{"schema":{},"payload":null,"schema":{}}', b'{"schema":{},"payload":{"op":"c","op":"d","source":{}}}'):  # fmt: skip
        assert told(value) == [("reject", "duplicate_key")]


def test_a_schema_that_is_known_again_by_its_bytes_changes_nothing() -> None:
    columns = {k: {"type": "string"} for k in event()}
    other = {**columns, "quantidade": {"type": "bytes", "name": "org.apache.kafka.connect.data.Decimal", "parameters": {"scale": "0"}}}
    whole = debezium(event(id_evento=...), columns=columns)
    sent = [whole, debezium(event(quantidade="Cg=="), columns=other), whole, whole[:-1] + b" }\n", whole[:-1] + b',"x":1}', whole[:-1], whole + b"x"]
    rows = read(*sent, key=debezium_key(id=7))
    assert [(r["reason"], r["quantity"] and int(r["quantity"])) for r in rows] == [
        (None, 10), (None, 10), (None, 10), (None, 10), ("unknown_envelope", None), ("not_json", None), ("not_json", None),
    ]  # fmt: skip


# --- the record's own time


@pytest.mark.parametrize("at", [datetime(1989, 12, 31, tzinfo=timezone.utc), datetime(1969, 12, 31, 23, 59, 59, 999000, tzinfo=timezone.utc),
                                NOW + timedelta(days=2), datetime(9999, 1, 1, tzinfo=timezone.utc)])  # fmt: skip
def test_a_record_time_that_cannot_be_is_null(at: datetime) -> None:
    rows = read(native(event()), b"{", at=at, rules=RULES)
    assert [(r["outcome"], r["record_timestamp"]) for r in rows] == [("event", None), ("reject", None)]


def test_a_record_time_in_microseconds_is_null() -> None:
    times = pa.array([1714568400000000 * 1000], pa.int64()).cast(pa.timestamp("us", tz="UTC"))  # as Spark makes it
    columns = [pa.array([0], pa.int32()), pa.array([0], pa.int64()), times, pa.nulls(1, pa.binary()), pa.array([b"{"])]
    batch = parse_batch(pa.RecordBatch.from_arrays(columns, names=list(SOURCE_COLUMNS)), RULES)
    assert batch.column("record_timestamp").to_pylist() == [None]
