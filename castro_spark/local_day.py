"""The bounds of local calendar days, without Spark or Arrow."""

from __future__ import annotations

from datetime import date, datetime, timezone
from zoneinfo import ZoneInfo


def start_of_day(day: date, zone: ZoneInfo) -> datetime:
    """The first instant (in UTC) of a local day; if a clock change skips midnight, the instant of the change."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(timezone.utc)
