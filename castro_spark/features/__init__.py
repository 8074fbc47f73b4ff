"""Pure feature functions, shared by the streams, the batch jobs and notebooks."""

from castro_spark.features.aggregates import daily, monthly, newest_events
from castro_spark.features.calendar import with_calendar
from castro_spark.features.point_in_time import as_of, running_features
from castro_spark.features.product_360 import product_360
from castro_spark.features.value import value_total

__all__ = [
    "as_of",
    "daily",
    "monthly",
    "newest_events",
    "product_360",
    "running_features",
    "value_total",
    "with_calendar",
]
