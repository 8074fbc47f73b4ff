"""A Debezium change -> an event or a delete, identified by its record key and positioned by its source's log.

Columns are read by the same readers as a native record's fields, from the values that connect_values decodes. A
column that Debezium did not send (PostgreSQL does not log a large value that an update left unchanged) is unsent: the
event keeps its stored value.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import NamedTuple

from castro_spark.parse.debezium.connect_values import Schema, columns_of, plain
from castro_spark.parse.debezium.record_key import KeyId, key_id
from castro_spark.parse.envelope import Change
from castro_spark.parse.identity import Kinds, check_id, check_natural, natural_id
from castro_spark.parse.origin import Source, Sources, Tables, sourced_id
from castro_spark.parse.position import change_position
from castro_spark.parse.reasons import Reason, Skip, Skipped, Unusable
from castro_spark.parse.values.document import Number
from castro_spark.parse.values.fields import Reader
from castro_spark.streams.declaration import Field, StreamDeclaration

Readers = Sequence[tuple[Field, Reader]]
Place = tuple[int, int, int]  # a record's generation, partition and offset
_Id = tuple[str, str | None]  # normalized; and as it was sent, if that differs
_Effect = tuple[tuple[object, ...], list[str] | None, str | None]  # values, unsent columns, the id as it was sent

_CREATE, _UPDATE, _READ, _DELETE, _TRUNCATE, _MESSAGE = "c", "u", "r", "d", "t", "m"
_PLACEHOLDER = "__debezium_unavailable_value"
# As a text, and as the bytes of a Decimal; no valid value of a stream's columns equals either.
_UNAVAILABLE = (_PLACEHOLDER, base64.b64encode(_PLACEHOLDER.encode()).decode())
_UNSENT = object()


@dataclass(frozen=True)
class Changed:
    """The effect of a change. `values`: the event's, event_id first; all others are None for a delete.

    `kept`: the unsent columns, None in `values`; the event keeps their stored values. `raw_id`: the id as
    it was sent, if that differs.
    """

    deletes: bool
    values: tuple[object, ...]
    kept: list[str] | None
    position: bytes
    raw_id: str | None = None

    def with_source(self, source: Source) -> Changed:
        """With the source as part of its identity, for a conf that names several sources."""
        event_id = self.values[0]
        assert isinstance(event_id, str)
        return replace(self, values=(sourced_id(source.label, event_id), *self.values[1:]))


@dataclass(frozen=True)
class _Row:
    """One image of a row, `before` or `after`: its columns as sent, and their schemas."""

    columns: dict[str, object]
    schemas: dict[str, Schema]

    def read(self, field: Field, reader: Reader) -> object:
        """The field's value; None if it is null or absent; or _UNSENT. Raises Unusable, which names the field."""
        value = self.columns.get(field.name)
        if value in _UNAVAILABLE:
            return _UNSENT
        if value is None:
            if field.required:
                raise Unusable(Reason.MISSING_FIELD, f"{field.name}: absent")
            return None
        try:
            return reader(self.plain(field))
        except Unusable as bad:
            raise Unusable(bad.reason, f"{field.name}: {value}") from None

    def plain(self, field: Field) -> object:
        """The field's value as a native record would have it."""
        return plain(self.columns.get(field.name), field.type, self.schemas.get(field.name))


def not_taken(change: Change, tables: Tables, sources: Sources) -> Skipped | Unusable | None:
    """Why a change is not the stream's: a message, another table, or another source; None if it is the stream's."""
    if change.op == _MESSAGE:
        return Skipped(Skip.MESSAGE)
    table = change.source.get("table")
    if not isinstance(table, str):
        return Unusable(Reason.UNKNOWN_ENVELOPE, "source.table: absent")
    if not tables.takes(table):
        return Skipped(Skip.OTHER_TABLE, table)
    if not (source := Source.of(change.source)).is_text:
        return Unusable(Reason.BAD_TEXT, f"source: {source}")
    if sources.of(change.source) is None:
        return Unusable(Reason.OTHER_SOURCE, str(source))
    return None


def read_change(
    change: Change, key: bytes | None, place: Place, stream: StreamDeclaration, readers: Readers, warehouse: Kinds
) -> Changed | Unusable:
    """An event or a delete, or why there is none. The change must be of the stream's table and source (`not_taken`).

    `place` is the record's place in Kafka. `readers` are the event id field's, then those of the stream's fields. A
    truncate is unusable: it would remove all rows without an operator's decision. `warehouse`: the kinds of identity of
    the warehouse's rows.
    """
    try:
        deletes = change.op == _DELETE
        identification = _Identification(stream, readers, warehouse, key_id(key, stream, readers[0][1]))
        values, unsent, raw_id = (_delete if deletes else _event)(change, identification)
        event_id = str(values[0])
        position = change_position(change.source, event_id, *place, snapshot=change.op == _READ)
        return Changed(deletes, values, unsent, position, raw_id)
    except Unusable as bad:
        return bad


