"""Bytes -> a JSON document, in time that grows with the bytes alone, however the document is built.

Numbers stay text from here to their decimal: a JSON parser's float would have lost digits already. Kafka Connect's
`{"schema", "payload"}` repeats one long schema in record after record: it is parsed once, and known again by its bytes.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from castro_spark.parse.reasons import Reason, Unusable

MOST_NESTING = 64
MOST_MEMBERS = 1_000  # of one object
_SCHEMAS_KNOWN = 8  # a topic of several tables has several schemas
_START_LENGTH = 200


class Number(str):
    """A JSON number as it was written, where it must be told from a text of the same digits."""

    __slots__ = ()


# What a document holds, the Connect schema beside it, and whether it came in Connect's wrapper. A plain tuple: one is
# made for every record.
Payload = tuple[Any, Any, bool]


@dataclass(frozen=True)
class _Known:
    """A wrapper's bytes up to its payload, and the schema in them."""

    prefix: bytes
    schema: Any
    decoder: json.JSONDecoder


class Documents:
    """Opens documents. With `marking` every number comes as a Number, else only those with a point or an exponent."""

    def __init__(self, *, marking: bool = False) -> None:
        self._decoder = _MARKING_DECODER if marking else _DECODER
        self._known: tuple[_Known, ...] = ()

    def open(self, value: bytes) -> Payload:
        """The document, without Kafka Connect's wrapper.

        Texts and numbers are both a str, a number as it was written; null is None, and whatever else is neither.
        Raises Unusable: not_json, duplicate_key, too_complex.
        """
        if value.startswith(_WRAPPER) and (payload := self._after_schema(value)):
            return payload
        document = _decoded(value, value, self._decoder)
        if isinstance(document, dict) and "payload" in document and document.keys() <= {"schema", "payload"}:
            return document["payload"], document.get("schema"), True
        return document, None, False

    def _after_schema(self, value: bytes) -> Payload | None:
        for known in self._known:
            if value.startswith(known.prefix) and (payload := self._payload(value, known)):
                return payload
        learned = self._learn(value)
        payload = self._payload(value, learned) if learned else None
        if learned and payload:
            self._known = (learned, *self._known[: _SCHEMAS_KNOWN - 1])
        return payload

    def _learn(self, value: bytes) -> _Known | None:
        """The schema that the document begins with, if it does; a document that is not sound is not for here."""
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
        # Under a Decimal without decimals `1234` is a number and `"1234"` is base64: there all numbers are marked.
        decoder = _MARKING_DECODER if _WHOLE_DECIMAL(prefix) else self._decoder
        return _Known(prefix, schema, decoder)

    def _payload(self, value: bytes, known: _Known) -> Payload | None:
        """The payload after a known schema; None if it is not the last member."""
        rest = value[len(known.prefix) :].rstrip(_BLANK_BYTES)
        if not rest.endswith(b"}"):
            return None
        try:
            content = _decoded(rest[:-1], value, known.decoder, above=1)
        except Unusable as bad:
            if bad.reason is Reason.NOT_JSON:
                return None
            raise
        return content, known.schema, True


def nested_deeper(document: Any, most: int) -> bool:
    """Whether objects and arrays lie deeper in each other than `most`; one alone is 1 deep."""
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
    """What a person sees of a record's bytes."""
    return value[:_START_LENGTH].decode(errors="replace")


def _decoded(json_text: bytes, value: bytes, decoder: json.JSONDecoder, above: int = 0) -> Any:
    """The document in `json_text`, which begins `above` objects deep in the record's `value`."""
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
    # Nearly every record has fewer brackets than may lie in each other.
    brackets = json_text.count(b"{") + json_text.count(b"[") + above
    if brackets > MOST_NESTING and nested_deeper(document, MOST_NESTING - above):
        raise _too_deep(value)
    return document


def _too_deep(value: bytes) -> Unusable:
    return Unusable(Reason.TOO_COMPLEX, f"nested deeper than {MOST_NESTING}: {start_of(value)}")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    if len(pairs) > MOST_MEMBERS:
        raise Unusable(Reason.TOO_COMPLEX, f"an object of {len(pairs):,} members, more than {MOST_MEMBERS:,}")
    found = dict(pairs)
    if len(found) != len(pairs):
        seen: set[str] = set()
        raise Unusable(Reason.DUPLICATE_KEY, next(n for n, _ in pairs if n in seen or seen.add(n)))  # type: ignore[func-returns-value]
    return found


# NaN and Infinity come out as floats: no text, so a field that holds one says bad_number.
_DECODER = json.JSONDecoder(parse_float=Number, parse_int=str, object_pairs_hook=_object)
_MARKING_DECODER = json.JSONDecoder(parse_float=Number, parse_int=Number, object_pairs_hook=_object)
_JSON_BLANKS = " \t\n\r"
_BLANK_BYTES = _JSON_BLANKS.encode()
# As Kafka Connect writes it; one with blanks before it is parsed as a whole.
_WRAPPER = b'{"schema"'
_SCHEMA_BEGINS = re.compile(r'\{"schema"[ \t\n\r]*:[ \t\n\r]*').match
_PAYLOAD_BEGINS = re.compile(r'[ \t\n\r]*,[ \t\n\r]*"payload"[ \t\n\r]*:[ \t\n\r]*').match
_WHOLE_DECIMAL = re.compile(rb'"scale"\s*:\s*"[0-]').search
