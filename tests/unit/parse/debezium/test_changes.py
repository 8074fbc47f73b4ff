"""Debezium changes: what each operation becomes, under which id, in which order."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from castro_spark.parse.position import PositionClass
from tests.builders import debezium, debezium_key, event, native
from tests.unit.parse.debezium.records import (
    AFTER,
    COLUMNS,
    DECIMAL,
    ENCODED,
    EVENT,
    KEY,
    PLACEHOLDER,
    UNAVAILABLE_BYTES,
    WRAPPED_KEY,
    Row,
    one,
    parse,
    parsed,
    row_of,
)
from tests.unit.parse.positions import kafka, position
from tests.unit.parse.test_records import RULES


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
    found = {"source_position": place(SNAPSHOT, 24023119, 24023128)}
    assert one(value) == row_of(KEY, value, "event", **{**EVENT, **found})


@pytest.mark.parametrize("columns", [None, COLUMNS])
def test_delete(columns: Row | None) -> None:
    position = {"source_position": place(CHANGE, 24023119, 24023128)}
    for before in (None, {"id": 7, "codigo_produto": ""}, ENCODED):
        value = debezium(None, op="d", before=before, columns=columns)
        assert one(value) == row_of(KEY, value, "delete", event_id="7", **position)


SKIPPED: list[tuple[bytes | None, str, str | None]] = [
    (None, "tombstone", None),
    (b'{"schema":null,"payload":null}', "tombstone", None),
    (b'{"schema":{},"payload":null}', "tombstone", None),
    (b'{"payload":null}', "tombstone", None),
    (debezium(AFTER, table="sales_orders"), "other_table", "sales_orders"),
    (debezium(None, op="d", table="x"), "other_table", "x"),
    (debezium(None, op="t", table="x"), "other_table", "x"),
    (debezium(None, op="m", table=""), "message", None),
    (debezium(None, op="m", table=...), "message", None),
]


@pytest.mark.parametrize(("value", "kind", "table"), SKIPPED)
def test_skipped(value: bytes | None, kind: str, table: str | None) -> None:
    assert one(value) == row_of(KEY, value, "skip", reason=kind, detail=table)


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
        alone[n]["source_position"] = kafka(1, 2, n)
    assert rows == alone
    assert rows[0]["event_id"] == "E1"
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
        (debezium_key({"id": {"type": "bytes", "name": DECIMAL, "parameters": {"scale": "2"}}}, id="AMNQ"), "500"),
        (b"7", "7"),
        (b"7.0", "7"),
        (b"7e2", "700"),
        (b'"TR-7"', "TR-7"),
        (b"TR-7", "TR-7"),
        (b'{"schema":{"type":"int64"},"payload":7}', "7"),
        (b'{"schema":{"type":"bytes","name":"%s","parameters":{"scale":"0"}},"payload":"AfQ="}' % DECIMAL.encode(), "500"),
        (debezium_key(id=" A-1  "), " A-1"),  # CHAR(6)
        (debezium_key(loja="A  ", nota="b|\u00a0"), "A|b\\|"),
        (debezium_key(nota="Ac\u0327a\u0303o"), "A\u00e7\u00e3o"),
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
        (debezium_key(id={"a": 1}), "bad_key", 'key: {"id": {"a": 1}}'),
        (b'{"id":NaN}', "bad_key", 'key: {"id":NaN}'),
        (b'{"id":1,"id":2}', "duplicate_key", "key: id"),
        (debezium_key(id=7.5), "bad_text", "key: 7.5: a number with a fraction, or of too many digits"),
        (b"Struct{id=7}", "bad_key", "key: Struct{id=7}"),
        (b'{"id":', "bad_key", 'key: {"id":'),
        (b"{id=7}", "bad_key", "key: {id=7}"),
        (b"[1]", "bad_key", "key: [1]"),
        (b"\x00\x00\x00\x00\x01\x02A", "bad_key", "key: ??????A"),
        (b"\xff\xfe", "bad_key", "key: not UTF-8"),
        (b'"nk:01714557600:0123456789abcdef0123456789abcdef"', "bad_key",
         "key: nk:01714557600:0123456789abcdef0123456789abcdef: reads like the hash of a natural key"),
    ],
)
def test_bad_keys(key: bytes, reason: str, detail: str) -> None:
    for value in (debezium(AFTER), debezium(None, op="d")):
        assert one(value, key) == row_of(key, value, "reject", reason=reason, detail=detail)


PRODUCT_KEYS = [b"P1", b'"P1"', b'"P1  "', debezium_key(codigo_produto="P1"), debezium_key(codigo_produto="P1", x=None)]


@pytest.mark.parametrize("key", PRODUCT_KEYS)
def test_the_products_code_alone_is_no_key(key: bytes) -> None:
    for value in (debezium(AFTER), debezium(None, op="d", before=AFTER)):
        row = one(value, key)
        assert row["reason"] == "bad_key"
        assert row["detail"].endswith(": the product's code alone, not the row's key")
    assert one(debezium(event(codigo_produto="5", id_evento=...)), b"5")["reason"] == "bad_key"


def test_the_settings_may_name_the_keys_fields() -> None:
    rules = replace(RULES, stream=replace(RULES.stream, key=("nota", "loja")))

    def found(key: bytes) -> tuple[str, str | None, str | None]:
        (row,) = parsed((key, debezium(AFTER)), rules=rules).to_pylist()
        return row["outcome"], row["event_id"], row["detail"]

    assert found(debezium_key(loja=1, nota="b", extra=2)) == ("event", "b|1", None)
    assert found(debezium_key(loja=1)) == ("reject", None, "key: no field nota, only loja")
    assert found(b"7") == ("reject", None, "key: one value, not the fields nota, loja")


NO_KEYS: list[bytes | None] = [None, b"", b"  ", b'" "', b"null", b"{}", b'{"id":null}', b'{"id":""}', b'{"a":" ","b":null}',
                               b'{"schema":{},"payload":null}']  # fmt: skip


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
    same = [debezium(event(quantidade="9"), op="u", before=before) for before in (None, event(), {"id": 7}, event(id_evento="\x01"))]
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


# --- positions


CHANGE, SNAPSHOT = PositionClass.CHANGE, PositionClass.SNAPSHOT


def place(class_: PositionClass, *numbers: int) -> bytes:
    """A place of numbers of 8 bytes each, in the generation of the tests' rules."""
    return position(class_, 1, *((number, 8) for number in numbers))


