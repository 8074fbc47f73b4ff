"""Pure feature functions, shared by the streams, the batch jobs and notebooks.

The names are imported when they are first used: jobs without Spark use parts of this package.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

_MODULES = {
    "aggregates": ("daily", "monthly", "newest_events"),
    "calendar": ("with_calendar",),
    "point_in_time": ("as_of", "running_features"),
    "product_360": ("product_360",),
    "value": ("value_total",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
