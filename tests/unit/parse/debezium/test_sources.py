"""Where changes come from: which source a stream takes, and what is noted while none is known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pyarrow as pa
import pytest

from castro_spark.parse import SOURCE_COLUMNS, parse_batch
from castro_spark.parse.notes import Notes
from castro_spark.parse.origin import Source
from castro_spark.rules import parse_rules
from castro_spark.streams import stream
from tests.builders import debezium, debezium_key, event, native
from tests.unit.parse.test_records import NOW, records
from tests.unit.parse.test_world import LIKE_CONF, read, told, with_conf

ERP, OTHER = {"name": "erp", "db": "erp", "schema": "public"}, {"name": "loja", "db": "erp", "schema": "public"}


def change(**source: Any) -> bytes:
    return debezium(event(id_evento=...), **source)


@pytest.mark.parametrize("source", [{"name": "e\0rp"}, {"db": "\ud800"}, {"schema": "a\tb"}, {"name": "e" * 501}])
def test_a_source_that_cannot_be_stored_is_refused_whether_or_not_one_is_known(source: Any) -> None:
    batch = records([change(**{**ERP, **source})])
    for rules in (LIKE_CONF, replace(LIKE_CONF, sources=(Source("erp"),))):
        parsed = parse_batch(batch, rules)
        assert parsed.column("reason").to_pylist() == ["bad_text"] and Notes.of([parsed]).sources == {}


def test_the_sources_of_a_batch_are_noted_while_none_is_known() -> None:
    columns = [pa.array([1, 0, 0, 1], pa.int32()), pa.array([0, 5, 4, 1], pa.int64()), pa.array([NOW] * 4, pa.timestamp("us", tz="UTC")),
               pa.nulls(4, pa.binary()), pa.array([change(**ERP), change(**ERP), change(**OTHER), change()])]  # fmt: skip
    batch = pa.RecordBatch.from_arrays(columns, names=list(SOURCE_COLUMNS))
    notes = Notes.of([parse_batch(batch, LIKE_CONF)])
    assert notes.sources == {Source("erp", "erp", "public"): (0, 5), Source("loja", "erp", "public"): (0, 4)}
    assert Notes.of_json(notes.as_json()).sources == notes.sources
    known = replace(LIKE_CONF, sources=(Source("erp", "erp", "public"),))
    assert Notes.of([parse_batch(batch, known)]).sources == {}


def test_changes_of_another_source_are_rejected() -> None:
    known = replace(LIKE_CONF, sources=(Source("erp", "erp", "public"),))
    sent = [change(**ERP), change(**OTHER), change(**{**ERP, "schema": "teste"}), change(**{**ERP, "db": "crm"}), native(event()),
            change(**OTHER, table="x")]  # fmt: skip
    assert told(*sent, rules=known, key=debezium_key(id=1)) == [
        ("event", None), *[("reject", "other_source")] * 3, ("event", None), ("skip", "other_table"),
    ]  # fmt: skip


def test_of_several_sources_each_has_its_own_identities() -> None:
    settings = with_conf(history=None, sources={"erp": {"server": "erp"}, "loja": {"server": "loja", "database": "erp"}})
    rules = parse_rules(stream("inventory"), settings, 1)
    rows = read(change(**ERP), change(**OTHER), change(**{**OTHER, "db": "x"}), debezium(None, op="d", **OTHER), rules=rules, key=debezium_key(id=1))
    assert [r["event_id"] for r in rows] == ["erp:1", "loja:1", None, "loja:1"]
    natural = [r["event_id"] for r in read(change(**ERP), change(**OTHER), rules=rules)]
    assert [i.partition(":nk:01714568400:")[0] for i in natural] == ["erp", "loja"]
