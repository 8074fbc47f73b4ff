"""Past records are parsed as of their own life of the topic, and rejects for a time in the future as of their own time."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pyarrow as pa

from castro_spark.batch.backfill import parse_past
from castro_spark.sources.archive import PAST_COLUMNS
from tests.builders import event, native
from tests.unit.parse.positions import kafka
from tests.unit.parse.test_records import NOW, RULES, Row


def past(rows: list[tuple[str, int, int, datetime | None, bytes]]) -> pa.RecordBatch:
    topics, generations, offsets, known_at, values = (list(column) for column in zip(*rows, strict=True))
    n, time = len(rows), pa.timestamp("us", tz="UTC")
    columns = [
        pa.array(topics, pa.string()),
        pa.array(generations, pa.int32()),
        pa.array([0] * n, pa.int32()),
        pa.array(offsets, pa.int64()),
        pa.array([NOW] * n, time),
        pa.nulls(n, pa.binary()),
        pa.array(values, pa.binary()),
        pa.array(known_at, time),
    ]
    return pa.RecordBatch.from_arrays(columns, names=list(PAST_COLUMNS))


def test_lives_and_times() -> None:
    soon = native(event(data_movimentacao=NOW.isoformat()))
    early = NOW - timedelta(days=10)  # when `soon` was beyond the allowance
    batch = past([("t", 0, 7, None, soon), ("t", 0, 8, early, soon), ("t2", 3, 8, None, soon), ("t2", 3, 9, None, b"{")])
    found: list[Row] = [row for parsed in parse_past(batch, RULES) for row in parsed.to_pylist()]
    assert [
        (r["topic"], r["generation"], r["offset"], r["outcome"], r["reason"], r["source_position"])
        for r in sorted(found, key=lambda r: (r["generation"], r["offset"]))
    ] == [
        ("t", 0, 7, "event", None, kafka(0, 0, 7)),
        ("t", 0, 8, "reject", "timestamp_out_of_range", None),
        ("t2", 3, 8, "event", None, kafka(3, 0, 8)),
        ("t2", 3, 9, "reject", "not_json", None),
    ]
    assert {r["value_total"] for r in found if r["outcome"] == "event"} == {25}
    assert found[0]["record_timestamp"].astimezone(timezone.utc) == NOW
