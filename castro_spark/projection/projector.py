"""One stream's projector: each step brings Redis from its marker to what is committed.

Guarantee: the marker in Redis is the only memory, so whatever was missed (an outage, a crash, a commit of which nobody
heard) is found by the next step. Of several processes the one with the advisory lock projects; another goes on in its
place where it gives no sign of life. Two at once do no harm: values are absolute and versioned, and what is older than
the marker is refused. Memory is bounded: products are read and written in chunks, each of one snapshot.
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
from castro_spark.projection.rows import StreamRows
from castro_spark.settings import Settings
from castro_spark.sinks.postgres.connection import PASSING, Connection, connect
from castro_spark.sinks.postgres.exclusive import try_lock
from castro_spark.sinks.redis.hashes import ALL, NOT_NEWER, VersionedHashes
from castro_spark.sinks.redis.keys import patterns
from castro_spark.streams.declaration import StreamDeclaration

log = logging.getLogger(__name__)
_FEW = 20_000  # products: so many are listed at once and published as of one snapshot
_KEYS_A_REQUEST = 2_000
_NOTE_SECONDS = 2.0
_EVERYTHING = -1  # a revision before all
_LONG_AGO = -1e9
_AFTER_ALL = (10**15 - 1, 10**15 - 1)


@dataclass(frozen=True)
class Step:
    """How things stand after a step. `published` is what Redis's marker says; None: it holds nothing of the stream."""

    published: tuple[int, int] | None
    committed: tuple[int, int] | None  # None: the stream was never started
    projects: bool  # whether this is the process that does
    work_left: bool = False  # requests that are not done
    written: int = 0  # keys

    @property
    def is_level(self) -> bool:
        """Whether Redis holds all that was committed when the step began."""
        if self.committed is None:
            return True
        return self.published is not None and self.published >= self.committed and not self.work_left


