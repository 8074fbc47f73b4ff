"""Debezium changes: under which id, by the record's key or the row itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.builders import debezium, debezium_key, event, native
from tests.unit.parse.debezium.records import (
    AFTER,
    DECIMAL,
    KEY,
    PLACEHOLDER,
    Row,
    one,
    parse,
    parsed,
    row_of,
)
from tests.unit.parse.test_records import RULES


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
