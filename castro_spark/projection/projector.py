"""One stream's projector: each step brings Redis from its marker to the committed state.

Guarantee: the marker in Redis is the only state, so the next step publishes whatever was missed (an outage, a crash, a
commit whose answer was lost). Of several processes, the one with the advisory lock projects; another takes over if its
heartbeat stops. Two concurrent projectors are safe: values are absolute and versioned, and Redis rejects versions older
than the marker. Memory is bounded: products are read and written in chunks, each from one snapshot.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from castro_spark.projection import committed
from castro_spark.projection.committed import Look
from castro_spark.projection.entries import Expiry, entries
from castro_spark.projection.publications import Publications
from castro_spark.projection.rows import StreamRows
from castro_spark.settings import Settings
from castro_spark.sinks.postgres.connection import PASSING, Connection, connect
from castro_spark.sinks.postgres.exclusive import try_lock
from castro_spark.sinks.postgres.operations.latency import count_published
from castro_spark.sinks.redis.hashes import ALL, NOT_NEWER, VersionedHashes
from castro_spark.sinks.redis.keys import patterns
from castro_spark.streams.declaration import StreamDeclaration

log = logging.getLogger(__name__)
_FEW = 20_000  # products: up to this number are listed at once and published from one snapshot
_KEYS_A_REQUEST = 2_000
_NOTE_SECONDS = 2.0
_EVERYTHING = -1  # lower than any revision
_LONG_AGO = -1e9
_AFTER_ALL = (10**15 - 1, 10**15 - 1)


@dataclass(frozen=True)
class Step:
    """The state after a step. `published` is the marker in Redis; None if Redis holds nothing of the stream."""

    published: tuple[int, int] | None
    committed: tuple[int, int] | None  # None: the stream was never started
    projects: bool  # whether this process is the projector
    work_left: bool = False  # whether requests are open
    written: int = 0  # keys

    @property
    def is_level(self) -> bool:
        """Whether Redis holds everything that was committed when the step started."""
        if self.committed is None:
            return True
        return self.published is not None and self.published >= self.committed and not self.work_left


class StreamProjector:
    """Projects one stream. Not thread-safe. Raises the errors of Redis and PostgreSQL."""

    def __init__(self, settings: Settings, stream: StreamDeclaration) -> None:
        self._settings = settings
        self._stream = stream
        self._rows = StreamRows(stream)
        self._expiry = Expiry(settings.redis.ttl, settings.zone)
        self._hashes = VersionedHashes(settings.redis, stream.name, patterns(stream))
        self._connection: Connection | None = None
        self._locked = False
        self._timeline = ""
        self._published: tuple[int, int] | None = None
        self._publications = Publications()
        self._written = 0
        self._noted = 0.0

    @property
    def stream(self) -> str:
        return self._stream.name

    def step(self) -> Step:
        """Publishes the committed changes that Redis lacks, if this process is the projector."""
        connection, self._written = self._open(), 0
        at = self._look(connection)
        if at is None:
            return Step(None, None, projects=False)
        projects = self._take_lock(connection) or not at.projector_alive
        published, timeline = self._hashes.published_of()
        if not projects:
            known = published if self._is_known(published, timeline, at) else None
            return Step(known, at.at, projects=False, work_left=at.has_requests or _wants_rebuild(at))
        self._published = published
        if _wants_rebuild(at) or not self._is_known(published, timeline, at):
            self._log_reason(published, timeline, at)
            written = self._publish_all(connection, at, overwrite=ALL if self._locked else NOT_NEWER)
            committed.note_rebuild(connection, self._stream.name, at.rebuilds_requested, written)
            published = at.at
        elif published is not None and published < at.at:
            published = self._publish_since(connection, at, published[1])
        if at.has_requests:
            self._do_requests(connection)
        self._published = published
        if published is not None and self._locked:
            self._publications.note(published[1])
        self._heartbeat(connection)
        return Step(published, at.at, projects=True, written=self._written)

    def fail(self, error_text: str) -> None:
        """Records in PostgreSQL that Redis is behind, with the error, and closes the connection to Redis.

        Keeps the connection to PostgreSQL, and with it the lock, if the error could be recorded."""
        self._hashes.disconnect()
        self._noted = 0.0  # the next successful step records its heartbeat at once
        if self._connection is not None and self._locked:
            with suppress(*PASSING):
                committed.note_failing(self._connection, self._stream.name, error_text)
                return
        self.disconnect()

    def disconnect(self) -> None:
        """Closes the connection to PostgreSQL, which releases the lock."""
        if self._connection is not None:
            with suppress(*PASSING):
                self._connection.close()
        self._connection, self._locked = None, False

    def close(self) -> None:
        """Records the last heartbeat, unless the last step failed, and closes all connections."""
        if self._connection is not None and self._locked and self._noted:
            self._noted = _LONG_AGO
            with suppress(*PASSING):
                self._heartbeat(self._connection)
        self.disconnect()
        self._hashes.close()

    def _look(self, connection: Connection) -> Look | None:
        takeover = self._settings.projection.takeover_seconds
        at = committed.look(connection, self._stream.name, takeover)
        if at is None:
            committed.introduce(connection, self._stream.name)
            at = committed.look(connection, self._stream.name, takeover)
        return at

    def _is_known(self, published: tuple[int, int] | None, timeline: str, at: Look) -> bool:
        """Whether the marker is an earlier state of this database, and all changes since then are still recorded."""
        return (
            published is not None
            and timeline == self._timeline
            and published <= at.at
            and at.notes_pruned_to <= published[1] <= at.revision
        )

    def _log_reason(self, published: tuple[int, int] | None, timeline: str, at: Look) -> None:
        if _wants_rebuild(at):
            reason = "a rebuild was requested"
        elif published is None:
            reason = "Redis holds nothing of it"
        elif timeline != self._timeline or published > at.at or published[1] > at.revision:
            reason = "Redis was written to from another database, or from a later state of this one"
        else:
            reason = "Redis is older than the recorded notes of removed rows"
        log.info("stream %s: all hashes are rewritten: %s", self._stream.name, reason)

    def _publish_since(self, connection: Connection, at: Look, since: int) -> tuple[int, int]:
        """Publishes what commits after revision `since` changed; returns the version reached."""
        with committed.snapshot(connection, self._stream.name) as now:
            products = committed.touched_since(connection, self._stream.name, since, _FEW)
            if products is not None:
                for first in range(0, len(products), self._chunk):
                    self._write(connection, products[first : first + self._chunk], since, now, NOT_NEWER)
                self._hashes.mark(*now, self._timeline)
                return now
        self._publish_touched(connection, at, since, NOT_NEWER)
        self._hashes.mark(*at.at, self._timeline)
        return at.at

    def _publish_all(self, connection: Connection, at: Look, overwrite: str) -> int:
        """Publishes everything that is still cached and removes older versions. Returns the number of keys written."""
        written, newest = self._publish_touched(connection, at, _EVERYTHING, overwrite)
        self._hashes.remove_others(at.at, newest if overwrite == ALL else _AFTER_ALL)
        self._hashes.mark(*at.at, self._timeline, overwrite)
        return written

    def _publish_touched(
        self, connection: Connection, at: Look, since: int, overwrite: str
    ) -> tuple[int, tuple[int, int]]:
        """Publishes products ordered by code, each chunk from its own snapshot: no long transaction, no long list.

        Returns the number of keys written and the newest version among them. Concurrent commits to products already
        passed are later than `at`, so the next step publishes them.
        """
        written, newest, after = 0, at.at, ""
        while True:
            with committed.snapshot(connection, self._stream.name) as now:
                products = committed.touched_after(connection, self._stream.name, since, after, self._chunk)
                if products:
                    written += self._write(connection, products, since, now, overwrite)
            if not products:
                return written, newest
            newest, after = max(newest, now), products[-1]
            self._heartbeat(connection)

    def _write(
        self, connection: Connection, products: list[str], since: int, version: tuple[int, int], overwrite: str
    ) -> int:
        rows = self._rows.changed(connection, products, since, self._expiry.horizon())
        written = self._hashes.write(entries(self._stream, rows, self._expiry), *version, overwrite)
        self._written += written
        return written

    def _do_requests(self, connection: Connection) -> None:
        """Rewrites the requested keys, and only then deletes the requests."""
        for numbers in self._requests(connection):
            committed.end_requests(connection, numbers)

    def _requests(self, connection: Connection) -> Iterator[list[int]]:
        while True:
            with committed.snapshot(connection, self._stream.name) as version:
                requested = committed.requests(connection, self._stream.name, _KEYS_A_REQUEST)
                if not requested:
                    return
                rows = self._rows.requested(connection, list(requested.values()))
                self._hashes.write(entries(self._stream, rows, self._expiry), *version)
            yield list(requested)

    def _heartbeat(self, connection: Connection) -> None:
        """Records a heartbeat every few seconds, and counts the latencies of what was published, if it has the lock."""
        if self._locked and time.monotonic() - self._noted > _NOTE_SECONDS:
            self._noted = time.monotonic()
            committed.note_alive(connection, self._stream.name, self._published[1] if self._published else None)
            if publications := self._publications.take():
                count_published(connection, self._stream.name, publications)

    @property
    def _chunk(self) -> int:
        return self._settings.projection.products_per_chunk

    def _take_lock(self, connection: Connection) -> bool:
        if not self._locked:
            with connection, connection.cursor() as cursor:
                self._locked = try_lock(cursor, "projection", self._stream.name)
        return self._locked

    def _open(self) -> Connection:
        if self._connection is None:
            self._connection = connect(self._settings.postgres, f"castro_spark {self._stream.name} projection")
            self._locked = False
            self._connection.autocommit = True  # except in a snapshot: a look is one round trip
            with self._connection.cursor() as cursor:
                # Every join looks up a few products by an index: the plan must not change as the tables grow.
                cursor.execute("SET enable_hashjoin = off; SET enable_mergejoin = off")
            self._timeline = committed.database_timeline(self._connection)
        return self._connection


def _wants_rebuild(at: Look) -> bool:
    return at.rebuilds_requested > at.rebuilds_done
