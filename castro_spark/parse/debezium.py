"""A Debezium change -> an event or a delete, known by its record key and placed by its source's log.

Columns are read by the same readers as a native record's fields, from the values that parse/connect_values makes
plain. A column that Debezium did not send (PostgreSQL does not log a large value that an update left alone) is kept.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import NamedTuple

from castro_spark.parse.connect_values import Schema, columns_of, plain
from castro_spark.parse.envelope import Change
from castro_spark.parse.fields import Reader
from castro_spark.parse.identity import Kinds, check_id, check_natural, natural_id
from castro_spark.parse.origin import Source, Sources, Tables, sourced_id
from castro_spark.parse.position import change_position
from castro_spark.parse.reasons import Reason, Skip, Skipped, Unusable
from castro_spark.parse.record_key import KeyId, key_id
from castro_spark.streams.declaration import Field, StreamDeclaration

Readers = Sequence[tuple[Field, Reader]]
Place = tuple[int, int, int]  # a record's generation, partition and offset
_ValuesAndKept = tuple[tuple[object, ...], list[str] | None]

_CREATE, _UPDATE, _READ, _DELETE, _TRUNCATE, _MESSAGE = "c", "u", "r", "d", "t", "m"
_PLACEHOLDER = "__debezium_unavailable_value"
# As a text, and as the bytes of a Decimal; no sound value of a stream's columns reads like either.
_UNAVAILABLE = (_PLACEHOLDER, base64.b64encode(_PLACEHOLDER.encode()).decode())
_KEPT = object()


@dataclass(frozen=True)
class Changed:
    """What a change does. `values`: the event's, event_id first; of a delete they are None but for the event_id.

    `kept`: the columns that were not sent, None in `values`: they keep the value they had. `raw_id`: the id of the
    record key as it was sent, where that differs.
    """

    deletes: bool
    values: tuple[object, ...]
    kept: list[str] | None
    position: bytes
    raw_id: str | None = None

    def known_to(self, source: Source) -> Changed:
        """With the source as a part of its identity, as where conf names several."""
        event_id = self.values[0]
        assert isinstance(event_id, str)
        return replace(self, values=(sourced_id(source.label, event_id), *self.values[1:]))


@dataclass(frozen=True)
class _Row:
    """One image of a row, `before` or `after`: its columns as they were sent, and their schemas."""

    columns: dict[str, object]
    schemas: dict[str, Schema]

    def read(self, field: Field, reader: Reader) -> object:
        """The field's value, None if it is null or absent, or _KEPT. Raises Unusable, naming the field."""
        held = self.columns.get(field.name)
        if held in _UNAVAILABLE:
            return _KEPT
        if held is None:
            if field.required:
                raise Unusable(Reason.MISSING_FIELD, f"{field.name}: absent")
            return None
        try:
            return reader(plain(held, field.type, self.schemas.get(field.name)))
        except Unusable as bad:
            raise Unusable(bad.reason, f"{field.name}: {held}") from None


def not_taken(change: Change, tables: Tables, sources: Sources) -> Skipped | Unusable | None:
    """Why a change is not the stream's: it is a message, of another table, or of another source; None where it is."""
    if change.op == _MESSAGE:
        return Skipped(Skip.MESSAGE)
    table = change.source.get("table")
    if not isinstance(table, str):
        return Unusable(Reason.UNKNOWN_ENVELOPE, "source.table: absent")
    if not tables.takes(table):
        return Skipped(Skip.OTHER_TABLE, table)
    if sources.of(change.source) is None:
        return Unusable(Reason.OTHER_SOURCE, str(Source.of(change.source)))
    return None


def read_change(
    change: Change, key: bytes | None, place: Place, stream: StreamDeclaration, readers: Readers, warehouse: Kinds
) -> Changed | Unusable:
    """An event or a delete; or why there is none. The change is of the stream's table and source (`not_taken`).

    `place` is where Kafka has it.
    `readers` are the event id field's, then those of the stream's fields. A truncate is unusable: it would take
    all rows away, and nobody should have that done unseen. `warehouse`: how the warehouse's rows are known.
    """
    try:
        deletes = change.op == _DELETE
        known = _Known(stream, readers, warehouse, key_id(key, stream, readers[0][1]))
        values, kept = (_delete if deletes else _event)(change, known)
        position = change_position(change.source, *place, snapshot=change.op == _READ)
        return Changed(deletes, values, kept, position, known.key.raw if known.key else None)
    except Unusable as bad:
        return bad


