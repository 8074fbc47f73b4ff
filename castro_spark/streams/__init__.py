"""The declared streams. Each module of this package that defines `STREAM` declares one: add a file to add a stream."""

from __future__ import annotations

import importlib
import pkgutil

from castro_spark.errors import UsageError
from castro_spark.streams.declaration import Field, FieldType, Measure, StreamDeclaration

__all__ = ["Field", "FieldType", "Measure", "StreamDeclaration", "all_streams", "stream"]


def all_streams() -> dict[str, StreamDeclaration]:
    """Every declared stream by name, in alphabetical order."""
    modules = (importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__))
    declared = (getattr(module, "STREAM", None) for module in modules)
    return {s.name: s for s in declared if isinstance(s, StreamDeclaration)}


def stream(name: str) -> StreamDeclaration:
    """The stream of that name. Raises UsageError, which lists the declared names.

    >>> stream("sales").price, stream("sales").daily_table
    ('unit_price', 'ml_sales_daily')
    """
    streams = all_streams()
    if name not in streams:
        raise UsageError(f"there is no stream {name!r}", f"use one of: {', '.join(streams)}")
    return streams[name]
