"""The Markdown of this repository, parsed: headings, links, code."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

from tests.system import ROOT


@dataclass(frozen=True)
class Code:
    """A block of code, or code within a sentence, and the line where it begins."""

    text: str
    line: int
    is_block: bool


def pages() -> list[Path]:
    """Every Markdown file that git has, or would add."""
    named = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"]
    listed = subprocess.run(named, check=True, cwd=ROOT, capture_output=True, text=True).stdout.split()
    return sorted(path for path in (ROOT / name for name in listed) if path.exists())


@cache
def tokens(page: Path) -> list[Token]:
    """The page as CommonMark with tables, as code hosts read it."""
    return MarkdownIt("commonmark").enable("table").parse(page.read_text("utf-8"))


def links(page: Path) -> Iterator[tuple[str, int]]:
    """The targets of links and pictures, each with its line."""
    for token in tokens(page):
        for inner in token.children or ():
            target = inner.attrGet("href") or inner.attrGet("src")
            if target:
                yield str(target), (token.map or [0])[0] + 1
        if token.type == "html_block" or any(inner.type == "html_inline" for inner in token.children or ()):
            for target in re.findall(r'(?:href|src|srcset)="([^"]+)"', token.content):
                yield target, (token.map or [0])[0] + 1


@cache
def anchors(page: Path) -> frozenset[str]:
    """The anchors of the page's headings, as code hosts name them."""
    found: dict[str, int] = {}
    names = set()
    every = tokens(page)
    for token, inner in pairwise(every):
        if token.type == "heading_open":
            text = "".join(t.content for t in inner.children or () if t.type in {"text", "code_inline"})
            name = re.sub(r"[^\w\- ]", "", text.strip().lower()).replace(" ", "-")
            count = found.get(name, 0)
            found[name] = count + 1
            names.add(f"{name}-{count}" if count else name)
    return frozenset(names)


def code(page: Path) -> Iterator[Code]:
    """All code of the page."""
    for token in tokens(page):
        if token.type in {"fence", "code_block"}:
            yield Code(token.content, (token.map or [0])[0] + 1, True)
        for inner in token.children or ():
            if inner.type == "code_inline":
                yield Code(inner.content, (token.map or [0])[0] + 1, False)
