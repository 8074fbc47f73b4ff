"""Which keys a stream's rows become, and at which fixed moment each ends, whenever and however often it is written.

A day ends `daily_days` local days after it is over, a month `monthly_days` local days after it is over, a newest event
`realtime_seconds` after its row was written last. What is past that is removed rather than written.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

from castro_spark.features.calendar import start_of_day
from castro_spark.projection.rows import Fields, Horizon, Rows
from castro_spark.servers import TtlSettings
from castro_spark.sinks.redis.hashes import Entry
from castro_spark.sinks.redis.keys import daily_key, monthly_key, realtime_key
from castro_spark.streams.declaration import StreamDeclaration

_DAY = timedelta(days=1)
_LONGEST_MONTH = timedelta(days=31)


class Expiry:
    """The moments (Unix seconds) at which hashes end, in the local calendar."""

    def __init__(self, ttl: TtlSettings, zone: ZoneInfo) -> None:
        self._ttl = ttl
        self._zone = zone
        self._of_days: dict[date, int] = {}

    def horizon(self) -> Horizon:
        """What is recent enough to be cached, by today's local date."""
        return Horizon.of(datetime.now(self._zone).date(), self._ttl.daily_days, self._ttl.monthly_days)

    def of_day(self, day: date) -> int:
        """The day's end, and `daily_days` local days."""
        return self._start(day + _DAY + timedelta(days=self._ttl.daily_days))

    def of_month(self, first: date) -> int:
        """The month's end, and `monthly_days` local days."""
        following = (first + _LONGEST_MONTH).replace(day=1)
        return self._start(following + timedelta(days=self._ttl.monthly_days))

    def of_newest(self, updated_at: datetime) -> int:
        """`realtime_seconds` after the row was written last."""
        return int(updated_at.timestamp()) + self._ttl.realtime_seconds

    def _start(self, day: date) -> int:
        if day not in self._of_days:
            self._of_days[day] = int(start_of_day(day, self._zone).timestamp())
        return self._of_days[day]


def entries(stream: StreamDeclaration, rows: Rows, expiry: Expiry) -> Iterator[Entry]:
    """The rows' keys, expiries and fields; no fields where there is no such row, or its time is over."""
    now = int(datetime.now(timezone.utc).timestamp())

    def entry(key: str, ends: int, fields: Fields | None) -> Entry:
        return key, ends, fields if ends > now else None

    for code, updated_at, fields in rows.newest:
        yield entry(realtime_key(stream, code), expiry.of_newest(updated_at) if updated_at else 0, fields)
    for code, day, fields in rows.daily:
        yield entry(daily_key(stream, code, day), expiry.of_day(day), fields)
    for code, month, fields in rows.monthly:
        yield entry(monthly_key(stream, code, month), expiry.of_month(month), fields)
