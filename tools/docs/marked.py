"""A generated part of a document that is else written by hand, between two comments."""

from __future__ import annotations

from pathlib import Path


def replaced(document: Path, mark: str, part: str) -> str:
    """The document's text with `part` between <!-- MARK: begin --> and <!-- MARK: end -->."""
    begin, end = f"<!-- {mark}: begin -->", f"<!-- {mark}: end -->"
    before, found, rest = document.read_text("utf-8").partition(begin)
    _, ended, after = rest.partition(end)
    if not found or not ended:
        raise ValueError(f"{document} lacks {begin} or {end}")
    return f"{before}{begin}\n{part}\n{end}{after}"
