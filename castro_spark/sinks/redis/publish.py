"""Publishing a stream's committed rows to Redis (hashes.py has the guarantee)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date

from castro_spark.servers import RedisSettings
from castro_spark.sinks.redis.hashes import Entry, Fields, VersionedHashes
from castro_spark.sinks.redis.keys import Ttls, daily_key, monthly_key, patterns, realtime_key
from castro_spark.streams.declaration import StreamDeclaration

Rows = tuple[
    list[tuple[str, Fields | None]],
    list[tuple[str, date, Fields | None]],
    list[tuple[str, date, Fields | None]],
]


class Publisher:
    """Publishes one stream's projection. Redis being away is an error of the caller's choosing to bear."""

    def __init__(self, settings: RedisSettings, stream: StreamDeclaration) -> None:
        self._stream = stream
        self._ttls = Ttls(settings.ttl)
        self._hashes = VersionedHashes(settings, stream.name, patterns(stream))

    def published(self) -> tuple[int, int] | None:
        """(epoch, revision) up to which this Redis has been published to; None: it holds nothing of it."""
        return self._hashes.published()

    def write(self, rows: Rows, epoch: int, revision: int) -> int:
        """Writes rows as of `revision`; returns how many keys. The marker stays where it is."""
        return self._hashes.write(self._entries(rows), epoch, revision)

    def mark(self, epoch: int, revision: int) -> None:
        """Says that everything up to `revision` has been written. Never goes back."""
        self._hashes.mark(epoch, revision)

    def catch_up(
        self, epoch: int, revision: int, changed_since: Callable[[int], Iterable[Rows]], *, everything: bool = False
    ) -> int:
        """Writes what was committed after the marker; returns how many keys.

        Everything is written, and what is left of older versions removed, where that is asked for or where Redis
        holds nothing, or holds what PostgreSQL does not know (it was restored).
        """
        held = None if everything else self.published()
        since = held[1] if held and held[1] <= revision else -1
        written = sum(self.write(rows, epoch, revision) for rows in changed_since(since))
        if since < 0:
            self._hashes.remove_older(epoch, revision)
        self.mark(epoch, revision)
        return written

    def close(self) -> None:
        self._hashes.close()

    def _entries(self, rows: Rows) -> Iterator[Entry]:
        newest, daily, monthly = rows
        for code, fields in newest:
            yield realtime_key(self._stream, code), self._ttls.realtime, fields
        for code, day, fields in daily:
            yield daily_key(self._stream, code, day), self._ttls.daily, fields
        for code, month, fields in monthly:
            yield monthly_key(self._stream, code, month), self._ttls.monthly, fields
