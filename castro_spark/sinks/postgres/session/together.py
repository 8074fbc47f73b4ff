"""Several statements in one round trip.

A small commit is mostly waiting: for each statement two processes wake up, one after the other, and on a busy machine
each of them queues for a processor.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Protocol

import psycopg2.extensions
from psycopg2 import sql

Query = str | sql.Composable
Parameters = Mapping[str, object] | Sequence[object] | None


class Executes(Protocol):
    """What a statement whose result nobody reads needs of a cursor."""

    def execute(self, query: Query, parameters: Parameters = None, /) -> object: ...


class _Collected:
    def __init__(self, cursor: psycopg2.extensions.cursor) -> None:
        self._cursor = cursor
        self.texts: list[bytes] = []

    def execute(self, query: Query, parameters: Parameters = None, /) -> None:
        self.texts.append(self._cursor.mogrify(query, parameters))


@contextmanager
def one_round_trip(cursor: psycopg2.extensions.cursor) -> Iterator[Executes]:
    """Collects statements, and sends them together when the context ends without an error; then `cursor` has the last
    one's result. PostgreSQL runs them in order, each seeing what those before it did, and stops at the first error."""
    collected = _Collected(cursor)
    yield collected
    if collected.texts:
        cursor.execute(b";\n".join(collected.texts))
