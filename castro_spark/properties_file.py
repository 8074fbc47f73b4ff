"""Reads and writes Java properties files as Kafka's clients do (java.util.Properties): `name = value`, with escapes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

_ASCII_CODE_POINTS = 128
_UNIT = 2  # bytes of UTF-16
_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
# A name ends at the first unescaped =, : or whitespace.
_NAME = re.compile(r"((?:\\.|[^\\=:\s])*)\s*[=:]?\s*(.*)", re.DOTALL)


def parse(text: str) -> dict[str, str]:
    """Names and values. Raises ValueError if one is missing, with the line's number but not its content (secrets)."""
    properties: dict[str, str] = {}
    for number, line in _logical_lines(text):
        match = _NAME.match(line)
        name, value = (_unescaped(part) for part in match.groups()) if match else ("", "")
        if not name or not value:
            raise ValueError(f"line {number} is not name=value")
        properties[name] = value
    return properties


def format_properties(properties: Mapping[str, str]) -> str:
    """The text of a properties file, in ASCII; `parse` restores the properties."""
    return "".join(f"{_escaped(name)}={_escaped(value)}\n" for name, value in properties.items())


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Non-blank, non-comment lines with their numbers; a line that ends in a backslash continues on the next."""
    joined, first = "", 0
    for number, raw in enumerate(re.split(r"\r\n|\r|\n", text), 1):
        line = raw.lstrip(" \t\f")
        if not joined and (not line or line[0] in "#!"):
            continue
        first = first if joined else number
        if (len(line) - len(line.rstrip("\\"))) % 2:
            joined += line[:-1]
            continue
        yield first, joined + line
        joined = ""
    if joined:
        yield first, joined


def _unescaped(text: str) -> str:
    def plain(match: re.Match[str]) -> str:
        return chr(int(match[1], 16)) if match[1] else _ESCAPES.get(match[2], match[2])

    # Java's characters are UTF-16 code units: a surrogate pair is one Python character.
    return _ESCAPE.sub(plain, text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _escaped(text: str) -> str:
    units = text.encode("utf-16-be", "surrogatepass")
    codes = (int.from_bytes(units[i : i + _UNIT], "big") for i in range(0, len(units), _UNIT))
    return "".join(chr(c) if c < _ASCII_CODE_POINTS and chr(c).isalnum() else f"\\u{c:04x}" for c in codes)
