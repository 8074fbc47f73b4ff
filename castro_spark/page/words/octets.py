"""Bytes of unknown origin as text for people: nothing hidden, nothing that reverses a line or breaks a page. Pure."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

_HEX_BYTES, _HEX_ROW = 4096, 16
_TEXT_CHARACTERS = 16 * 1024  # as much as a browser lays out at once, also if every one is hidden
_PRETTY_BYTES = 256 * 1024
# Control characters but the ends of lines and tabs, invisible and reversing characters, lone surrogates.
_HIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


@dataclass(frozen=True)
class Piece:
    """A part of a text: as it is, or a hidden character by its name."""

    text: str
    hidden: bool = False


@dataclass(frozen=True)
class Shown:
    """Bytes as they are shown. `encoding`: utf-8, or cp1252 where they are no UTF-8. `pretty`: JSON, one member a line;
    None where they are none. Each form is cut; `whole` is the count of bytes."""

    whole: int
    encoding: str
    pieces: list[Piece]
    pretty: list[Piece] | None
    hex_rows: list[str]
    is_cut: bool


def decoded(value: bytes) -> tuple[str, str]:
    """The text, and its encoding: UTF-8, else as Windows writes Portuguese."""
    try:
        return value.decode(), "utf-8"
    except UnicodeDecodeError:
        return value.decode("cp1252", "replace"), "cp1252"


def shown(value: bytes) -> Shown:
    """The bytes as text, as JSON and in hexadecimal."""
    text, encoding = decoded(value)
    pretty = _pretty(text) if len(value) <= _PRETTY_BYTES else None
    return Shown(
        whole=len(value),
        encoding=encoding,
        pieces=_pieces(text[:_TEXT_CHARACTERS]),
        pretty=None if pretty is None else _pieces(pretty[:_TEXT_CHARACTERS]),
        hex_rows=list(hex_rows(value[:_HEX_BYTES])),
        is_cut=max(len(text), len(pretty or "")) > _TEXT_CHARACTERS,
    )


def preview(value: bytes | None, characters: int = 100) -> str:
    """The beginning, in one line."""
    if value is None:
        return ""
    text, _ = decoded(value)
    line = _HIDDEN.sub("\N{REPLACEMENT CHARACTER}", " ".join(text.split()))
    return line[:characters]


def editable(value: bytes) -> str:
    """The text to begin mending with: pretty JSON stays as it was sent."""
    return decoded(value)[0]


def hex_rows(value: bytes) -> list[str]:
    """Offset, bytes in hexadecimal, and what of them is ASCII."""
    rows = []
    for start in range(0, len(value), _HEX_ROW):
        row = value[start : start + _HEX_ROW]
        ascii_ = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)  # noqa: PLR2004 - printable
        rows.append(f"{start:08x}  {row.hex(' '):<{3 * _HEX_ROW - 1}}  {ascii_}")
    return rows


def _pieces(text: str) -> list[Piece]:
    pieces, at = [], 0
    for found in _HIDDEN.finditer(text):
        if found.start() > at:
            pieces.append(Piece(text[at : found.start()]))
        pieces.append(Piece(f"U+{ord(found[0]):04X}", hidden=True))
        at = found.end()
    return [*pieces, Piece(text[at:])] if at < len(text) else pieces


def _pretty(text: str) -> str | None:
    """JSON with its members in their order, numbers as they were sent, and keys that come twice, twice."""
    try:
        lines = _lines(json.loads(text, parse_float=_Verbatim, parse_int=_Verbatim, object_pairs_hook=_Pairs), "")
    except (ValueError, RecursionError):
        return None
    return "\n".join(lines)


class _Verbatim(str):
    """A number as it was sent."""


class _Pairs(list[tuple[str, object]]):
    """An object's members in their order."""


def _lines(value: object, indent: str) -> list[str]:
    if isinstance(value, _Verbatim):
        return [str(value)]
    if isinstance(value, _Pairs):
        inner = [_member(json.dumps(name, ensure_ascii=False) + ": ", item, indent) for name, item in value]
        return _bracketed("{", inner, "}", indent)
    if isinstance(value, list):
        return _bracketed("[", [_member("", item, indent) for item in value], "]", indent)
    return [json.dumps(value, ensure_ascii=False)]


def _member(name: str, value: object, indent: str) -> list[str]:
    first, *rest = _lines(value, indent + "  ")
    return [f"{indent}  {name}{first}", *rest]


def _bracketed(left: str, inner: list[list[str]], right: str, indent: str) -> list[str]:
    if not inner:
        return [left + right]
    for lines in inner[:-1]:
        lines[-1] += ","
    return [left, *(line for lines in inner for line in lines), indent + right]
