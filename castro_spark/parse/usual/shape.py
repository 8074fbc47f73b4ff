"""The shape of a native record: its bytes without the values of its fields.

Nearly all records of a producer have one of a few shapes. The record path (parse/envelope) opens one record of each
shape and thereby decides everything but the values: members, their order and blanks, the table, fields that are
missing, null or unknown. A regular expression then recognizes the others of the shape, and a value is found by the
number of quotation marks before it.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from castro_spark.parse.envelope import open_envelope
from castro_spark.parse.identity import check_id, check_natural
from castro_spark.parse.reasons import Unusable
from castro_spark.parse.rules import ParseRules
from castro_spark.streams.declaration import FieldType

_MOST_MEMBERS = 64
_MOST_BYTES = 4_000  # of an example. RE2, Arrow's library, recognizes patterns of this size in linear time.

# A member of a flat object: a name, and a value unless that is an object.
_MEMBER = re.compile(
    rb'"(?P<name>[^"\\]*)"[ \t\r\n]*:[ \t\r\n]*'
    rb'("(?P<text>(?:[^"\\]|\\[^"])*)"|(?P<number>-?[0-9][0-9.eE+-]*)|(?P<word>true|false|null))?'
)
# Patterns of values, for RE2 on bytes. A text: well-formed UTF-8 without control characters, and JSON's escapes but for
# that of a quotation mark. Numbers: JSON's; in a text field without point and exponent: such a number is its own text.
_TEXT = (
    r"(?:[\x20\x21\x23-\x5b\x5d-\x7f]|[\xc2-\xdf][\x80-\xbf]|\xe0[\xa0-\xbf][\x80-\xbf]"
    r"|[\xe1-\xec\xee\xef][\x80-\xbf]{2}|\xed[\x80-\x9f][\x80-\xbf]|\xf0[\x90-\xbf][\x80-\xbf]{2}"
    r"|[\xf1-\xf3][\x80-\xbf]{3}|\xf4[\x80-\x8f][\x80-\xbf]{2}"
    r"|\\(?:[\\/bfnrt]|u[0-9A-Fa-f]{4}))*"
)
_WHOLE = r"-?(?:0|[1-9][0-9]*)"
_NUMBER = rf"{_WHOLE}(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
_BYTES = [f"\\x{byte:02x}" for byte in range(256)]  # their patterns


@dataclass(frozen=True)
class Shape:
    """The shape of usual records, whose fields only have to be read for them to be events.

    `pattern` matches their bytes (RE2). `parts`: pieces of the bytes between quotation marks. `places`: of each field
    that is present, which of the pieces has the value; the others are null. `unknown`: names of unknown fields.
    """

    pattern: str
    parts: int
    places: tuple[tuple[str, int], ...]
    unknown: tuple[str, ...]


def shape_of(value: bytes | None, rules: ParseRules) -> Shape | None:
    """The shape of a record; None if it is not usual: for the record path, in which alone records are refused."""
    if value is None or len(value) > _MOST_BYTES or b'\\"' in value:
        return None
    try:
        opened = open_envelope(value, rules.max_bytes, rules.foreign)
        if not isinstance(opened, tuple):
            return None
        table, data = opened
        _check_identity(data, rules)
    except Unusable:
        return None
    if not rules.tables.takes(table) or not _is_flat(data):
        return None
    if any(f.required and data.get(f.name) is None for f, _ in rules.readers):
        return None
    return _cut(value, data, rules)


def _check_identity(data: dict[str, Any], rules: ParseRules) -> None:
    """Raises Unusable if the stream does not accept events with an id, or without one, as this record."""
    name = rules.stream.event_id_field
    if data.get(name) is None:
        check_natural(rules.stream, rules.warehouse, name)
    else:
        check_id("", rules.stream, rules.warehouse, name)


def _is_flat(data: dict[str, Any]) -> bool:
    return len(data) <= _MOST_MEMBERS and all(v is None or isinstance(v, (str, bool)) for v in data.values())


def _cut(value: bytes, data: dict[str, Any], rules: ParseRules) -> Shape | None:
    """The shape of `value`, whose flat `data` this is."""
    members = list(_MEMBER.finditer(value))
    names = [member["name"].decode() for member in members]
    if names == ["table", "data", *data]:
        members = members[2:]
    elif names == ["data", *data, "table"]:
        members = members[1:-1]
    else:
        return None
    types = {field.name: field.type for field, _ in rules.readers}
    pattern, places, end = [r"\A"], {}, 0
    for member, name in zip(members, data, strict=True):
        type_ = types.get(name)
        if member["word"] is not None:
            if type_ is not None and data[name] is not None:
                return None
            continue
        kind = "number" if member["text"] is None else "text"
        begin, after = member.span(kind)
        written = value[begin:after].decode()
        if data[name] != (written if kind == "number" else json.loads(f'"{written}"')):
            return None
        number = _WHOLE if type_ is FieldType.TEXT else _NUMBER
        pattern += _literal(value[end:begin]), _TEXT if kind == "text" else number
        if type_ is not None:
            places[name] = value.count(b'"', 0, begin)
        end = after
    pattern += _literal(value[end:]), r"\z"
    unknown = tuple(name for name in data if name not in types)
    return Shape("".join(pattern), value.count(b'"') + 1, tuple(places.items()), unknown)


def _literal(text: bytes) -> str:
    return "".join(map(_BYTES.__getitem__, text))
