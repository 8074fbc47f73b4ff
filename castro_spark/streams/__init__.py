"""The streams there are. A module of this package that holds a `STREAM` is a stream: one file adds one."""

from __future__ import annotations

import importlib
import pkgutil

from castro_spark.errors import UsageError
from castro_spark.streams.declaration import Field, FieldType, Measure, StreamDeclaration

__all__ = ["Field", "FieldType", "Measure", "StreamDeclaration", "all_streams", "stream"]


def all_streams() -> dict[str, StreamDeclaration]:
    """Every declared stream by name, in alphabetical order."""
    modules = (importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__))
    found = (getattr(module, "STREAM", None) for module in modules)
    return {s.name: s for s in found if isinstance(s, StreamDeclaration)}


def stream(name: str) -> StreamDeclaration:
    """The stream of that name; UsageError names those there are."""
    streams = all_streams()
    if name not in streams:
        raise UsageError(f"there is no stream {name!r}", f"use one of: {', '.join(streams)}")
    return streams[name]
