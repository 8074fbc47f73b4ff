"""Bytes of unknown origin as text: nothing hidden, nothing lost."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castro_spark.page.words.octets import Piece, hex_rows, preview, shown


def text(pieces: list[Piece] | None) -> str:
    return "".join(f"<{p.text}>" if p.hidden else p.text for p in pieces or [])


@pytest.mark.parametrize(
    ("value", "encoding", "written"),
    [
        (b"", "utf-8", ""),
        ("ação\t\n".encode(), "utf-8", "ação\t\n"),
        ("ação".encode("cp1252"), "cp1252", "ação"),
        (b"a\x00b\x1b[31m", "utf-8", "a<U+0000>b<U+001B>[31m"),
        ("x\u202ey\u200b\ufeff".encode(), "utf-8", "x<U+202E>y<U+200B><U+FEFF>"),
        (b"<script>alert(1)</script>", "utf-8", "<script>alert(1)</script>"),  # the template escapes it
    ],
)
def test_hidden_characters_are_named(value: bytes, encoding: str, written: str) -> None:
    found = shown(value)
    assert (found.encoding, text(found.pieces), found.whole) == (encoding, written, len(value))


def test_json_is_laid_out_as_it_was_sent() -> None:
    found = shown(b'{"a":1.50,"b":{"c":[],"d":[1e400,{}]},"a":"\\u0000\xe2\x80\xae"}')
    assert text(found.pretty) == (
        '{\n  "a": 1.50,\n  "b": {\n    "c": [],\n    "d": [\n      1e400,\n      {}\n    ]\n  },\n'
        '  "a": "\\u0000<U+202E>"\n}'
    )
    assert shown(b"{").pretty is None
    assert shown(b"[" * 100_000).pretty is None
    assert shown(b'{"a":' * 5000 + b"1" + b"}" * 5000).pretty is None


@settings(deadline=None, max_examples=50)
@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20))
def test_laid_out_json_means_the_same(document: object) -> None:
    pretty = shown(json.dumps(document).encode()).pretty
    assert pretty is not None
    if not any(piece.hidden for piece in pretty):
        assert json.loads(text(pretty)) == document


@settings(deadline=None, max_examples=50)
@given(st.binary(max_size=300))
def test_anything_is_shown(value: bytes) -> None:
    found = shown(value)
    assert not any(ord(c) < 32 and c not in "\t\n\r" for piece in found.pieces for c in piece.text)
    assert bytes.fromhex("".join(row[10:57] for row in found.hex_rows)) == value
    assert "\n" not in preview(value) and len(preview(value)) <= 100


def test_hexadecimal() -> None:
    assert hex_rows(b"P1 \xe7\x00") == ["00000000  50 31 20 e7 00                                   P1 .."]


def test_much_is_cut() -> None:
    found = shown(b"x" * 200_000)
    assert found.is_cut and len(text(found.pieces)) == 16_384 and len(found.hex_rows) == 256
    longer_than_sent = shown(b"[" + b"1," * 5000 + b"1]")
    assert longer_than_sent.pretty is not None and len(text(longer_than_sent.pretty)) == 16_384
    assert longer_than_sent.is_cut
