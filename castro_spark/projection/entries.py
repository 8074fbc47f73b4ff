"""Maps a stream's rows to Redis keys with absolute expiry times, which do not depend on when a key is written.

A day's key expires `daily_days` local days after the day's end, a month's key `monthly_days` local days after the
month's end, a newest event's key `realtime_seconds` after its row was last written. A key past its expiry is deleted
rather than written.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from castro_spark.local_day import start_of_day
from castro_spark.projection.rows import Horizon, Rows
from castro_spark.sections.servers import TtlSettings
from castro_spark.sinks.redis.hashes import Entry, JsonFields
from castro_spark.sinks.redis.keys import daily_key, monthly_key, realtime_key
from castro_spark.streams.declaration import StreamDeclaration

_DAY = timedelta(days=1)
_LONGEST_MONTH = timedelta(days=31)


class Expiry:
    """Expiry times of hashes (Unix seconds), by the local calendar."""

    def __init__(self, ttl: TtlSettings, zone: ZoneInfo) -> None:
        self._ttl = ttl
        self._zone = zone
        self._starts: dict[date, int] = {}  # the calendar is asked once for each day: few days, of many rows

    def horizon(self) -> Horizon:
        """The oldest day and month that are cached, by today's local date."""
        return Horizon.of(datetime.now(self._zone).date(), self._ttl.daily_days, self._ttl.monthly_days)

    def of_day(self, day: date) -> int:
        """`daily_days` local days after the day's end."""
        return self._start(day + _DAY + timedelta(days=self._ttl.daily_days))

    def of_month(self, first: date) -> int:
        """`monthly_days` local days after the month's end; `first` is its first day."""
        following = (first + _LONGEST_MONTH).replace(day=1)
        return self._start(following + timedelta(days=self._ttl.monthly_days))

    def of_newest(self, updated_at: datetime) -> int:
        """`realtime_seconds` after the row was last written."""
        return int(updated_at.timestamp()) + self._ttl.realtime_seconds

    def _start(self, day: date) -> int:
        if day not in self._starts:
            self._starts[day] = int(start_of_day(day, self._zone).timestamp())
        return self._starts[day]


def entries(stream: StreamDeclaration, rows: Rows, expiry: Expiry) -> Iterator[Entry]:
    """The rows' keys, expiries and fields; fields are None if the row does not exist or the key has expired."""
    now = int(datetime.now(timezone.utc).timestamp())

    def entry(key: str, expires: int, fields: JsonFields | None) -> Entry:
        return key, expires, fields if expires > now else None

    for code, updated_at, fields in rows.newest:
        yield entry(realtime_key(stream, code), expiry.of_newest(updated_at) if updated_at else 0, fields)
    for code, day, fields in rows.daily:
        yield entry(daily_key(stream, code, day), expiry.of_day(day), fields)
    for code, month, fields in rows.monthly:
        yield entry(monthly_key(stream, code, month), expiry.of_month(month), fields)
