"""Rebuilds the Redis hashes from what PostgreSQL has committed. Safe while the streams run, and to repeat."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing

from castro_spark.projection.rebuild import Rebuilt, rebuild
from castro_spark.settings import Settings
from castro_spark.streaming.product_360 import Product360
from castro_spark.streams.declaration import StreamDeclaration


def rebuild_streams(settings: Settings, streams: Sequence[StreamDeclaration]) -> Iterator[Rebuilt]:
    """Each stream's hashes; a result may have a problem: then the rebuild stays requested."""
    for stream in streams:
        yield rebuild(settings, stream)


def rebuild_view(settings: Settings) -> int:
    """The hashes of the 360° view; returns their number."""
    with closing(Product360(settings)) as view:
        return view.rebuild()