class _Identification(NamedTuple):
    """What identifies a change's row: the stream's rules and the record key."""

    stream: StreamDeclaration
    readers: Readers
    warehouse: Kinds
    key: KeyId | None

    def id_of_key(self, product_code: object) -> _Id | None:
        """The id of the record key; None without one."""
        if self.key is None:
            return None
        self.key.check_identifies_rows(product_code)
        check_id(self.key.text, self.stream, self.warehouse, "key")
        return self.key.text, self.key.raw

    def own_id(self, row: _Row) -> _Id:
        """A row's identity without a record key: its event id field, else its natural key, like a native record's."""
        id_field, id_reader = self.readers[0]
        own = row.read(id_field, id_reader)
        if isinstance(own, str):
            check_id(own, self.stream, self.warehouse, id_field.name)
            sent = row.plain(id_field)
            return own, sent if isinstance(sent, str) and not isinstance(sent, Number) and sent != own else None
        natural_key = (*self.stream.natural_key, "timestamp")
        natural = [(f, reader) for f, reader in self.readers[1:] if f.column in natural_key]
        if own is _UNSENT or any(f.required and row.columns.get(f.name) is None for f, _ in natural):
            raise Unusable(Reason.MISSING_FIELD, "key: absent")
        check_natural(self.stream, self.warehouse, "key")
        event = {field.column: row.read(field, reader) for field, reader in natural}
        if _UNSENT in event.values():
            raise Unusable(Reason.MISSING_FIELD, "key: absent")
        micros = event["timestamp"]
        assert isinstance(micros, int)
        return natural_id(self.stream.natural_key, event, micros), None

    def product_of(self, row: _Row | None) -> object:
        """The product's code, if the row has a usable one."""
        field, reader = next((f, reader) for f, reader in self.readers if f.column == "product_code")
        with suppress(Unusable):  # an image of a deleted row may contain anything
            return row and row.read(field, reader)
        return None


def _delete(change: Change, identification: _Identification) -> _Effect:
    before = None
    with suppress(Unusable):
        before = _row(change, "before")
    found = identification.id_of_key(identification.product_of(before))
    event_id, raw_id = found or identification.own_id(_row(change, "before") or _Row({}, {}))
    return (event_id, *[None] * len(identification.stream.fields)), None, raw_id


def _event(change: Change, identification: _Identification) -> _Effect:
    if change.op == _TRUNCATE:
        raise Unusable(Reason.UNKNOWN_ENVELOPE, f"op {_TRUNCATE}: a truncate would remove every row; do that by hand")
    if change.op not in (_CREATE, _UPDATE, _READ):
        raise Unusable(Reason.UNKNOWN_ENVELOPE, f"op {change.op}: unknown, it is none of c, u, r, d")
    after = _row(change, "after")
    if after is None:
        raise Unusable(Reason.MISSING_FIELD, "after: absent")
    read = [after.read(field, reader) for field, reader in identification.readers[1:]]
    columns = identification.stream.columns
    found = identification.id_of_key(read[columns.index("product_code")])
    event_id, raw_id = found or identification.own_id(after)
    if found is None:
        _refuse_new_identity(change, event_id, identification)
    unsent = [column for column, value in zip(columns, read, strict=True) if value is _UNSENT]
    return (event_id, *(None if value is _UNSENT else value for value in read)), unsent or None, raw_id


def _row(change: Change, image: str) -> _Row | None:
    columns = change.after if image == "after" else change.before
    if columns is None:
        return None
    if not isinstance(columns, dict):
        raise Unusable(Reason.NOT_AN_OBJECT, f"{image}: {columns}")
    return _Row(columns, columns_of(columns_of(change.schema).get(image)))


def _refuse_new_identity(change: Change, event_id: str, identification: _Identification) -> None:
    """Rejects an update that changes the identity, if there is no key: the old row would stay and count forever."""
    if change.op != _UPDATE:
        return
    before = None
    with suppress(Unusable):  # no image, or one that was never a valid event
        row = _row(change, "before")
        before = row and identification.own_id(row)[0]
    if before not in (None, event_id):
        raise Unusable(Reason.MISSING_FIELD, "key: absent, and the update changes the event's identity")