def found(**source: Any) -> bytes:
    held: bytes = one(debezium(AFTER, **source))["source_position"]
    return held


def test_lsns_order_across_transactions() -> None:
    """A began before B and wrote after it; B was committed first. So all of B stands before all of A."""
    b = [found(sequence='["100","130"]', lsn=130), found(sequence='["100","150"]', lsn=150)]
    a = [found(sequence='["160","120"]', lsn=120), found(sequence='["160","140"]', lsn=140)]
    assert b + a == sorted(b + a) == [place(CHANGE, *n) for n in ((100, 130), (100, 150), (160, 120), (160, 140))]


def test_snapshots_stand_before_the_log_and_in_their_own_order() -> None:
    first, second = (found(op="r", snapshot=of, sequence=None, lsn=lsn) for of, lsn in (("first", 900), ("last", 950)))
    start = found(sequence='[null,"5"]', lsn=5)
    assert [first, second, start] == sorted([first, second, start])
    assert [first, second, start] == [place(SNAPSHOT, 900), place(SNAPSHOT, 950), place(CHANGE, 0, 5)]
    for flag in (True, "true", "first_in_data_collection", "incremental"):
        assert found(op="c", snapshot=flag) == place(SNAPSHOT, 24023119, 24023128)
    for flag in (False, "false", None, ...):
        assert found(op="c", snapshot=flag) == place(CHANGE, 24023119, 24023128)
    assert found(op="r", snapshot=..., sequence=..., lsn=...) == kafka(1, 2, 0, SNAPSHOT)


