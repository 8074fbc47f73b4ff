"""Numbers of rows as they come from outside, in addresses and forms. Pure."""

from __future__ import annotations

_MOST_DIGITS = 18  # of which a bigint of PostgreSQL has all


def row_number(text: str) -> int | None:
    """The whole number that a text is; None for any other, also for one of more digits than rows have."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else None
