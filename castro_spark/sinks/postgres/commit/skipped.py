"""Counts records that are not for the stream, by kind and by the other table's name. Within a commit.

Guarantee: each record counts once: the counts commit with the offsets.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from castro_spark.parse.reasons import MOST_NAMES, OTHER_NAMES
from castro_spark.sinks.postgres.connection import Connection, statement
from castro_spark.sinks.postgres.session.together import Executes

if TYPE_CHECKING:  # a status reads the counts without Arrow
    from castro_spark.parse.notes import Notes


@dataclass(frozen=True)
class Skipped:
    """The count of one kind (parse.Skip) and, for other tables, one name; `reported`: by an earlier status."""

    kind: str
    name: str
    records: int
    first_seen: datetime
    last_seen: datetime
    reported: bool


def note_skipped(cursor: Executes, stream: str, notes: Notes) -> None:
    """Adds a batch's counts of skipped records; a stream's names beyond MOST_NAMES are counted as OTHER_NAMES."""
    if not notes.skipped:
        return
    kinds, names = zip(*notes.skipped, strict=True)
    cursor.execute(
        statement("commit/note_skipped.sql"),
        {"stream": stream, "kinds": list(kinds), "names": list(names), "records": list(notes.skipped.values()),
         "most": MOST_NAMES, "others": OTHER_NAMES},
    )  # fmt: skip


def report_skipped(connection: Connection, stream: str) -> list[Skipped]:
    """The skipped records since the first start, the most frequent first. Marks them as reported."""
    with connection, connection.cursor() as cursor:
        cursor.execute(statement("commit/report_skipped.sql"), {"stream": stream})
        return [Skipped(*row) for row in cursor.fetchall()]
