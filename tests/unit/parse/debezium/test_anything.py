"""Whatever a record holds, parsing never raises."""

from __future__ import annotations

import json

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.builders import debezium, event, native
from tests.unit.parse.debezium.records import (
    AFTER,
    COLUMNS,
    DECIMAL,
    KEY,
    PLACEHOLDER,
    UNAVAILABLE_BYTES,
    Record,
    parse,
    parsed,
)
from tests.unit.parse.debezium.test_values import DATE, ISO, NANOS

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


@settings(deadline=None)
@given(st.lists(st.tuples(KEYS, CHANGES | CHANGES | ENVELOPES | st.binary()), max_size=4))
def test_nothing_raises(records: list[Record]) -> None:
    batch = parsed(*records)
    assert batch.schema == parsed().schema
    assert [(r["key"], r["value"]) for r in batch.to_pylist()] == records
    for row in batch.to_pylist():
        known = row["outcome"] in ("event", "delete")
        assert known == (row["event_id"] is not None) == (row["source_position"] is not None)
        assert (row["outcome"] in ("reject", "skip")) == (row["reason"] is not None)


def test_no_depth_raises() -> None:
    for depth in (10, 100, *range(800, 1001, 5), 5000):
        nested = b"[" * depth + b"]" * depth
        change = debezium({**AFTER, "deposito": "@"}).replace(b'"@"', nested)
        plain = native(event(deposito="@")).replace(b'"@"', nested)
        rows = parse((KEY, change), (KEY, plain), (b'{"id":' + nested + b"}", debezium(None, op="d")))
        assert {r["outcome"] for r in rows} == {"reject"}
        assert {r["reason"] for r in rows} <= {"bad_text" if depth <= 62 else "too_complex", "bad_key", "missing_field"}