MYSQL = {"connector": "mysql", "sequence": None, "lsn": ...}
SQL_SERVER = {"connector": "sqlserver", "sequence": None, "lsn": ...}
ORACLE = {"connector": "oracle", "sequence": None, "lsn": ...}
KAFKA = kafka(1, 2, 0)  # no log's place is there: Kafka's, never a clock


def test_binlogs_order() -> None:
    places = [("binlog.000009", 900, 2), ("mysql-bin.000010", 4, 0), ("mysql-bin.000010", 4, 1), ("mysql-bin.000010", 700, 0),
              ("mysql-bin.000010", 1 << 47, 7)]  # fmt: skip
    held = [found(**MYSQL, file=file, pos=pos, row=row) for file, pos, row in places]
    numbers = [(int(file[-6:]), pos, row) for file, pos, row in places]
    assert held == sorted(held) == [position(CHANGE, 1, (n, 8), (pos, 8), (row, 4)) for n, pos, row in numbers]
    for file, pos in (("b.1", -1), ("b.9999999999999999999", 4), ("b", 4)):
        assert found(**MYSQL, file=file, pos=pos, row=0) == KAFKA


def test_sql_servers_log_orders() -> None:
    """Two changes of one transaction; a later transaction; in hexadecimal digits of either case."""
    places = [("00000027:00000ac0:0002", "00000027:00000758:0003", 1), ("00000027:00000ac0:0002", "00000027:00000758:0003", 2),
              ("00000027:00000AC0:0002", "00000027:00000758:0005", 1), ("00000027:00000ac0:0009", "00000027:00000750:0001", 1),
              ("00000028:00000000:0000", "00000027:00000750:0001", 1)]  # fmt: skip
    held = [found(**SQL_SERVER, commit_lsn=commit, change_lsn=change, event_serial_no=n) for commit, change, n in places]
    assert held == sorted(held)
    assert len(set(held)) == len(held)
    snapshot = found(**SQL_SERVER, op="r", commit_lsn="00000030:00000000:0000", change_lsn=None, snapshot="true")
    assert snapshot < held[0]
    assert found(**SQL_SERVER, commit_lsn="nonsense", change_lsn=None) == KAFKA


def test_oracles_log_orders() -> None:
    places = [("100", "90", None, None), ("100", "95", " 0x0000d0.00008d9e.01f4 ", 0), ("100", "95", " 0x0000d0.00008d9e.01f4 ", 1),
              ("100", "95", " 0x0000d0.00008d9f.0000 ", 0), ("2122190", "80", " 0x000001.00000001.0001 ", 0)]  # fmt: skip
    held = [found(**ORACLE, commit_scn=commit, scn=scn, rs_id=rs_id, ssn=ssn) for commit, scn, rs_id, ssn in places]
    assert held == sorted(held)
    assert len(set(held)) == len(held)
    assert found(**ORACLE, scn="x", commit_scn="100") == KAFKA


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({"sequence": None}, place(CHANGE, 24023128)),
        ({"sequence": '["x","5"]'}, place(CHANGE, 24023128)),
        ({"sequence": '["9223372036854775807","9223372036854775807"]'}, place(CHANGE, (1 << 63) - 1, (1 << 63) - 1)),
        ({"sequence": '["9223372036854775808","5"]'}, place(CHANGE, 24023128)),
        ({"sequence": ["1", "2"], "lsn": "x"}, KAFKA),
        ({"sequence": None, "lsn": 1 << 63}, KAFKA),
        ({"sequence": None, "lsn": None, "ts_ms": None}, KAFKA),
    ],
)
def test_other_logs(source: Row, expected: bytes) -> None:
    assert found(**source) == expected


def test_without_a_log_the_kafka_offset_orders() -> None:
    value = debezium(AFTER, sequence=None, lsn=None)
    assert [r["source_position"] for r in parse((KEY, value), (KEY, value))] == [kafka(1, 2, 0), kafka(1, 2, 1)]


def test_the_class_counts_before_the_generation_and_that_before_the_place() -> None:
    classes = [kafka(g, p, o, c) for c in PositionClass for g in (0, 1, 300) for p, o in ((0, -5), (0, 7), (1, 0))]
    assert classes == sorted(classes)
