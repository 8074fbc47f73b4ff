"""Servers of a test beside the stack's."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from castro_spark.local.guard import Guard
from castro_spark.local.server import Server


@contextmanager
def serving(server: Server) -> Iterator[None]:
    """Starts it; it is stopped with the block, or with this process, even if that is killed."""
    server.folder.parent.mkdir(parents=True, exist_ok=True)
    guard = Guard(server.folder.parent)
    guard.watch([server.name])
    try:
        server.start()
        yield
    finally:
        server.stop()
        guard.dismiss()
