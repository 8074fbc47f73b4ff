"""Samples the lag of this process's streams every few seconds: the trend that the page shows is made of it."""

from __future__ import annotations

import time
from collections.abc import Collection

from castro_spark.observe.instance import StreamState
from castro_spark.process.component import ALIVE
from castro_spark.sinks.postgres.connection import Connection, statement

_EVERY_SECONDS = 15.0


class LagSamples:
    """Adds a row a stream to castro.lag_sample. The rows of castro.instance and the ledger have all it needs."""

    def __init__(self, states: Collection[StreamState]) -> None:
        self._states = states
        self._next = 0.0

    def poll(self, connection: Connection) -> None:
        """Samples if it is time to. The heartbeat calls this every second."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + _EVERY_SECONDS
        for state in self._states:
            if state.state in ALIVE:
                with connection, connection.cursor() as cursor:
                    parameters = {"stream": state.stream, "instance": state.instance}
                    cursor.execute(statement("instance/sample_lag.sql"), parameters)