class _Known(NamedTuple):
    """What rows are identified by."""

    stream: StreamDeclaration
    readers: Readers
    warehouse: Kinds
    key: KeyId | None

    def id_of_key(self, product_code: object) -> str | None:
        """The id of the record key; None without one."""
        if self.key is None:
            return None
        self.key.check_tells_rows(product_code)
        check_id(self.key.text, self.stream, self.warehouse, "key")
        return self.key.text

    def own_id(self, row: _Row) -> str:
        """The identity that a row has without a key: its event id field, else its natural key, as native records."""
        id_field, id_reader = self.readers[0]
        own = row.read(id_field, id_reader)
        if isinstance(own, str):
            check_id(own, self.stream, self.warehouse, id_field.name)
            return own
        natural_key = (*self.stream.natural_key, "timestamp")
        natural = [(f, reader) for f, reader in self.readers[1:] if f.column in natural_key]
        if own is _KEPT or any(f.required and row.columns.get(f.name) is None for f, _ in natural):
            raise Unusable(Reason.MISSING_FIELD, "key: absent")
        check_natural(self.stream, self.warehouse, "key")
        event = {field.column: row.read(field, reader) for field, reader in natural}
        if _KEPT in event.values():
            raise Unusable(Reason.MISSING_FIELD, "key: absent")
        micros = event["timestamp"]
        assert isinstance(micros, int)
        return natural_id(self.stream.natural_key, event, micros)

    def product_of(self, row: _Row | None) -> object:
        """The product's code where the row tells it."""
        field, reader = next((f, reader) for f, reader in self.readers if f.column == "product_code")
        with suppress(Unusable):  # the row is an image of what is gone, and may hold anything
            return row and row.read(field, reader)
        return None


def _delete(change: Change, known: _Known) -> _ValuesAndKept:
    before = None
    with suppress(Unusable):
        before = _row(change, "before")
    event_id = known.id_of_key(known.product_of(before))
    if event_id is None:
        event_id = known.own_id(_row(change, "before") or _Row({}, {}))
    return (event_id, *[None] * len(known.stream.fields)), None


def _event(change: Change, known: _Known) -> _ValuesAndKept:
    if change.op == _TRUNCATE:
        raise Unusable(Reason.UNKNOWN_ENVELOPE, f"op {_TRUNCATE}: a truncate would remove every row; do that by hand")
    if change.op not in (_CREATE, _UPDATE, _READ):
        raise Unusable(Reason.UNKNOWN_ENVELOPE, f"op {change.op}: unknown, it is none of c, u, r, d")
    after = _row(change, "after")
    if after is None:
        raise Unusable(Reason.MISSING_FIELD, "after: absent")
    read = [after.read(field, reader) for field, reader in known.readers[1:]]
    columns = known.stream.columns
    event_id = known.id_of_key(read[columns.index("product_code")])
    if event_id is None:
        event_id = known.own_id(after)
        _refuse_new_identity(change, event_id, known)
    kept = [column for column, value in zip(columns, read, strict=True) if value is _KEPT]
    return (event_id, *(None if value is _KEPT else value for value in read)), kept or None


def _row(change: Change, image: str) -> _Row | None:
    columns = change.after if image == "after" else change.before
    if columns is None:
        return None
    if not isinstance(columns, dict):
        raise Unusable(Reason.NOT_AN_OBJECT, f"{image}: {columns}")
    return _Row(columns, columns_of(columns_of(change.schema).get(image)))


def _refuse_new_identity(change: Change, event_id: str, known: _Known) -> None:
    """Without a key an update that changes the identity would leave the old row behind, counted for ever."""
    if change.op != _UPDATE:
        return
    before = None
    with suppress(Unusable):  # no image, or one that never was an event
        row = _row(change, "before")
        before = row and known.own_id(row)
    if before not in (None, event_id):
        raise Unusable(Reason.MISSING_FIELD, "key: absent, and the update changes the event's identity")