class StreamProjector:
    """Projects one stream. Not for use by several threads at once; errors of Redis and PostgreSQL are the caller's."""

    def __init__(self, settings: Settings, stream: StreamDeclaration) -> None:
        self._settings = settings
        self._stream = stream
        self._rows = StreamRows(stream)
        self._expiry = Expiry(settings.redis.ttl, settings.zone)
        self._hashes = VersionedHashes(settings.redis, stream.name, patterns(stream))
        self._connection: Connection | None = None
        self._locked = False
        self._history = ""
        self._published: tuple[int, int] | None = None
        self._written = 0
        self._noted = 0.0

    @property
    def stream(self) -> str:
        return self._stream.name

    def step(self) -> Step:
        """Publishes what is committed and Redis lacks, if this is the process that does."""
        connection, self._written = self._open(), 0
        at = self._look(connection)
        if at is None:
            return Step(None, None, projects=False)
        projects = self._take_lock(connection) or not at.projector_alive
        published, history = self._hashes.published_of()
        if not projects:
            known = published if self._is_known(published, history, at) else None
            return Step(known, at.at, projects=False, work_left=at.has_requests or _wants_rebuild(at))
        self._published = published
        if _wants_rebuild(at) or not self._is_known(published, history, at):
            self._say_why(published, history, at)
            written = self._publish_all(connection, at, overwrite=ALL if self._locked else NOT_NEWER)
            committed.note_rebuild(connection, self._stream.name, at.rebuilds_requested, written)
            published = at.at
        elif published is not None and published < at.at:
            published = self._publish_since(connection, at, published[1])
        if at.has_requests:
            self._do_requests(connection)
        self._published = published
        self._sign_of_life(connection)
        return Step(published, at.at, projects=True, written=self._written)

    def fail(self, words: str) -> None:
        """Notes in PostgreSQL that Redis is behind, and why; the next step begins with new connections."""
        self._hashes.disconnect()
        self._noted = 0.0  # the next good step says that all is well
        if self._connection is not None and self._locked:
            with suppress(*PASSING):
                committed.note_failing(self._connection, self._stream.name, words)
                return
        self.disconnect()

    def disconnect(self) -> None:
        """Gives back the connection to PostgreSQL, and with it the lock."""
        if self._connection is not None:
            with suppress(*PASSING):
                self._connection.close()
        self._connection, self._locked = None, False

    def close(self) -> None:
        """Notes how far it came, where that went well, and gives everything back."""
        if self._connection is not None and self._locked and self._noted:
            self._noted = _LONG_AGO
            with suppress(*PASSING):
                self._sign_of_life(self._connection)
        self.disconnect()
        self._hashes.close()

    def _look(self, connection: Connection) -> Look | None:
        takeover = self._settings.projection.takeover_seconds
        at = committed.look(connection, self._stream.name, takeover)
        if at is None:
            committed.introduce(connection, self._stream.name)
            at = committed.look(connection, self._stream.name, takeover)
        return at

    def _is_known(self, published: tuple[int, int] | None, history: str, at: Look) -> bool:
        """Whether the marker is a point on this database's way, and all since then is still told."""
        return (
            published is not None
            and history == self._history
            and published <= at.at
            and at.notes_pruned_to <= published[1] <= at.revision
        )

    def _say_why(self, published: tuple[int, int] | None, history: str, at: Look) -> None:
        if _wants_rebuild(at):
            why = "it was asked for"
        elif published is None:
            why = "Redis holds nothing of it"
        elif history != self._history or published > at.at or published[1] > at.revision:
            why = "Redis was written to from another database, or from a later state of this one"
        else:
            why = "Redis is older than the notes of what was removed since"
        log.info("stream %s: all hashes are written anew: %s", self._stream.name, why)

    def _publish_since(self, connection: Connection, at: Look, since: int) -> tuple[int, int]:
        """What commits after `since` changed; returns up to where."""
        with committed.snapshot(connection, self._stream.name) as now:
            products = committed.touched_since(connection, self._stream.name, since, _FEW)
            if products is not None:
                for first in range(0, len(products), self._chunk):
                    self._write(connection, products[first : first + self._chunk], since, now, NOT_NEWER)
                self._hashes.mark(*now, self._history)
                return now
        self._publish_touched(connection, at, since, NOT_NEWER)
        self._hashes.mark(*at.at, self._history)
        return at.at

    def _publish_all(self, connection: Connection, at: Look, overwrite: str) -> int:
        """Everything that is still cached; what is left of older versions goes. Returns how many keys were written."""
        written, newest = self._publish_touched(connection, at, _EVERYTHING, overwrite)
        self._hashes.remove_others(at.at, newest if overwrite == ALL else _AFTER_ALL)
        self._hashes.mark(*at.at, self._history, overwrite)
        return written

    def _publish_touched(
        self, connection: Connection, at: Look, since: int, overwrite: str
    ) -> tuple[int, tuple[int, int]]:
        """Products in order of their codes, each chunk as of a snapshot of its own: no long transaction, no long list.

        Returns how many keys were written, and of which version the newest are. What is committed meanwhile to products
        that were passed is later than `at`, so the next step finds it.
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
            self._sign_of_life(connection)

    def _write(
        self, connection: Connection, products: list[str], since: int, version: tuple[int, int], overwrite: str
    ) -> int:
        rows = self._rows.changed(connection, products, since, self._expiry.horizon())
        written = self._hashes.write(entries(self._stream, rows, self._expiry), *version, overwrite)
        self._written += written
        return written

    def _do_requests(self, connection: Connection) -> None:
        """Writes the keys that were asked for anew, and only then forgets that they were."""
        for numbers in self._requests(connection):
            committed.end_requests(connection, numbers)

    def _requests(self, connection: Connection) -> Iterator[list[int]]:
        while True:
            with committed.snapshot(connection, self._stream.name) as version:
                asked = committed.requests(connection, self._stream.name, _KEYS_A_REQUEST)
                if not asked:
                    return
                rows = self._rows.wanted(connection, list(asked.values()))
                self._hashes.write(entries(self._stream, rows, self._expiry), *version)
            yield list(asked)

    def _sign_of_life(self, connection: Connection) -> None:
        """Every few seconds, of the one that has the lock."""
        if self._locked and time.monotonic() - self._noted > _NOTE_SECONDS:
            self._noted = time.monotonic()
            committed.note_alive(connection, self._stream.name, self._published[1] if self._published else None)

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
            self._connection.autocommit = True  # but in a snapshot: a look is one round trip
            with self._connection.cursor() as cursor:
                # Every join is of some products with an index: a plan must not flip as the tables grow.
                cursor.execute("SET enable_hashjoin = off; SET enable_mergejoin = off")
            self._history = committed.history(self._connection)
        return self._connection


def _wants_rebuild(at: Look) -> bool:
    return at.rebuilds_requested > at.rebuilds_done
