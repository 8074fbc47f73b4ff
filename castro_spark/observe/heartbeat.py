"""The heartbeat of an application: writes its rows in castro.instance, and polls for commands to its streams.

It has its own thread and connection, so that it reports a hung stream too, and no commit waits for it. While PostgreSQL
is unavailable it retries every second. It never ends a stream.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Event, Thread

from castro_spark.errors import first_line
from castro_spark.observe.instance import StreamState
from castro_spark.servers import PostgresSettings
from castro_spark.sinks.postgres.connection import PASSING, Connection, connect
from castro_spark.sinks.postgres.instances import beat, prune

log = logging.getLogger(__name__)
_POLL_SECONDS = 1.0
_BEAT_SECONDS = 5.0  # between two writes of an unchanged row
_LAST_BEAT_SECONDS = 15.0  # to write the final state

Poll = Callable[[Connection, Sequence[StreamState]], None]


class Heartbeat:
    """Context manager: writes the streams' rows from entry on; exit writes their final states. Calls `poll` every
    second."""

    def __init__(
        self, settings: PostgresSettings, states: Sequence[StreamState], application: str, poll: Poll | None = None,
        *, tracking_url: str | None = None,
    ) -> None:  # fmt: skip
        self._settings = settings
        self._states = states
        self._application = application
        self._tracking_url = tracking_url
        self._poll = poll
        self._connection: Connection | None = None
        self._written: dict[str, tuple[float, tuple[object, ...]]] = {}
        self._pruned = False
        self._trouble = ""
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="castro heartbeat", daemon=True)

    def __enter__(self) -> Heartbeat:
        self._cycle()  # the row is visible before the streams start
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(_LAST_BEAT_SECONDS)

    def _run(self) -> None:
        while not self._stopping.wait(_POLL_SECONDS):
            self._cycle()
        deadline = time.monotonic() + _LAST_BEAT_SECONDS
        while not self._cycle() and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        self._disconnect()

    def _cycle(self) -> bool:
        try:
            if self._connection is None:
                self._connection = connect(self._settings, "castro_spark heartbeat")
            if not self._pruned:
                for state in self._states:
                    prune(self._connection, state.stream)
                self._pruned = True
            for state in self._states:
                self._beat(self._connection, state)
            if self._poll is not None:
                self._poll(self._connection, self._states)
        except Exception as error:  # noqa: BLE001 - no error here may end a stream; it is retried
            self._log_trouble(first_line(error))
            self._disconnect()
            return False
        self._log_trouble("")
        return True

    def _beat(self, connection: Connection, state: StreamState) -> None:
        row = {**state.row(self._application), "tracking_url": self._tracking_url}
        values = tuple(value for name, value in row.items() if not name.endswith("_age") and name != "revision")
        at, written = self._written.get(state.stream, (0.0, ()))
        if values != written or time.monotonic() - at >= _BEAT_SECONDS:
            beat(connection, row)
            self._written[state.stream] = (time.monotonic(), values)

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(*PASSING):
                connection.close()

    def _log_trouble(self, trouble: str) -> None:
        if trouble and not self._trouble:
            log.warning("castro.instance is not written: %s; the streams continue, it is retried", trouble)
        elif self._trouble and not trouble:
            log.warning("castro.instance is written again")
        self._trouble = trouble
