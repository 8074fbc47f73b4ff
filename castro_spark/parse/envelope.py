"""One record's bytes -> its envelope: the table it speaks of, and its `data`.

Numbers stay text from here to their decimal: a JSON parser's float would have lost digits already.
"""

from __future__ import annotations

import json
from typing import Any

from castro_spark.parse.reasons import Reason, Unusable


def open_envelope(value: bytes, max_bytes: int) -> tuple[str, dict[str, Any]]:
    """The native envelope `{"table": "...", "data": {...}}` -> (table, data).

    In `data` a text and a number are both a str, the number as it was written; null is None, and whatever else
    is neither. Raises Unusable: too_large, not_json, duplicate_key, not_an_object, unknown_envelope.
    """
    if len(value) > max_bytes:
        raise Unusable(Reason.TOO_LARGE, f"{len(value)} bytes")
    document = _document(value)
    if not isinstance(document, dict):
        raise Unusable(Reason.NOT_AN_OBJECT, _start(value))
    table, data = document.get("table"), document.get("data")
    if not isinstance(table, str) or data is None:
        raise Unusable(Reason.UNKNOWN_ENVELOPE, _start(value))
    if not isinstance(data, dict):
        raise Unusable(Reason.NOT_AN_OBJECT, f"data is no object: {_start(value)}")
    return table, data


def _document(value: bytes) -> Any:
    try:
        return _DECODER.decode(value.decode())
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


def _start(value: bytes) -> str:
    return value[:200].decode(errors="replace")
