"""Kafka records -> one row per record with its outcome: an event, a delete, a reject with its reason, or skipped.

Usual native records of a large batch are read many at once (parse/usual); all others one by one in plain Python, in
Arrow batches. Compared with Spark's own JSON functions and regular expressions (docs/design/parsing.md) this takes half
the time and a third of the latency (Spark plans every micro-batch anew, and a plan of hundreds of expressions takes
longer than the records), and each rule has a single implementation.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame

from castro_spark.features.calendar import CALENDAR, calendar_of
from castro_spark.features.value import value_total_of
from castro_spark.local_day import EARLIEST_YEAR
from castro_spark.parse.columns import array_of, parsed_types
from castro_spark.parse.debezium.change import Changed, not_taken, read_change
from castro_spark.parse.envelope import Change, open_envelope
from castro_spark.parse.identity import check_id, check_natural, natural_id
from castro_spark.parse.notes import SOURCES_KEY, Place, as_rows
from castro_spark.parse.origin import Source
from castro_spark.parse.position import PositionClass, kafka_positions
from castro_spark.parse.raw_ids import without_ambiguous
from castro_spark.parse.reasons import DELETE, EVENT, REJECT, SKIP, Reason, Skip, Skipped, Unusable
from castro_spark.parse.rules import ParseRules
from castro_spark.parse.usual import Columns, Rows, Usual, read_usual
from castro_spark.parse.values.document import Number
from castro_spark.streams.declaration import POSITION_COLUMN

# The input columns: those of Spark's Kafka source.
SOURCE_COLUMNS = ("partition", "offset", "timestamp", "key", "value")
_RECORD_COLUMNS = ("partition", "offset", "record_timestamp", "key", "value")
_OUTCOME_COLUMNS = {
    "outcome": pa.string(),
    "reason": pa.string(),
    "detail": pa.string(),
    "kept": pa.list_(pa.string()),
    "unknown": pa.list_(pa.string()),
    "raw_id": pa.string(),
}
_DETAIL_LENGTH = 120
# Control characters, lone surrogates, and invisible characters that break or reverse a line.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")

Values = tuple[object, ...]
# An event's values, event_id first; or why the record has none.
Read = Values | Unusable | Skipped
_TOMBSTONE = Skipped(Skip.TOMBSTONE)
_NO_REASON = None, None


def parse_records(records: DataFrame, rules: ParseRules) -> DataFrame:
    """Kafka rows -> parsed rows, one for one.

    In: partition int, offset bigint, timestamp timestamp, key binary, value binary (Spark's Kafka columns).
    Out: partition, offset, record_timestamp (null if implausible: before 1990, or later than now plus the allowance),
    key, value, outcome ('event', 'delete', 'reject' or 'skip'), reason and detail (of a reject: a Reason's value and a
    text; of a skipped record: a Skip's value and the other table's name), kept, and the stream's event columns: all of
    them for an 'event', event_id and the position for a 'delete', else null.
    `kept` (array of names, nearly always null): an event's columns that Debezium did not send. They are null here, like
    the columns derived from them (value_total, the calendar), and the event keeps their stored values. `unknown` (array
    of names, nearly always null): fields of the record that are not in the stream's declaration. `raw_id` (nearly
    always null): the id as sent, if it was padded or in another Unicode form; several such forms of one id in a batch
    are rejects. Bad data never raises; deterministic.
    """

    def parse(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield parse_batch(batch, rules)

    schema = ", ".join(f"`{name}` {type_}" for name, type_ in parsed_types(rules.stream).items())
    return records.select(*SOURCE_COLUMNS).mapInArrow(parse, schema)


def parse_batch(batch: pa.RecordBatch, rules: ParseRules) -> pa.RecordBatch:
    """`parse_records` of one Arrow batch. While the stream's source is not fixed, the result's schema metadata has the
    sources found (notes.SOURCES_KEY)."""
    stream = rules.stream
    sources: dict[Source, Place] = {}
    usual = [(events.rows, _event_columns(events)) for events in read_usual(batch.column("value"), rules)]
    is_other = np.ones(len(batch), np.bool_)
    for rows, _ in usual:
        is_other[rows] = False
    others = np.flatnonzero(is_other)
    one_by_one = batch.take(pa.array(others)) if usual else batch
    columns = _in_order([*usual, (others, _read_columns(one_by_one, rules, sources))])
    calendar = calendar_of(columns["timestamp"], rules.timezone)
    columns |= dict(zip(CALENDAR.names, calendar.flatten(), strict=True))
    columns["value_total"] = value_total_of(columns["quantity"], columns[stream.price])
    columns[POSITION_COLUMN] = _positions(batch, columns, rules)
    columns |= {name: batch.column(name) for name in ("partition", "offset", "key", "value")}
    columns["record_timestamp"] = _plausible_times(batch.column("timestamp"), rules)
    names = [*_RECORD_COLUMNS, *_OUTCOME_COLUMNS, *stream.event_columns]
    parsed = pa.RecordBatch.from_arrays([columns[name] for name in names], names=names)
    (parsed,) = without_ambiguous([parsed], stream, REJECT)
    return parsed.replace_schema_metadata({SOURCES_KEY: json.dumps(as_rows(sources))}) if sources else parsed


def _event_columns(events: Usual) -> Columns:
    """The columns of _read_columns for usual events."""
    n = len(events.rows)
    unknown = sorted(map(_printable, events.unknown)) or None
    return {
        **{name: pa.nulls(n, type_) for name, type_ in _OUTCOME_COLUMNS.items()},
        "outcome": pa.repeat(EVENT, n),
        "unknown": pa.repeat(pa.scalar(unknown, _OUTCOME_COLUMNS["unknown"]), n),
        **events.columns,
        POSITION_COLUMN: pa.nulls(n, pa.binary()),
    }


def _read_columns(batch: pa.RecordBatch, rules: ParseRules, sources: dict[Source, Place]) -> Columns:
    """Records read one by one: their outcome and what belongs to it, event_id and the columns of the fields, and the
    positions of changes."""
    stream = rules.stream
    read, changes, unknown, raw_ids = _read_batch(batch, rules, sources)
    outcomes = [EVENT if isinstance(r, tuple) else REJECT if isinstance(r, Unusable) else SKIP for r in read]
    nothing: Values = (None,) * (1 + len(stream.fields))
    by_column = list(zip(*(r if isinstance(r, tuple) else nothing for r in read), strict=True))
    kept: list[list[str] | None] = [None] * len(read)
    positions: list[bytes | None] = [None] * len(read)
    for row, change in changes.items():
        kept[row], positions[row] = change.kept, change.position
        outcomes[row] = DELETE if change.deletes else EVENT
    reasons = [_NO_REASON if isinstance(r, tuple) else _reason(r) for r in read]
    about = {
        "outcome": outcomes,
        "reason": [reason for reason, _ in reasons],
        "detail": [detail for _, detail in reasons],
        "kept": kept,
        "unknown": [unknown.get(row) for row in range(len(read))],
        "raw_id": [raw_ids.get(row) for row in range(len(read))],
    }
    columns = {name: pa.array(about[name], type_) for name, type_ in _OUTCOME_COLUMNS.items()}
    columns["event_id"] = pa.array(by_column[0] if read else [], pa.string())
    for field, values in zip(stream.fields, by_column[1:] or [()] * len(stream.fields), strict=True):
        columns[field.column] = array_of(field, values)
    columns[POSITION_COLUMN] = pa.array(positions, pa.binary())
    return columns


def _in_order(parts: list[tuple[Rows, Columns]]) -> Columns:
    """The columns of parts of a batch, each with its rows -> those of the batch."""
    parts = [(rows, columns) for rows, columns in parts if len(rows)] or parts[-1:]
    if len(parts) == 1:
        return parts[0][1]
    order = pa.array(np.argsort(np.concatenate([rows for rows, _ in parts])))
    return {name: pa.concat_arrays([columns[name] for _, columns in parts]).take(order) for name in parts[0][1]}


def _read_batch(
    batch: pa.RecordBatch, rules: ParseRules, sources: dict[Source, Place]
) -> tuple[list[Read], dict[int, Changed], dict[int, list[str]], dict[int, str]]:
    """Each record's opened; and, by row, the effects of Debezium changes, the names of unknown fields, and ids as sent
    if they differ. While the stream's source is not fixed, adds the changes' sources to `sources`."""
    read: list[Read] = []
    changes: dict[int, Changed] = {}
    unknown: dict[int, list[str]] = {}
    raw_ids: dict[int, str] = {}
    names: set[str] = set()
    keys, partitions, offsets = (batch.column(name) for name in ("key", "partition", "offset"))
    for row, value in enumerate(batch.column("value").to_pylist()):
        opened = _read(value, rules, names, raw_ids, row)
        if isinstance(opened, Change):
            why_not = not_taken(opened, rules.tables, rules.known_sources)
            if why_not is not None:
                read.append(why_not)
                continue
            if isinstance(opened.after, dict):
                names.update(opened.after.keys() - rules.known)
            key, place = keys[row].as_py(), (partitions[row].as_py(), offsets[row].as_py())
            if not rules.sources:
                _note_source(rules.source_of(opened), place, sources)
            if key is not None and len(key) > rules.max_bytes:
                read.append(Unusable(Reason.TOO_LARGE, f"key: {len(key)} bytes"))
                continue
            changed = read_change(opened, key, (rules.generation, *place), rules.stream, rules.readers, rules.warehouse)
            if isinstance(changed, Changed):
                if len(rules.sources) > 1:
                    changed = changed.with_source(rules.source_of(opened))
                changes[row] = changed
                if changed.raw_id is not None:
                    raw_ids[row] = changed.raw_id
                read.append(changed.values)
            else:
                read.append(changed)
        else:
            read.append(opened)
        if names:
            unknown[row] = sorted(_printable(name) for name in names)
            names.clear()
    return read, changes, unknown, raw_ids


def _note_source(source: Source, place: Place, sources: dict[Source, Place]) -> None:
    if source.is_named:
        sources[source] = min(place, sources.get(source, place))


def _positions(batch: pa.RecordBatch, columns: Columns, rules: ParseRules) -> pa.Array:
    """The events' positions: partition and offset of a native one, place in the source's log of a change."""
    # Warehouse rows are native records with a generation below 0 (parse/history).
    class_ = PositionClass.CHANGE if rules.generation >= 0 else PositionClass.WAREHOUSE
    native = kafka_positions(class_, max(rules.generation, 0), batch.column("partition"), batch.column("offset"))
    native = pc.if_else(pc.equal(columns["outcome"], EVENT), native, pa.scalar(None, pa.binary()))
    return pc.coalesce(columns[POSITION_COLUMN], native)


def _read(
    value: bytes | None, rules: ParseRules, unknown: set[str], raw_ids: dict[int, str], row: int
) -> Read | Change:
    """A native record's values, or its Debezium change as opened. Adds to `unknown` and `raw_ids`."""
    if value is None:
        return _TOMBSTONE
    values: list[object] = []
    name = field_value = None
    try:
        opened = open_envelope(value, rules.max_bytes, rules.foreign)
        if not isinstance(opened, tuple):
            return opened
        table, data = opened
        if not rules.tables.takes(table):
            return Skipped(Skip.OTHER_TABLE, table)
        if not rules.known.issuperset(data):
            unknown.update(data.keys() - rules.known)
        for name, required, reader in rules.fields:
            field_value = data.get(name)
            if field_value is None and required:
                return Unusable(Reason.MISSING_FIELD, f"{name}: absent")
            values.append(None if field_value is None else reader(field_value))
        name = None
        own = values[0]
        values[0] = _identity(own, values, rules)
        sent = data.get(rules.stream.event_id_field)
        if own is not sent and own not in (None, sent) and isinstance(sent, str) and not isinstance(sent, Number):
            raw_ids[row] = sent
    except Unusable as bad:
        return bad if name is None else Unusable(bad.reason, f"{name}: {field_value}")
    return tuple(values)


