"""One identity for one event, whichever way it came; and none for two."""

from __future__ import annotations

import json
import unicodedata
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from castro_spark.errors import SettingsError
from castro_spark.parse import ParseRules
from castro_spark.parse.history import GENERATION, HISTORY_COLUMNS, history_records, parse_history
from castro_spark.parse.identity import joined_id
from castro_spark.parse.origin import Source, sourced_id
from castro_spark.parse.values.texts import BLANKS, normal_id
from castro_spark.rules import configured
from castro_spark.settings import load_settings
from castro_spark.streams import stream
from castro_spark.streams.declaration import IdentityKind, IdentityRule
from tests.builders import debezium, debezium_key, event, native
from tests.unit.parse.debezium.records import parsed
from tests.unit.parse.test_records import RULES

SALES = stream("sales")
SALES_RULES = replace(RULES, stream=SALES)
FIELDS = st.none() | st.text(st.sampled_from("|\\N A\u00a0é\u0301") | st.characters(codec="utf-8", categories=["L", "N", "P", "S"]), max_size=6)
AT = datetime(2024, 5, 1, 13, tzinfo=timezone.utc)


def normal(fields: tuple[str | None, ...]) -> tuple[str | None, ...]:
    return tuple(None if f is None else normal_id(f) or None for f in fields)


@settings(deadline=None)
@given(st.integers(1, 4).flatmap(lambda n: st.tuples(*[st.tuples(*[FIELDS] * n)] * 2)))
def test_two_keys_never_make_one_id(pair: tuple[tuple[str | None, ...], tuple[str | None, ...]]) -> None:
    one, other = pair
    assert (joined_id(one) == joined_id(other)) == (normal(one) == normal(other) or not any(normal(one) + normal(other)))
    assert joined_id([f and f + "  \u00a0" for f in one]) == joined_id([f and unicodedata.normalize("NFD", f) for f in one])
    assert joined_id([joined_id(one)]) == joined_id(one)  # as an id of its own it is the same


def test_one_field_is_plain_and_several_are_escaped() -> None:
    assert joined_id(["PV|1\\2 "]) == "PV|1\\2"
    assert joined_id(["PV|1\\2 ", "1"]) == "PV\\|1\\\\2|1"
    assert joined_id(["A", None, "\\N"]) == joined_id(["A", BLANKS, "\\N"]) == "A|\\N|\\\\N"
    assert joined_id([]) is joined_id([None]) is joined_id([None, " "]) is None


def sale(**values: Any) -> dict[str, Any]:
    return {
        "codigo_produto": "P1", "quantidade": "2", "preco_unitario": "3.5", "data_pedido": "2024-05-01T10:00:00", "cliente": "Ação",
        "numero_pedido": "PV-1", **values,
    }  # fmt: skip


def ids(*records: tuple[bytes | None, bytes], rules: ParseRules = SALES_RULES) -> list[tuple[str, str | None, str | None]]:
    return [(r["outcome"], r["event_id"], r["reason"]) for r in parsed(*records, rules=rules).to_pylist()]


def event_ids(records: list[tuple[bytes | None, bytes]], rules: ParseRules = SALES_RULES) -> list[str]:
    """Those of records that come in batches of their own, without repetition."""
    return sorted({event_id or "" for record in records for _, event_id, _ in ids(record, rules=rules)})


ORDERS = ["PV-1", "PV|1", "a\\|b", "PV-1   ", "A\u0301\u00a0", "\\N"]


def warehouse_ids(spark: SparkSession, rules: ParseRules, key: list[str]) -> list[str]:
    """What the warehouse's rows of ORDERS are known by; their texts are CHAR(12)."""
    schema = "order_number string, item int, product_code string, customer string, quantity decimal(18,6), unit_price decimal(18,6), timestamp timestamp, changed timestamp"
    rows = [(o.ljust(12), 1, "P1".ljust(8), "Ação".ljust(9), Decimal(2), Decimal("3.5"), AT, AT + timedelta(minutes=n)) for n, o in enumerate(ORDERS)]
    frame = spark.createDataFrame(rows, schema)
    records = history_records(frame, rules, changed="changed", key=key, row_key=["order_number", "item"], deleted=None)
    batches = records.select(*HISTORY_COLUMNS).toArrow().to_batches()
    found = [r for b in batches for p in parse_history(b, replace(rules, generation=GENERATION)) for r in p.to_pylist()]
    assert {r["outcome"] for r in found} == {"event"}
    return sorted(r["event_id"] for r in found)


