"""The Markdown that the pages are written in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

NOTE = "<!-- Written by python -m tools.docs from the code; edit that. -->"


def cell(text: object) -> str:
    """A text in one cell of a table."""
    return re.sub(r"\s+", " ", str(text)).replace("|", "\\|").strip()


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table; an empty cell stays empty."""
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join(cell(text) for text in row)} |" for row in rows]
    return "\n".join(lines)


def page(title: str, *parts: str) -> str:
    """A whole page: title, the note that it is generated, and its parts with blank lines between them."""
    return "\n\n".join([f"# {title}", NOTE, *(part.strip("\n") for part in parts if part)]) + "\n"


def code(text: object) -> str:
    """A text as inline code."""
    return f"`{text}`"


def fragment(text: str) -> str:
    """A comment for a cell: in one line, without a full stop at its end."""
    return re.sub(r"(?<!\.)\.$", "", re.sub(r"\s+", " ", text).strip())
