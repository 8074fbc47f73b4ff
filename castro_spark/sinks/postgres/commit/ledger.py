"""The offset ledger and the fence: where a stream resumes, and which writer may move its offsets.

Guarantee: one transaction at a time locks the stream's row. A writer whose epoch is no longer the row's commits
nothing, however long it was paused.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass

from psycopg2.errors import LockNotAvailable

from castro_spark.errors import Fenced, NotMigrated, TopicRecreated
from castro_spark.parse.identity import Kinds
from castro_spark.sinks.postgres.connection import Connection, statement
from castro_spark.sinks.postgres.session.together import Executes, one_round_trip
from castro_spark.streams.declaration import IdentityKind

log = logging.getLogger(__name__)
Positions = Mapping[int, int]  # partition -> the next offset to consume
_NO_TOPIC = ""  # the topic's id before the first start, when there are only out-of-band commits


@dataclass(frozen=True)
class Ledger:
    """A stream's state as committed."""

    topic: str
    topic_id: str
    generation: int
    epoch: int
    writer: str
    revision: int
    positions: dict[int, int]
    kinds: Kinds = frozenset()  # of identity, of the stream's records
    warehouse_kinds: Kinds = frozenset()  # of identity, of the warehouse's rows


def read_ledger(connection: Connection, stream: str) -> Ledger | None:
    """The committed ledger, without a lock; None before the first start."""
    with connection:
        return _read(connection, stream, for_update=False)


def claim(
    connection: Connection,
    stream: str,
    *,
    topic: str,
    topic_id: str,
    beginnings: Positions,
    writer: str,
    accept_new_topic: bool = False,
) -> Ledger:
    """Makes `writer` the stream's only writer; an earlier one is fenced from this commit on.

    First start: the ledger begins at `beginnings`. A topic id other than the ledger's raises TopicRecreated, unless
    `accept_new_topic`: then a new generation begins at `beginnings`; its positions are newer than all earlier ones.

    If an earlier writer is frozen in its transaction, the lock times out (LockNotAvailable): the writer's session is
    then terminated, and the next attempt succeeds.
    """
    try:
        return _claim(connection, stream, topic, topic_id, beginnings, writer, accept_new_topic)
    except LockNotAvailable:
        with connection, connection.cursor() as cursor:
            cursor.execute(statement("commit/end_frozen_writers.sql"), {"application": f"castro_spark {stream}"})
            if cursor.fetchall():
                log.warning("stream %s: ended the session of a writer that is frozen in its transaction", stream)
        raise


def _claim(
    connection: Connection,
    stream: str,
    topic: str,
    topic_id: str,
    beginnings: Positions,
    writer: str,
    accept_new_topic: bool,
) -> Ledger:
    with connection, connection.cursor() as cursor:
        # The epoch is a clock that never goes back, so it is unique even after the database was restored.
        cursor.execute(
            "INSERT INTO castro.stream AS s (stream, topic, topic_id, epoch, writer)"
            " VALUES (%s, %s, %s, (extract(epoch FROM clock_timestamp()) * 1000)::bigint, %s)"
            " ON CONFLICT (stream) DO UPDATE SET writer = EXCLUDED.writer, updated_at = now(),"
            " epoch = greatest(s.epoch + 1, EXCLUDED.epoch)"
            " RETURNING topic, topic_id, generation",
            (stream, topic, topic_id, writer),
        )
        row = cursor.fetchone()
        assert row is not None
        ledger_topic, ledger_topic_id, generation = row
        positions = _positions(connection, stream)
        if ledger_topic_id == _NO_TOPIC:
            cursor.execute(
                "UPDATE castro.stream SET topic = %s, topic_id = %s WHERE stream = %s", (topic, topic_id, stream)
            )
        elif ledger_topic_id != topic_id:
            if not accept_new_topic:
                raise TopicRecreated(
                    f"topic {topic} has id {topic_id}, but the ledger of stream {stream} is for"
                    f" {ledger_topic} with id {ledger_topic_id}: it was recreated, or this is another cluster",
                    "check kafka.bootstrap_servers and the topic; if the new topic is right, start once with"
                    " --accept-new-topic: the stream then starts at the topic's beginning",
                )
            generation += 1
            positions = {}
            cursor.execute("DELETE FROM castro.offset_ledger WHERE stream = %s", (stream,))
            cursor.execute(
                "UPDATE castro.stream SET topic = %s, topic_id = %s, generation = %s WHERE stream = %s",
                (topic, topic_id, generation, stream),
            )
        for partition in sorted(beginnings.keys() - positions.keys()):
            # A partition added to a known topic is read from 0: all its records are new.
            start = 0 if positions else beginnings[partition]
            cursor.execute("INSERT INTO castro.offset_ledger VALUES (%s, %s, %s)", (stream, partition, start))
        # Read under this transaction's lock: after the COMMIT it could be a later writer's ledger.
        ledger = _read(connection, stream, for_update=True)
    assert ledger is not None
    return ledger


