"""Debezium changes: what each operation becomes, and what columns that were not sent leave as they are."""

from __future__ import annotations

import json

import pytest

from tests.builders import debezium, debezium_key, event, native
from tests.unit.parse.debezium.places import CHANGE, SNAPSHOT, place
from tests.unit.parse.debezium.records import (
    AFTER,
    COLUMNS,
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
from tests.unit.parse.positions import kafka


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
