"""Parses Kafka records into events and deletes, or rejects with reasons. Pure functions.

The names are imported when they are first used: jobs that parse nothing use parts of this package without loading Arrow
and Spark.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from castro_spark.parse.columns import parsed_types
    from castro_spark.parse.reasons import DELETE, EVENT, REJECT, SKIP, Reason
    from castro_spark.parse.records import SOURCE_COLUMNS, parse_batch, parse_records
    from castro_spark.parse.rules import ParseRules

__all__ = [
    "DELETE",
    "EVENT",
    "REJECT",
    "SKIP",
    "SOURCE_COLUMNS",
    "ParseRules",
    "Reason",
    "parse_batch",
    "parse_records",
    "parsed_types",
]

_MODULES = {
    "columns": ("parsed_types",),
    "reasons": ("DELETE", "EVENT", "REJECT", "SKIP", "Reason"),
    "records": ("SOURCE_COLUMNS", "parse_batch", "parse_records"),
    "rules": ("ParseRules",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULE_OF[name]}"), name)
