"""castro_spark joins a Hadoop warehouse and Kafka to an ML application.

These are the public names, for notebooks and other programs (docs/features.md). Each is imported when it is first used:
importing castro_spark starts nothing, and loads neither Spark nor Arrow.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from castro_spark import read
    from castro_spark.features.aggregates import daily, monthly, newest_events
    from castro_spark.features.calendar import with_calendar
    from castro_spark.features.point_in_time import as_of, running_features
    from castro_spark.features.product_360 import product_360
    from castro_spark.features.value import value_total
    from castro_spark.notebook import local_spark
    from castro_spark.settings import load_settings
    from castro_spark.streams import stream

__version__ = "1.0.0"
__all__ = [
    "as_of",
    "daily",
    "load_settings",
    "local_spark",
    "monthly",
    "newest_events",
    "product_360",
    "read",
    "running_features",
    "stream",
    "value_total",
    "with_calendar",
]

_MODULES = {
    "features.aggregates": ("daily", "monthly", "newest_events"),
    "features.calendar": ("with_calendar",),
    "features.point_in_time": ("as_of", "running_features"),
    "features.product_360": ("product_360",),
    "features.value": ("value_total",),
    "notebook": ("local_spark",),
    "settings": ("load_settings",),
    "streams": ("stream",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name == "read":
        return importlib.import_module(f"{__name__}.read")
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULE_OF[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
