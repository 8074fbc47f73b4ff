"""Pure feature functions: the streams, the batch jobs and notebooks call these same ones."""

from castro_spark.features.aggregates import daily, monthly, newest_events
from castro_spark.features.calendar import with_calendar
from castro_spark.features.value import value_total

__all__ = [
    "daily",
    "monthly",
    "newest_events",
    "value_total",
    "with_calendar",
]