def test_every_way_in_makes_the_same_ids(spark: SparkSession) -> None:
    orders = sorted({normal_id(order) for order in ORDERS})
    expected = sorted({joined_id([order, "1"]) or "" for order in orders})
    of_change = [(debezium_key(numero_pedido=o, item=1), debezium(sale(numero_pedido=o), table="sales_orders")) for o in ORDERS]
    assert event_ids(of_change) == expected
    assert event_ids([(None, native(sale(id_evento=i), "sales_orders")) for i in expected]) == expected
    assert warehouse_ids(spark, SALES_RULES, ["order_number", "item"]) == expected
    # By the natural key, too.
    natural = [(None, native(sale(numero_pedido=o), "sales_orders")) for o in ORDERS]
    change = [(None, debezium(sale(numero_pedido=o), table="sales_orders")) for o in ORDERS]
    of_records = event_ids(natural)
    assert of_records == event_ids(change)
    assert len(of_records) == len(orders)
    assert of_records == warehouse_ids(spark, SALES_RULES, [])
    rule = replace(SALES_RULES, stream=replace(SALES, identity=IdentityRule.NATURAL_KEY))
    assert of_records == warehouse_ids(spark, rule, ["order_number", "item"])
    # Where several sources are named, theirs is a part of it.
    two = replace(SALES_RULES, sources=(Source("erp", label="erp"), Source("pos", label="pos")))
    labelled = [
        (key, debezium(sale(numero_pedido=o), table="sales_orders", name="pos"))
        for o in ORDERS for key in (debezium_key(numero_pedido=o, item=1), None)
    ]  # fmt: skip
    of_changes = event_ids(labelled, two)
    assert of_changes == sorted(sourced_id("pos", i) for i in [*expected, *of_records])
    assert not {*of_changes} & {*expected, *of_records}
    of_rows = [i for key in (["order_number", "item"], []) for i in warehouse_ids(spark, replace(SALES_RULES, source_label="pos"), key)]
    assert sorted(of_rows) == of_changes


def test_ids_that_become_one_in_a_batch_are_rejected() -> None:
    padded, plain = (None, native(event(id_evento="A  "))), (None, native(event(id_evento="A")))
    assert ids(padded, padded, rules=RULES) == [("event", "A", None)] * 2
    assert [r["raw_id"] for r in parsed(padded, padded, (None, native(event(id_evento="B")))).to_pylist()] == ["A  ", "A  ", None]
    other, keyed = (None, native(event(id_evento="E2"))), (b"A ", debezium(event()))
    found = parsed(padded, other, plain, keyed, (b"{", b"{")).to_pylist()
    assert [(r["outcome"], r["event_id"], r["reason"]) for r in found] == [
        ("reject", None, "ambiguous_id"), ("event", "E2", None), *[("reject", None, "ambiguous_id")] * 2, ("reject", None, "not_json"),
    ]  # fmt: skip
    assert found[0]["detail"] == "'A' and 'A ' and 'A  ' are one id"
    assert {found[0][c] for c in (*RULES.stream.event_columns, "raw_id", "kept")} == {None}
    # Changes without a record key have their row's own id.
    padded, plain = (None, debezium(event(id_evento="B  "))), (None, debezium(None, op="d", before=event(id_evento="B")))
    assert parsed(padded, padded).column("raw_id").to_pylist() == ["B  ", "B  "]
    assert ids(padded, plain, rules=RULES) == [("reject", None, "ambiguous_id")] * 2
    # Numbers are no such forms.
    assert parsed((None, debezium(event(id_evento=7.0)))).column("raw_id").to_pylist() == [None]
    assert ids((b"7.0", debezium(event())), (b"7", debezium(event())), rules=RULES) == [("event", "7", None)] * 2


