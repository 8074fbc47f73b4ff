"""Numbers of rows as they come from outside, in addresses and forms: `{id:row}` in a route's path is such a number."""

from __future__ import annotations

from starlette.convertors import Convertor, register_url_convertor

_MOST_DIGITS = 18  # of which a bigint of PostgreSQL has all


def row_number(text: str) -> int | None:
    """The whole number that a text is; None for any other, also for one of more digits than rows have."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS else None


class _RowNumber(Convertor[int]):
    """As `row_number`: an address with more digits is unknown. Starlette's own takes any number, and fails at 4,300."""

    regex = f"[0-9]{{1,{_MOST_DIGITS}}}"

    def convert(self, value: str) -> int:
        return int(value)

    def to_string(self, value: int) -> str:
        return str(value)


register_url_convertor("row", _RowNumber())
