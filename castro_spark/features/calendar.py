"""The local calendar: days, months and weekdays of a named time zone, whatever the session's own zone is.

A day is a local calendar day, of 23, 24 or 25 hours, never 86,400 seconds. Spark's date functions read a
timestamp in the session's zone; these go through UTC microseconds instead, so that a notebook with
another setting gets the same days.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

_MICROSECONDS_A_DAY = 86_400_000_000


def local_date(instant: Column, timezone: str) -> Column:
    """timestamp -> date: the calendar day of `timezone` in which the instant lies."""
    wall_clock = F.unix_micros(F.from_utc_timestamp(instant, timezone))
    # A wall clock read as UTC has days of equal length, so whole days are an exact integer division.
    return F.date_from_unix_date(F.floor((wall_clock - _modulo(wall_clock)) / _MICROSECONDS_A_DAY).cast("int"))


def _modulo(micros: Column) -> Column:
    return F.pmod(micros, F.lit(_MICROSECONDS_A_DAY))


def instant_of_local(wall_clock: Column, timezone: str) -> Column:
    """timestamp whose UTC fields are a local wall clock -> the timestamp of that local time.

    A wall clock that a change to summer time skips moves on by the change; one that comes twice means the
    first. These are the rules of java.time and of Python's zoneinfo with fold=0.
    """
    return F.to_utc_timestamp(wall_clock, timezone)


def with_calendar(events: DataFrame, timezone: str, timestamp: str = "timestamp") -> DataFrame:
    """Adds the calendar features of column `timestamp` (timestamp), in the local calendar of `timezone`.

    Out: date (date), month (int, 1-12), quarter (int, 1-4), day_of_week (int, Monday = 0),
    is_weekend (boolean, day_of_week >= 5); null where the timestamp is null.
    """
    dated = events.withColumn("date", local_date(F.col(timestamp), timezone))
    day_of_week = F.weekday("date")
    return dated.withColumns(
        {
            "month": F.month("date"),
            "quarter": F.quarter("date"),
            "day_of_week": day_of_week,
            "is_weekend": day_of_week >= F.lit(5),
        }
    )
