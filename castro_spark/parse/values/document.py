"""Bytes -> a JSON document, in time bounded by the number of bytes, whatever the document's structure.

Numbers stay text until they become decimals: a JSON parser's float would lose digits. Kafka Connect's
`{"schema", "payload"}` repeats one long schema in every record: it is parsed once and then recognized by its bytes.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from castro_spark.parse.reasons import Reason, Unusable

MOST_NESTING = 64
MOST_MEMBERS = 1_000  # of one object
_MOST_CACHED = 8  # a topic of several tables has several schemas
_START_LENGTH = 200


class Number(str):
    """A JSON number as written, distinguished from a text of the same digits."""

    __slots__ = ()


# The document's content, the Connect schema beside it, and whether it was in Connect's wrapper. A plain tuple, because
# every record creates one.
Payload = tuple[Any, Any, bool]


@dataclass(frozen=True)
class _CachedSchema:
    """A wrapper's bytes up to its payload, and the schema parsed from them."""

    prefix: bytes
    schema: Any
    decoder: json.JSONDecoder


class Documents:
    """Decodes documents. With `marking` every number is a Number, else only those with a point or an exponent."""

    def __init__(self, *, marking: bool = False) -> None:
        self._decoder = _MARKING_DECODER if marking else _DECODER
        self._cached: tuple[_CachedSchema, ...] = ()

    def open(self, value: bytes) -> Payload:
        """The document, without Kafka Connect's wrapper.

        Texts and numbers are both a str, a number as written; null is None; any other value is neither.
        Raises Unusable: not_json, duplicate_key, too_complex.
        """
        if value.startswith(_WRAPPER) and (payload := self._after_schema(value)):
            return payload
        document = _decoded(value, value, self._decoder)
        if isinstance(document, dict) and "payload" in document and document.keys() <= {"schema", "payload"}:
            if _WHOLE_DECIMAL(value):  # not as Kafka Connect writes it: its schema was not known before
                document = _decoded(value, value, _MARKING_DECODER)
            return document["payload"], document.get("schema"), True
        return document, None, False

    def _after_schema(self, value: bytes) -> Payload | None:
        for cached in self._cached:
            if value.startswith(cached.prefix) and (payload := self._payload(value, cached)):
                return payload
        learned = self._learn(value)
        payload = self._payload(value, learned) if learned else None
        if learned and payload:
            self._cached = (learned, *self._cached[: _MOST_CACHED - 1])
        return payload

    def _learn(self, value: bytes) -> _CachedSchema | None:
        """The schema at the document's start; None without one, or if the document is invalid."""
        try:
            text = value.decode()
            begin = _SCHEMA_BEGINS(text)
            if begin is None:
                return None
            schema, end = self._decoder.raw_decode(text, begin.end())
        except (ValueError, RecursionError, Unusable):
            return None
        payload = _PAYLOAD_BEGINS(text, end)
        if payload is None or not isinstance(schema, dict) or nested_deeper(schema, MOST_NESTING - 1):
            return None
        prefix = text[: payload.end()].encode()
        decoder = _MARKING_DECODER if _WHOLE_DECIMAL(prefix) else self._decoder
        return _CachedSchema(prefix, schema, decoder)

    def _payload(self, value: bytes, cached: _CachedSchema) -> Payload | None:
        """The payload after a cached schema; None if it is not the last member."""
        rest = value[len(cached.prefix) :].rstrip(_BLANK_BYTES)
        if not rest.endswith(b"}"):
            return None
        try:
            content = _decoded(rest[:-1], value, cached.decoder, above=1)
        except Unusable as bad:
            if bad.reason is Reason.NOT_JSON:
                return None
            raise
        return content, cached.schema, True


def nested_deeper(document: Any, most: int) -> bool:
    """Whether objects and arrays are nested deeper than `most`; one alone has depth 1."""
    level = [document] if isinstance(document, (dict, list)) else []
    for _ in range(most):
        if not level:
            return False
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, (dict, list))
        ]
    return bool(level)


def start_of(value: bytes) -> str:
    """The start of a record's bytes as text, for error messages."""
    return value[:_START_LENGTH].decode(errors="replace")


def _decoded(json_text: bytes, value: bytes, decoder: json.JSONDecoder, above: int = 0) -> Any:
    """The document in `json_text`, which starts at depth `above` of the record's `value`."""
    try:
        text = json_text.decode()
        document, end = decoder.raw_decode(text)
        if end < len(text) and text[end:].strip(_JSON_BLANKS):
            raise Unusable(Reason.NOT_JSON, start_of(value))
    except UnicodeDecodeError:
        raise Unusable(Reason.NOT_JSON, "not UTF-8") from None
    except RecursionError:
        raise _too_deep(value) from None
    except ValueError:
        if json_text and json_text[0] in _BLANK_BYTES:
            return _decoded(json_text.lstrip(_BLANK_BYTES), value, decoder, above)
        raise Unusable(Reason.NOT_JSON, start_of(value)) from None
    # Nearly every record has fewer brackets than the maximum depth, so the exact check is rare.
    brackets = json_text.count(b"{") + json_text.count(b"[") + above
    if brackets > MOST_NESTING and nested_deeper(document, MOST_NESTING - above):
        raise _too_deep(value)
    return document


def _too_deep(value: bytes) -> Unusable:
    return Unusable(Reason.TOO_COMPLEX, f"nested deeper than {MOST_NESTING}: {start_of(value)}")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MOST_MEMBERS:
        raise Unusable(Reason.TOO_COMPLEX, f"an object of {len(pairs):,} members, more than {MOST_MEMBERS:,}")
    members = dict(pairs)
    if len(members) != len(pairs):
        seen: set[str] = set()
        raise Unusable(Reason.DUPLICATE_KEY, next(n for n, _ in pairs if n in seen or seen.add(n)))  # type: ignore[func-returns-value]
    return members


# NaN and Infinity become floats, not text, so a field with one is bad_number.
_DECODER = json.JSONDecoder(parse_float=Number, parse_int=str, object_pairs_hook=_object)
_MARKING_DECODER = json.JSONDecoder(parse_float=Number, parse_int=Number, object_pairs_hook=_object)
_JSON_BLANKS = " \t\n\r"
_BLANK_BYTES = _JSON_BLANKS.encode()
# As Kafka Connect writes it; one with leading blanks is parsed as a whole.
_WRAPPER = b'{"schema"'
_SCHEMA_BEGINS = re.compile(r'\{"schema"[ \t\n\r]*:[ \t\n\r]*').match
_PAYLOAD_BEGINS = re.compile(r'[ \t\n\r]*,[ \t\n\r]*"payload"[ \t\n\r]*:[ \t\n\r]*').match
# For a Decimal of scale 0 or less, `1234` is a number and `"1234"` is base64: then all numbers are marked.
_WHOLE_DECIMAL = re.compile(rb'"scale"\s*:\s*"[0-]').search