def introduce(connection: Connection, stream: str, topic: str, writer: str) -> None:
    """Creates the row of a stream that was never started, so that its warehouse rows can be loaded. Idempotent."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO castro.stream (stream, topic, topic_id, epoch, writer) VALUES (%s, %s, %s, 0, %s)"
            " ON CONFLICT (stream) DO NOTHING",
            (stream, topic, _NO_TOPIC, writer),
        )


@dataclass(frozen=True)
class StreamLock:
    """Proof that the stream's row is locked in the caller's transaction. It allows to number a commit.

    Only `lock_as_writer` returns a WriterLock, and only a WriterLock moves offsets.
    """

    stream: str
    ledger: Ledger

    @property
    def next_revision(self) -> int:
        """The current commit's number. Revisions have no gaps: they are assigned under this lock."""
        return self.ledger.revision + 1

    def name_commit(self, cursor: Executes) -> None:
        """Writes the current commit's number to the stream's row."""
        cursor.execute(
            "UPDATE castro.stream SET revision = %s, updated_at = now() WHERE stream = %s",
            (self.next_revision, self.stream),
        )


@dataclass(frozen=True)
class WriterLock(StreamLock):
    """The lock of the writer with the row's epoch: the only one that may move offsets."""

    def advance(self, cursor: Executes, ends: Positions, newest: Mapping[int, int]) -> None:
        """Moves the offsets to `ends`; `newest`: by partition the greatest record time, in Unix milliseconds."""
        moved = [p for p, end in sorted(ends.items()) if self.ledger.positions.get(p) != end]
        if moved:
            known = {"stream": self.stream, "partitions": moved, "offsets": [ends[p] for p in moved]}
            times = [newest.get(p) for p in moved]
            cursor.execute(statement("commit/move_offsets.sql"), {**known, "record_ms": times})


def lock_as_writer(connection: Connection, stream: str, epoch: int) -> WriterLock:
    """Locks the stream's row for this transaction. Raises Fenced if its epoch is not the writer's."""
    return WriterLock(stream, _of_writer(stream, _read(connection, stream, for_update=True), epoch))


def resume(connection: Connection, stream: str, epoch: int) -> Ledger:
    """The ledger, for the writer of `epoch` that restarts after a failure. Does not claim the stream.

    Raises Fenced if the row has another epoch, so that two writers never fence each other in turns.
    """
    with connection:
        ledger = _read(connection, stream, for_update=False)
    return _of_writer(stream, ledger, epoch)


def check_writer(connection: Connection, stream: str, epoch: int) -> None:
    """Raises Fenced if the row has another epoch. Without a lock: the commit's `lock_as_writer` is decisive."""
    _of_writer(stream, _read(connection, stream, for_update=False), epoch)


def _of_writer(stream: str, ledger: Ledger | None, epoch: int) -> Ledger:
    if ledger is None:
        raise _never_started(stream)
    if ledger.epoch > epoch:
        raise Fenced(
            f"stream {stream} was taken over by {ledger.writer}: this writer stops and has committed nothing"
            " since then",
            "run one instance; the one that started last continues",
        )
    if ledger.epoch < epoch:
        raise Fenced(
            f"stream {stream}: the database has an earlier writer than this one, {ledger.writer}: it was restored to"
            " an earlier time",
            "start the stream again: it resumes from the ledger",
        )
    return ledger


def lock_out_of_band(connection: Connection, stream: str) -> StreamLock:
    """Locks the stream's row for an out-of-band commit (a replay, a backfill, a repair)."""
    return StreamLock(stream, _locked(connection, stream))


def _locked(connection: Connection, stream: str) -> Ledger:
    ledger = _read(connection, stream, for_update=True)
    if ledger is None:
        raise _never_started(stream)
    return ledger


def _never_started(stream: str) -> NotMigrated:
    return NotMigrated(f"stream {stream} was never started", f"start it: stream --stream {stream}")


def _read(connection: Connection, stream: str, *, for_update: bool) -> Ledger | None:
    with connection.cursor() as cursor:
        with one_round_trip(cursor) as together:
            if for_update:
                together.execute(statement("commit/lock_ledger.sql"), {"stream": stream})
            together.execute(statement("commit/read_ledger.sql"), {"stream": stream})
        row = cursor.fetchone()
    if row is None:
        return None
    topic, topic_id, generation, epoch, writer, revision, kinds, warehouse_kinds, positions = row
    return Ledger(
        topic, topic_id, generation, epoch, writer, revision, dict(positions or ()), _kinds(kinds),
        _kinds(warehouse_kinds),
    )  # fmt: skip


def _kinds(names: list[str]) -> Kinds:
    return frozenset(map(IdentityKind, names))


def _positions(connection: Connection, stream: str) -> dict[int, int]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT partition, next_offset FROM castro.offset_ledger WHERE stream = %s", (stream,))
        return dict(cursor.fetchall())
