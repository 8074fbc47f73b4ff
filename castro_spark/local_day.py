"""The bounds of local calendar days, and of the days that events may have, without Spark or Arrow."""

from __future__ import annotations

from datetime import date, datetime, timezone
from zoneinfo import ZoneInfo

EARLIEST_YEAR = 1990  # of events: parse rejects earlier ones


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The first instant (in UTC) of a local day; if a clock change skips midnight, the instant of the change."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(timezone.utc)