def _plausible_times(times: pa.Array, rules: ParseRules) -> pa.Array:
    """The records' times, null if implausible: the producer's clock was wrong."""
    first, last = datetime(EARLIEST_YEAR, 1, 1, tzinfo=timezone.utc), rules.latest_time
    plausible = pc.and_(
        pc.greater_equal(times, pa.scalar(first, times.type)), pc.less_equal(times, pa.scalar(last, times.type))
    )
    return pc.if_else(plausible, times, pa.scalar(None, times.type))


def _reason(read: Unusable | Skipped) -> tuple[str, str | None]:
    if isinstance(read, Unusable):
        return read.reason.value, _printable(read.detail)
    return read.kind.value, None if read.name is None else _printable(read.name)


def _identity(own: object, values: list[object], rules: ParseRules) -> str:
    """The identity of a native record's values; `own` is its event_id, the first of them. Raises Unusable."""
    stream = rules.stream
    if isinstance(own, str):
        check_id(own, stream, rules.warehouse, stream.event_id_field)
        return rules.of_source(own)
    check_natural(stream, rules.warehouse, stream.event_id_field)
    event = dict(zip(stream.columns, values[1:], strict=True))
    micros = event["timestamp"]
    assert isinstance(micros, int)
    return rules.of_source(natural_id(stream.natural_key, event, micros))


def _printable(detail: str) -> str:
    return _UNPRINTABLE.sub("?", detail[:_DETAIL_LENGTH])
