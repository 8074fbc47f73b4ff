"""One record's bytes -> its envelope: native (`table` and `data`), or a Debezium change.

Other tools' envelopes have a `table` and `data` too. Members that mark them as a change (`op`, `old`, a `type` that is
an operation, ...) make them an unknown envelope: read as native, their updates and deletes would be inserts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from castro_spark.parse.reasons import Reason, Skip, Skipped, Unusable
from castro_spark.parse.values.document import Documents, start_of

_VALUES, _KEYS = Documents(), Documents(marking=True)
# The start of a text that encodes several values; control characters, from a binary converter.
_NO_PLAIN_KEY = re.compile(r"\s*\w*[{\[\"]|.*[\x00-\x1f\x7f-\x9f]", re.DOTALL).match
_NATIVE_MEMBERS = 2  # `table` and `data`: a record without further members is native
_STAMPS = {"ts_ms", "ts_us", "ts_ns"}
_TRANSACTION = _STAMPS | {"status", "id", "event_count", "data_collections"}


@dataclass(frozen=True)
class ForeignMarks:
    """Marks of another tool's envelope: a member's name, or a member whose value is an operation.

    All in lower case; matching ignores case.
    """

    members: frozenset[str]
    operation_members: frozenset[str]
    operations: frozenset[str]

    def found_in(self, document: dict[str, Any]) -> str | None:
        """The member that marks the document as another tool's; None without one."""
        for name, value in document.items():
            if name.lower() in self.members:
                return name
            operation = value.strip().lower() if isinstance(value, str) else None
            if name.lower() in self.operation_members and operation in self.operations:
                return f"{name} {value}"
        return None


NO_MARKS = ForeignMarks(frozenset(), frozenset(), frozenset())


@dataclass(frozen=True)
class Change:
    """A Debezium change, unwrapped and otherwise as sent; `schema` is the wrapper's, None without one."""

    op: str
    before: object
    after: object
    source: dict[str, Any]
    ts_ms: object
    schema: object


def open_envelope(value: bytes, max_bytes: int, foreign: ForeignMarks) -> tuple[str, dict[str, Any]] | Change | Skipped:
    """The native envelope `{"table": "...", "data": {...}}` -> (table, data); Debezium's -> a Change.

    Debezium's is an object with `op` and `source`, or a wrapper with such a `payload` beside its `schema`. Skipped are
    tombstones in that wrapper (a null payload) and a connector's own messages: heartbeats, transaction boundaries,
    schema changes. In `data` and in a change's rows, texts and numbers are both a str, a number as written (a Number,
    if it has a point or an exponent); null is None; any other value is neither.
    Raises Unusable: too_large, not_json, duplicate_key, too_complex, not_an_object, unknown_envelope.
    """
    if len(value) > max_bytes:
        raise Unusable(Reason.TOO_LARGE, f"{len(value)} bytes")
    document, schema, wrapped = _VALUES.open(value)
    if wrapped:
        return Skipped(Skip.TOMBSTONE) if document is None else _change(document, schema, value)
    if not isinstance(document, dict):
        raise Unusable(Reason.NOT_AN_OBJECT, start_of(value))
    table, data = document.get("table"), document.get("data")
    if not isinstance(table, str) or data is None:
        return _change(document, None, value)
    if len(document) > _NATIVE_MEMBERS and (mark := foreign.found_in(document)):
        if isinstance(document.get("source"), dict):
            return _change(document, None, value)
        raise Unusable(Reason.UNKNOWN_ENVELOPE, f"{mark}: another tool's change: {start_of(value)}")
    if not isinstance(data, dict):
        raise Unusable(Reason.NOT_AN_OBJECT, f"data is no object: {start_of(value)}")
    return table, data


def open_key(key: bytes) -> tuple[object, object]:
    """A record key -> its content and schema; a key that is no JSON is its text. Its numbers are Numbers.

    Raises Unusable: duplicate_key, too_complex; bad_key: neither JSON nor one text, such as Kafka Connect's
    `Struct{...}`.
    """
    try:
        content, schema, _ = _KEYS.open(key)
    except Unusable as bad:
        if bad.reason is Reason.NOT_JSON:
            return _plain_key(key), None
        raise
    return content, schema


def _plain_key(key: bytes) -> str:
    try:
        text = key.decode()
    except UnicodeDecodeError:
        raise Unusable(Reason.BAD_KEY, "not UTF-8") from None
    if _NO_PLAIN_KEY(text):
        raise Unusable(Reason.BAD_KEY, start_of(key))
    return text


def _change(payload: Any, schema: object, value: bytes) -> Change | Skipped:
    if not isinstance(payload, dict):
        raise Unusable(Reason.UNKNOWN_ENVELOPE, start_of(value))
    op, source = payload.get("op"), payload.get("source")
    if isinstance(op, str) and isinstance(source, dict):
        return Change(op, payload.get("before"), payload.get("after"), source, payload.get("ts_ms"), schema)
    kind = _connector_message(payload)
    if kind is None:
        raise Unusable(Reason.UNKNOWN_ENVELOPE, start_of(value))
    return Skipped(kind)


def _connector_message(payload: dict[str, Any]) -> Skip | None:
    """The kind of a connector's own message, recognized by its members; None for any other payload."""
    names = payload.keys()
    if "ts_ms" in names and names <= _STAMPS:
        return Skip.HEARTBEAT
    if payload.get("status") in ("BEGIN", "END") and "id" in names and names <= _TRANSACTION:
        return Skip.TRANSACTION
    if isinstance(payload.get("source"), dict) and "op" not in names and names & {"ddl", "tableChanges"}:
        return Skip.SCHEMA_CHANGE
    return None
