"""Counts the latencies to PostgreSQL of commits that Redis does not have yet: a poll of the heartbeat.

Whoever publishes a commit counts it at once. This is for the time when Redis is away or lags.
"""

from __future__ import annotations

import time
from collections.abc import Sequence

from castro_spark.sinks.postgres.connection import Connection
from castro_spark.sinks.postgres.operations.latency import count_committed

_EVERY_SECONDS = 5.0


class CommittedLatencies:
    """The latencies of these streams."""

    def __init__(self, streams: Sequence[str]) -> None:
        self._counted = dict.fromkeys(streams, 0)  # up to which revision
        self._next = 0.0

    def poll(self, connection: Connection) -> None:
        """Counts, if it is time to. The heartbeat calls this every second."""
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _EVERY_SECONDS
            for stream, after in self._counted.items():
                self._counted[stream] = count_committed(connection, stream, after)
