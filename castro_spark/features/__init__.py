"""Pure feature functions: the streams, the batch jobs and notebooks call these same ones."""

from castro_spark.features.aggregates import daily, monthly, newest_events
from castro_spark.features.calendar import instant_of_local, local_date, with_calendar
from castro_spark.features.value import value_total

__all__ = [
    "daily",
    "instant_of_local",
    "local_date",
    "monthly",
    "newest_events",
    "value_total",
    "with_calendar",
]
