"""Kafka records -> one row a record with its outcome: an event, a reject with its reason, or skipped.

Records are parsed one at a time in plain Python, a batch of Arrow at a time: measured against Spark's own JSON
and regular expressions (docs/design/parsing.md) it costs half the time, a third of the latency (Spark plans every
micro-batch anew, and a plan of hundreds of expressions takes longer than the records), and one reading of each rule.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from datetime import datetime, timezone

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame

from castro_spark.features.calendar import CALENDAR, calendar_of
from castro_spark.features.value import value_total_of
from castro_spark.parse.columns import array_of, parsed_types
from castro_spark.parse.debezium import Changed, not_taken, read_change
from castro_spark.parse.document import Number
from castro_spark.parse.envelope import Change, open_envelope
from castro_spark.parse.fields import EARLIEST_YEAR
from castro_spark.parse.identity import check_id, check_natural, natural_id
from castro_spark.parse.notes import SOURCES_KEY, Place, as_rows
from castro_spark.parse.origin import Source
from castro_spark.parse.position import PositionClass, kafka_positions
from castro_spark.parse.raw_ids import without_ambiguous
from castro_spark.parse.reasons import DELETE, EVENT, REJECT, SKIP, Reason, Skip, Skipped, Unusable
from castro_spark.parse.rules import ParseRules
from castro_spark.streams.declaration import POSITION_COLUMN

# A record as a source gives it: Spark's Kafka columns.
SOURCE_COLUMNS = ("partition", "offset", "timestamp", "key", "value")
_RECORD_COLUMNS = ("partition", "offset", "record_timestamp", "key", "value")
_DETAIL_LENGTH = 120
# Control characters, halves of surrogate pairs, and what breaks or turns round a line without being seen.
_UNPRINTABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")

Values = tuple[object, ...]
# An event's values, event_id first; or why there are none.
Read = Values | Unusable | Skipped
_TOMBSTONE = Skipped(Skip.TOMBSTONE)


def parse_records(records: DataFrame, rules: ParseRules) -> DataFrame:
    """Kafka rows -> parsed rows, one for one.

    In: partition int, offset bigint, timestamp timestamp, key binary, value binary (Spark's Kafka columns).
    Out: partition, offset, record_timestamp (null where the producer's clock cannot be right: before 1990, or later
    than now and the allowance), key, value, outcome ('event', 'delete', 'reject' or 'skip'), reason and detail (a
    Reason's value and words of a reject, a Skip's value and the other table's name of a record that is skipped), kept,
    and the stream's event columns: all of them of an 'event', event_id and the position of a 'delete', else null.
    `kept` (array of names, nearly always null) are an event's columns that Debezium did not send: null here, they keep
    the value they had, and what is derived from them (value_total, the calendar) is null too. `unknown` (array of
    names, nearly always null) are fields of the record that the stream's declaration does not know. `raw_id` (nearly
    always null) is an id as it was sent, where it was padded or in another Unicode form; several such forms of one id
    in a batch are rejects. Nothing raises on bad data; the same rows give the same result again.
    """

    def parse(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            yield parse_batch(batch, rules)

    schema = ", ".join(f"`{name}` {type_}" for name, type_ in parsed_types(rules.stream).items())
    return records.select(*SOURCE_COLUMNS).mapInArrow(parse, schema)


def parse_batch(batch: pa.RecordBatch, rules: ParseRules) -> pa.RecordBatch:
    """`parse_records` of one Arrow batch. Where no source is known yet, the result's schema metadata holds those that
    were found (notes.SOURCES_KEY)."""
    stream = rules.stream
    sources: dict[Source, Place] = {}
    read, changes, unknown, raw_ids = _read_batch(batch, rules, sources)
    outcomes = [EVENT if isinstance(r, tuple) else REJECT if isinstance(r, Unusable) else SKIP for r in read]
    nothing: Values = (None,) * (1 + len(stream.fields))
    by_column = list(zip(*(r if isinstance(r, tuple) else nothing for r in read), strict=True))
    columns = {"event_id": pa.array(by_column[0] if read else [], pa.string())}
    for field, values in zip(stream.fields, by_column[1:] or [()] * len(stream.fields), strict=True):
        columns[field.column] = array_of(field, values)
    is_event = pa.array([outcome == EVENT for outcome in outcomes], pa.bool_())
    calendar = calendar_of(columns["timestamp"], rules.timezone)
    columns |= dict(zip(CALENDAR.names, calendar.flatten(), strict=True))
    columns["value_total"] = value_total_of(columns["quantity"], columns[stream.price])
    columns[POSITION_COLUMN] = _positions(batch, is_event, changes, rules)
    kept: list[list[str] | None] = [None] * len(read)
    for row, change in changes.items():
        kept[row] = change.kept
        outcomes[row] = DELETE if change.deletes else EVENT
    reasons = [None if isinstance(r, tuple) else _reason(r) for r in read]
    parsed = pa.RecordBatch.from_arrays(
        [
            batch.column("partition"),
            batch.column("offset"),
            _sound_times(batch.column("timestamp"), rules),
            batch.column("key"),
            batch.column("value"),
            pa.array(outcomes, pa.string()),
            pa.array([r and r[0] for r in reasons], pa.string()),
            pa.array([r and r[1] for r in reasons], pa.string()),
            pa.array(kept, pa.list_(pa.string())),
            pa.array([unknown.get(row) for row in range(len(read))], pa.list_(pa.string())),
            pa.array([raw_ids.get(row) for row in range(len(read))], pa.string()),
            *(columns[name] for name in stream.event_columns),
        ],
        names=[*_RECORD_COLUMNS, "outcome", "reason", "detail", "kept", "unknown", "raw_id", *stream.event_columns],
    )
    (parsed,) = without_ambiguous([parsed], stream, REJECT)
    return parsed.replace_schema_metadata({SOURCES_KEY: json.dumps(as_rows(sources))}) if sources else parsed


def _read_batch(
    batch: pa.RecordBatch, rules: ParseRules, sources: dict[Source, Place]
) -> tuple[list[Read], dict[int, Changed], dict[int, list[str]], dict[int, str]]:
    """What each record holds; what those that are Debezium changes do; names of unknown fields; and ids as they were
    sent, where that differs: these three by row. Where no source is known yet, those that changes are of are added to
    `sources`."""
    read: list[Read] = []
    changes: dict[int, Changed] = {}
    unknown: dict[int, list[str]] = {}
    raw_ids: dict[int, str] = {}
    names: set[str] = set()
    keys, partitions, offsets = (batch.column(name) for name in ("key", "partition", "offset"))
    for row, value in enumerate(batch.column("value").to_pylist()):
        found = _read(value, rules, names, raw_ids, row)
        if isinstance(found, Change):
            why_not = not_taken(found, rules.tables, rules.known_sources)
            if why_not is not None:
                read.append(why_not)
                continue
            if isinstance(found.after, dict):
                names.update(found.after.keys() - rules.known)
            key, place = keys[row].as_py(), (partitions[row].as_py(), offsets[row].as_py())
            if not rules.sources:
                _note_source(rules.source_of(found), place, sources)
            if key is not None and len(key) > rules.max_bytes:
                read.append(Unusable(Reason.TOO_LARGE, f"key: {len(key)} bytes"))
                continue
            changed = read_change(found, key, (rules.generation, *place), rules.stream, rules.readers, rules.warehouse)
            if isinstance(changed, Changed):
                if len(rules.sources) > 1:
                    changed = changed.known_to(rules.source_of(found))
                changes[row] = changed
                if changed.raw_id is not None:
                    raw_ids[row] = changed.raw_id
                read.append(changed.values)
            else:
                read.append(changed)
        else:
            read.append(found)
        if names:
            unknown[row] = sorted(_printable(name) for name in names)
            names.clear()
    return read, changes, unknown, raw_ids


def _note_source(source: Source, place: Place, sources: dict[Source, Place]) -> None:
    if source.is_named:
        sources[source] = min(place, sources.get(source, place))


def _positions(
    batch: pa.RecordBatch, is_event: pa.Array, changes: dict[int, Changed], rules: ParseRules
) -> pa.Array:
    """A native event's position is its partition and offset, a change's its place in the source's log."""
    # Rows of the warehouse come as native records of a generation below 0 (parse/history).
    class_ = PositionClass.CHANGE if rules.generation >= 0 else PositionClass.WAREHOUSE
    found = kafka_positions(class_, max(rules.generation, 0), batch.column("partition"), batch.column("offset"))
    found = pc.if_else(is_event, found, pa.scalar(None, pa.binary()))
    if changes:
        positions = found.to_pylist()
        for row, change in changes.items():
            positions[row] = change.position
        found = pa.array(positions, pa.binary())
    return found


def _read(
    value: bytes | None, rules: ParseRules, unknown: set[str], raw_ids: dict[int, str], row: int
) -> Read | Change:
    """What a native record holds; a Debezium change is handed back as it was opened. Adds to `unknown`, `raw_ids`."""
    if value is None:
        return _TOMBSTONE
    values: list[object] = []
    name = held = None
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
            held = data.get(name)
            if held is None and required:
                return Unusable(Reason.MISSING_FIELD, f"{name}: absent")
            values.append(None if held is None else reader(held))
        name = None
        own = values[0]
        values[0] = _identity(own, values, rules)
        sent = data.get(rules.stream.event_id_field)
        if own is not sent and own not in (None, sent) and isinstance(sent, str) and not isinstance(sent, Number):
            raw_ids[row] = sent
    except Unusable as bad:
        return bad if name is None else Unusable(bad.reason, f"{name}: {held}")
    return tuple(values)


def _sound_times(times: pa.Array, rules: ParseRules) -> pa.Array:
    """The records' times as their producers' clocks told them, null where that cannot be."""
    first, last = datetime(EARLIEST_YEAR, 1, 1, tzinfo=timezone.utc), rules.now + rules.future_allowance
    sound = pc.and_(
        pc.greater_equal(times, pa.scalar(first, times.type)), pc.less_equal(times, pa.scalar(last, times.type))
    )
    return pc.if_else(sound, times, pa.scalar(None, times.type))


def _reason(read: Unusable | Skipped) -> tuple[str, str | None]:
    if isinstance(read, Unusable):
        return read.reason.value, _printable(read.detail)
    return read.kind.value, None if read.name is None else _printable(read.name)


def _identity(own: object, values: list[object], rules: ParseRules) -> str:
    """The id of a native record's values, event_id first, which is `own`. Raises Unusable."""
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
