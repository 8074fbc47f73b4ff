"""The lists of pages in docs/tutorials/index.md and docs/how-to/index.md: whatever pages lie there."""

from __future__ import annotations

import re
from pathlib import Path

from tools.docs import marked

_SHORT = 50
_FIRST = ("first_run", "fourth_stream")  # in this order, before the others


def listed(index: Path) -> str:
    """The text of an index with the list of its folder's other pages, by their titles and first sentences."""
    pages = sorted((page for page in index.parent.glob("*.md") if page != index), key=_place)
    items = [f"- [{_title(page)}]({page.name}): {_first_sentence(page)}" for page in pages]
    return marked.replaced(index, "pages", "\n".join(["", *items, ""]))


def _place(page: Path) -> tuple[int, str]:
    return _FIRST.index(page.stem) if page.stem in _FIRST else len(_FIRST), page.stem


def _title(page: Path) -> str:
    found = re.search(r"^# (.+)$", page.read_text("utf-8"), re.MULTILINE)
    return found[1] if found else page.stem


def _first_sentence(page: Path) -> str:
    """The first sentence of the first paragraph of prose, and the next ones if it is short."""
    for paragraph in page.read_text("utf-8").split("\n\n"):
        words = " ".join(paragraph.split())
        if re.match(r"[A-Za-z0-9`*]", words):
            words = re.sub(r"^\*\*[^*]+\*\* ", "", words)  # a name of the paragraph: **Symptom.**
            first, *others = re.split(r"(?<=[.!?]) ", words)
            while others and (len(first) < _SHORT or first.count("`") % 2):  # too little, or broken off within code
                first = f"{first} {others.pop(0)}"
            return first
    return ""
