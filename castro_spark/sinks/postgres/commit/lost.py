"""Continues a stream whose topic has lost records: an operator accepts the loss at a start, and the books record it.

Guarantee: one transaction of the current writer. Repeated, it finds every offset in the topic and changes nothing.
"""

from __future__ import annotations

import logging
from collections import Counter

from castro_spark.parse.notes import Notes
from castro_spark.parse.reasons import Skip
from castro_spark.sinks.postgres.commit.books import books_of, write_books
from castro_spark.sinks.postgres.commit.ledger import Ledger, Positions, lock_as_writer, read_ledger
from castro_spark.sinks.postgres.commit.skipped import note_skipped
from castro_spark.sinks.postgres.commit.staging import Counts
from castro_spark.sinks.postgres.connection import Connection
from castro_spark.sinks.postgres.operations.latency import note_commit

log = logging.getLogger(__name__)
_NO_BATCH = -1  # the books' batch_id: no query read these offsets


def accept_lost(connection: Connection, stream: str, epoch: int, beginnings: Positions, ends: Positions) -> Ledger:
    """Moves the ledger into the topic's offsets `beginnings`..`ends`, for the writer of `epoch`; returns the ledger.

    Where the topic begins later, unread records are gone: they are counted as skipped, of the kind `lost`. Where it
    ends earlier, it will use offsets again that were consumed before: a new generation begins, so that the records to
    come are newer than all earlier ones. Raises Fenced if another writer has claimed the stream.
    """
    with connection, connection.cursor() as cursor:
        lock = lock_as_writer(connection, stream, epoch)
        starts = lock.ledger.positions
        aged_out = {p: beginnings[p] for p, start in starts.items() if start < beginnings.get(p, 0)}
        truncated = {p: ends.get(p, 0) for p, start in starts.items() if start > ends.get(p, 0)}
        if aged_out:
            lost = {p: begin - starts[p] for p, begin in aged_out.items()}
            counts = {p: Counts(skipped=n) for p, n in lost.items()}
            write_books(cursor, stream, lock.next_revision, _NO_BATCH, books_of(starts, aged_out, counts, {}))
            note_skipped(cursor, stream, Notes(Counter({(Skip.LOST.value, ""): sum(lost.values())})))
            note_commit(connection, stream, lock.next_revision, [], 0)
        if truncated:
            cursor.execute("UPDATE castro.stream SET generation = generation + 1 WHERE stream = %s", (stream,))
        if aged_out or truncated:
            lock.advance(cursor, {**aged_out, **truncated}, {})
            lock.name_commit(cursor)
            log.warning(
                "stream %s: lost records are accepted: the ledger moves from %s to %s",
                stream, dict(starts), {**starts, **aged_out, **truncated},
            )  # fmt: skip
    ledger = read_ledger(connection, stream)
    assert ledger is not None
    return ledger
