"""The heartbeat of an application: its rows in castro.instance, and the commands that came for its streams.

A thread of its own on a connection of its own, so that it tells of a stream that hangs as well, and no commit waits for
it. While PostgreSQL is away it tries again each second; it ends no stream.
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
_BEAT_SECONDS = 5.0  # without news
_LAST_WORDS_SECONDS = 15.0

Poll = Callable[[Connection, Sequence[StreamState]], None]


class Heartbeat:
    """Tells of the streams from entering it on; leaving it writes how they ended. `poll` is called every second."""

    def __init__(
        self, settings: PostgresSettings, states: Sequence[StreamState], application: str, poll: Poll | None = None
    ) -> None:
        self._settings = settings
        self._states = states
        self._application = application
        self._poll = poll
        self._connection: Connection | None = None
        self._written: dict[str, tuple[float, tuple[object, ...]]] = {}
        self._pruned = False
        self._trouble = ""
        self._over = Event()
        self._thread = Thread(target=self._run, name="castro heartbeat", daemon=True)

    def __enter__(self) -> Heartbeat:
        self._turn()  # who begins is there to be seen before it does anything
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(_LAST_WORDS_SECONDS)

    def _run(self) -> None:
        while not self._over.wait(_POLL_SECONDS):
            self._turn()
        deadline = time.monotonic() + _LAST_WORDS_SECONDS
        while not self._turn() and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        self._disconnect()

    def _turn(self) -> bool:
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
        except Exception as error:  # noqa: BLE001 - whatever it is, it ends no stream, and is tried again
            self._tell(first_line(error))
            self._disconnect()
            return False
        self._tell("")
        return True

    def _beat(self, connection: Connection, state: StreamState) -> None:
        row = state.row(self._application)
        news = tuple(value for name, value in row.items() if not name.endswith("_age") and name != "revision")
        at, before = self._written.get(state.stream, (0.0, ()))
        if news != before or time.monotonic() - at >= _BEAT_SECONDS:
            beat(connection, row)
            self._written[state.stream] = (time.monotonic(), news)

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(*PASSING):
                connection.close()

    def _tell(self, trouble: str) -> None:
        if trouble and not self._trouble:
            log.warning("castro.instance is not written: %s; the streams go on, it is tried again", trouble)
        elif self._trouble and not trouble:
            log.warning("castro.instance is written again")
        self._trouble = trouble
