"""A number with its noun, for people."""

from __future__ import annotations


def counted(number: int, one: str, several: str | None = None) -> str:
    """`1 record`, `1,203 records`: the number, and the words for one or for several (unset: `one` with an s).

    Words may go on to the verb: counted(n, "record waits", "records wait").
    """
    return f"{number:,} {one if number == 1 else several or one + 's'}"
