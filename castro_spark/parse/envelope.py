"""One record's bytes -> its envelope: native (the table it speaks of, and its `data`), or a Debezium change.

Numbers stay text from here to their decimal: a JSON parser's float would have lost digits already.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from castro_spark.parse.reasons import Reason, Unusable


class Number(str):
    """A JSON number as it was written, where it must be told from a text of the same digits."""

    __slots__ = ()


@dataclass(frozen=True)
class Change:
    """A Debezium change, unwrapped and otherwise as it was sent; `schema` is the wrapper's, None without one."""

    op: str
    before: object
    after: object
    source: dict[str, Any]
    ts_ms: object
    schema: object


def open_envelope(value: bytes, max_bytes: int) -> tuple[str, dict[str, Any]] | Change | None:
    """The native envelope `{"table": "...", "data": {...}}` -> (table, data); Debezium's -> a Change.

    Debezium's is an object with `op` and `source`, or has one as the `payload` beside its `schema`; None is
    its tombstone in that wrapper, a null payload. In `data` and in a change's rows a text and a number are both a
    str, the number as it was written; null is None, and whatever else is neither.
    Raises Unusable: too_large, not_json, duplicate_key, not_an_object, unknown_envelope.
    """
    if len(value) > max_bytes:
        raise Unusable(Reason.TOO_LARGE, f"{len(value)} bytes")
    document = _document(value, _DECODER)
    if not isinstance(document, dict):
        raise Unusable(Reason.NOT_AN_OBJECT, _start(value))
    table, data = document.get("table"), document.get("data")
    if not isinstance(table, str) or data is None:
        return _change(document, value)
    if not isinstance(data, dict):
        raise Unusable(Reason.NOT_AN_OBJECT, f"data is no object: {_start(value)}")
    return table, data


def open_key(key: bytes) -> tuple[object, object]:
    """A record key -> what it holds and its schema; one that is no JSON is its text. Its numbers are Numbers.

    Raises Unusable: duplicate_key; bad_key: neither JSON nor one text, such as Kafka Connect's `Struct{...}`.
    """
    try:
        return _unwrap(_document(key, _MARKING_DECODER))
    except Unusable as bad:
        if bad.reason is Reason.NOT_JSON:
            return _plain_key(key), None
        raise


def _plain_key(key: bytes) -> str:
    try:
        text = key.decode()
    except UnicodeDecodeError:
        raise Unusable(Reason.BAD_KEY, "not UTF-8") from None
    if _NO_PLAIN_KEY(text):
        raise Unusable(Reason.BAD_KEY, _start(key))
    return text


def _change(document: dict[str, Any], value: bytes) -> Change | None:
    payload, schema = _unwrap(document)
    if payload is None:
        return None
    # Under a Decimal without decimals `1234` is a number and `"1234"` is base64: worth a second look, here alone.
    if schema is not None and _WHOLE_DECIMAL(value):
        payload, _ = _unwrap(_document(value, _MARKING_DECODER))
    if not isinstance(payload, dict):
        raise Unusable(Reason.UNKNOWN_ENVELOPE, _start(value))
    op, source = payload.get("op"), payload.get("source")
    if not isinstance(op, str) or not isinstance(source, dict):
        raise Unusable(Reason.UNKNOWN_ENVELOPE, _start(value))
    return Change(op, payload.get("before"), payload.get("after"), source, payload.get("ts_ms"), schema)


def _unwrap(document: Any) -> tuple[Any, object]:
    """Kafka Connect's `{"schema", "payload"}` -> (payload, schema); whatever else is its own payload."""
    if isinstance(document, dict) and "payload" in document and document.keys() <= {"schema", "payload"}:
        return document["payload"], document.get("schema")
    return document, None


def _document(value: bytes, decoder: json.JSONDecoder) -> Any:
    try:
        return decoder.decode(value.decode())
    except UnicodeDecodeError:
        raise Unusable(Reason.NOT_JSON, "not UTF-8") from None
    except (ValueError, RecursionError):
        raise Unusable(Reason.NOT_JSON, _start(value)) from None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        raise Unusable(Reason.DUPLICATE_KEY, next(n for n in names if names.count(n) > 1))
    return found


# NaN and Infinity come out as floats: no text, so a field that holds one says bad_number.
_DECODER = json.JSONDecoder(parse_float=str, parse_int=str, object_pairs_hook=_object)
_MARKING_DECODER = json.JSONDecoder(parse_float=Number, parse_int=Number, object_pairs_hook=_object)
# What a text begins with that was meant to be more than one value; control characters: of a binary converter.
_NO_PLAIN_KEY = re.compile(r"\s*\w*[{\[\"]|.*[\x00-\x1f\x7f-\x9f]", re.DOTALL).match
_WHOLE_DECIMAL = re.compile(rb'"scale"\s*:\s*"[0-]').search


def _start(value: bytes) -> str:
    return value[:200].decode(errors="replace")
