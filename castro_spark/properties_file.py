"""Java's properties files, as Kafka's clients read them (java.util.Properties): `name = value`, with its escapes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

_CODE_POINTS_AS_THEY_ARE = 128
_UNIT = 2  # bytes of UTF-16
_ESCAPES = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
# A name ends at the first =, : or blank that no backslash stands before.
_NAME = re.compile(r"((?:\\.|[^\\=:\s])*)\s*[=:]?\s*(.*)", re.DOTALL)


def parse(text: str) -> dict[str, str]:
    """Names and values. Raises ValueError, which tells the line and nothing of it, where one has no name or value."""
    found: dict[str, str] = {}
    for number, line in _logical_lines(text):
        match = _NAME.match(line)
        name, value = (_unescaped(part) for part in match.groups()) if match else ("", "")
        if not name or not value:
            raise ValueError(f"line {number} is no name=value")
        found[name] = value
    return found


def format_properties(properties: Mapping[str, str]) -> str:
    """The text of such a file, in ASCII, which gives these back."""
    return "".join(f"{_escaped(name)}={_escaped(value)}\n" for name, value in properties.items())


def _logical_lines(text: str) -> Iterator[tuple[int, str]]:
    """Lines that say something, with their numbers; one that ends in a backslash goes on in the next."""
    held, begun = "", 0
    for number, raw in enumerate(re.split(r"\r\n|\r|\n", text), 1):
        line = raw.lstrip(" \t\f")
        if not held and (not line or line[0] in "#!"):
            continue
        begun = begun if held else number
        if (len(line) - len(line.rstrip("\\"))) % 2:
            held += line[:-1]
            continue
        yield begun, held + line
        held = ""
    if held:
        yield begun, held


def _unescaped(text: str) -> str:
    def plain(found: re.Match[str]) -> str:
        return chr(int(found[1], 16)) if found[1] else _ESCAPES.get(found[2], found[2])

    # Java's characters are units of UTF-16: two of them may be one of ours.
    return _ESCAPE.sub(plain, text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _escaped(text: str) -> str:
    units = text.encode("utf-16-be", "surrogatepass")
    codes = (int.from_bytes(units[i : i + _UNIT], "big") for i in range(0, len(units), _UNIT))
    return "".join(chr(c) if c < _CODE_POINTS_AS_THEY_ARE and chr(c).isalnum() else f"\\u{c:04x}" for c in codes)