def test_what_is_said_of_an_id_of_many_forms_does_not_grow_with_them() -> None:
    many = [(None, native(event(id_evento="A" + " " * n))) for n in range(500)]
    details = {r["detail"] for r in parsed(*many).to_pylist()}
    assert details == {"'A' and 'A ' and 'A  ' and 497 more are one id"}
    long = [(None, native(event(id_evento="A" * 50 + " " * n))) for n in (0, 9_000)]
    assert {r["detail"] for r in parsed(*long).to_pylist()} == {f"'{'A' * 40}...' and '{'A' * 40}...' are one id"}


def test_the_streams_rule() -> None:
    records = [
        (None, native(event())), (None, native(event(id_evento=...))), (None, debezium(event(id_evento=...))),
        (debezium_key(id=7), debezium(event(id_evento=...))),
    ]  # fmt: skip

    def outcomes(rule: IdentityRule = IdentityRule.AUTO, *warehouse: IdentityKind) -> list[str | None]:
        rules = replace(RULES, stream=replace(RULES.stream, identity=rule), warehouse=frozenset(warehouse))
        return [reason for _, _, reason in ids(*records, rules=rules)]

    assert outcomes() == [None] * 4
    assert outcomes(IdentityRule.ID) == [None, "missing_field", "missing_field", None]
    assert outcomes(IdentityRule.NATURAL_KEY) == ["other_identity", None, None, "other_identity"]
    # What the warehouse's rows are known by.
    assert outcomes(IdentityRule.AUTO, IdentityKind.ID) == [None, "other_identity", "other_identity", None]
    assert outcomes(IdentityRule.AUTO, IdentityKind.NATURAL) == ["other_identity", None, None, "other_identity"]
    assert outcomes(IdentityRule.AUTO, *IdentityKind) == [None] * 4


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"identity": ["product_code", "timestamp"]}, "streams.sales.identity: .*natural_key: "),
        ({"identity": "uuid"}, "streams.sales.identity: Input should be 'auto', 'id' or 'natural_key'"),
        ({"history": {"event_id": "concat_ws('|', order_number, item)"}}, "streams.sales.history: .*event_id is key now"),
        ({"history": {"key": ["order_number", "line"]}}, "streams.sales.history.key: line is no column of ml_sales_orders"),
        ({"history": {"key": ["order_number", "timestamp"]}}, "timestamp is timestamp, whose text form in record keys may differ"),
        ({"history": {"key": ["product_code"]}}, "streams.sales.history.key: a product's code alone"),
        ({"identity": "id", "history": {"key": []}}, "streams.sales.identity is id: name the columns"),
        ({"sources": {"erp": {"server": "erp"}, "pos": {"server": "pos"}}}, "streams.sales.history.source: not set: name one of several"),
        ({"sources": {"erp": {"server": "erp"}}, "history": {"source": "erp"}}, "streams.sales.history.source: erp: name one of several"),
    ],
)
def test_settings_that_cannot_be(section: dict[str, Any], words: str, tmp_path: Path) -> None:
    conf = tmp_path / "my.yaml"
    conf.write_text(json.dumps({"streams": {"sales": section}}))
    with pytest.raises(SettingsError, match=f"my.yaml.*{words}"):
        load_settings(conf_file=conf, environ={})


def test_settings_of_the_natural_key(tmp_path: Path) -> None:
    conf = tmp_path / "my.yaml"
    conf.write_text(json.dumps({"streams": {"sales": {"natural_key": ["timestamp", "order_number"], "identity": "natural_key"}}}))
    found = configured(SALES, load_settings(conf_file=conf, environ={}))
    assert (found.natural_key, found.identity) == (("timestamp", "order_number"), IdentityRule.NATURAL_KEY)
    conf.write_text(json.dumps({"streams": {"sales": {"natural_key": ["product_code"]}}}))
    with pytest.raises(SettingsError, match=r"streams\.sales\.natural_key: the timestamp is not among them"):
        configured(SALES, load_settings(conf_file=conf, environ={}))
