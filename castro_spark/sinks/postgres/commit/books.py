"""The books: the outcome of each partition's offsets in a batch. A CHECK rejects books that do not balance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

from castro_spark.sinks.postgres.commit.ledger import Positions
from castro_spark.sinks.postgres.commit.merging.merge import Changed
from castro_spark.sinks.postgres.commit.staging import Counts
from castro_spark.sinks.postgres.connection import statement
from castro_spark.sinks.postgres.session.together import Executes


@dataclass(frozen=True)
class Books:
    """The outcome of one partition's offsets in one batch, as counts of records."""

    partition: int
    from_offset: int
    to_offset: int
    inserted: int
    corrected: int
    stale: int
    deleted: int
    quarantined: int
    skipped: int
    gaps: int


def books_of(
    starts: Positions, ends: Positions, counts: Mapping[int, Counts], changed: Mapping[int, Changed]
) -> list[Books]:
    """The books of the partitions whose offsets moved."""
    books = (_books(p, starts.get(p, 0), end, counts, changed) for p, end in sorted(ends.items()))
    return [b for b in books if b.to_offset > b.from_offset]


def write_books(cursor: Executes, stream: str, revision: int, batch_id: int, books: Sequence[Books]) -> None:
    """Inserts the books within the caller's transaction."""
    numbers = {f.name: [getattr(b, f.name) for b in books] for f in fields(Books)}
    known = {"stream": stream, "revision": revision, "batch_id": batch_id}
    cursor.execute(statement("commit/write_books.sql"), {**known, **numbers})


def _books(
    partition: int, start: int, end: int, counts: Mapping[int, Counts], changed: Mapping[int, Changed]
) -> Books:
    staged = counts.get(partition, Counts())
    applied = changed.get(partition, Changed())
    return Books(
        partition=partition,
        from_offset=start,
        to_offset=end,
        inserted=applied.inserted,
        corrected=applied.corrected,
        # Events that changed nothing: an older position than the stored event's, or another's in the same batch.
        stale=staged.events - applied.inserted - applied.corrected - applied.deleted,
        deleted=applied.deleted,
        quarantined=staged.rejects,
        skipped=staged.skipped,
        # Control records, and offsets removed by compaction.
        gaps=(end - start) - staged.records,
    )
