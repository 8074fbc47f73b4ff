"""The heartbeat of a process: writes the rows of its components in castro.instance, and polls for commands.

It has its own thread and connection, so that it reports a hung stream too, and no commit waits for it. While PostgreSQL
is unavailable it retries every second. It never ends a stream or a job.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Event, Thread

from castro_spark.errors import first_line, in_words
from castro_spark.process.component import ALIVE, Component, Mode, Reports, State
from castro_spark.sections.servers import PostgresSettings
from castro_spark.sinks.postgres.connection import PASSING, Connection, connect
from castro_spark.sinks.postgres.operations.instances import beat, prune
from castro_spark.sinks.postgres.operations.stage_times import add_stage_times

log = logging.getLogger(__name__)
_POLL_SECONDS = 1.0
_BEAT_SECONDS = 5.0  # between two writes of a row in the same state
_LAST_BEAT_SECONDS = 15.0  # to write the final state
_STATE = ("epoch", "state", "reason", "error", "restarts", "topic_id")  # a change of these is written at once

Poll = Callable[[Connection], None]


class Heartbeat:
    """Context manager: writes the components' rows from entry on; exit writes their final states. Calls `polls` every
    second."""

    def __init__(
        self,
        settings: PostgresSettings,
        components: Sequence[Reports],
        application: str,
        polls: Sequence[Poll] = (),
        *,
        tracking_url: str | None = None,
        metrics_address: str | None = None,
    ) -> None:
        self._settings = settings
        self._components = components
        self._application = application
        self._of_process = {"tracking_url": tracking_url, "metrics_address": metrics_address}
        self._polls = polls
        self._connection: Connection | None = None
        self._written: dict[int, tuple[float, tuple[object, ...]]] = {}  # by the component's number
        self._pruned = False
        self._trouble = ""
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="castro heartbeat", daemon=True)

    def __enter__(self) -> Heartbeat:
        self._cycle()  # the rows are visible before the work starts
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(_LAST_BEAT_SECONDS)

    def _run(self) -> None:
        while not self._stopping.wait(_POLL_SECONDS):
            self._cycle()
        deadline = time.monotonic() + _LAST_BEAT_SECONDS
        # Without any row written there is none to correct: a job that fails for want of PostgreSQL ends at once.
        while not self._cycle() and self._written and time.monotonic() < deadline:
            time.sleep(_POLL_SECONDS)
        self._disconnect()

    def _cycle(self) -> bool:
        try:
            if self._connection is None:
                self._connection = connect(self._settings, "castro_spark heartbeat")
            if not self._pruned:
                for kind, stream in {(c.kind, c.stream) for c in self._components}:
                    prune(self._connection, kind, stream)
                self._pruned = True
            for number, component in enumerate(self._components):
                self._beat(self._connection, number, component)
            for poll in self._polls:
                poll(self._connection)
        except Exception as error:  # noqa: BLE001 - no error here may end a stream; it is retried
            self._log_trouble(first_line(error))
            self._disconnect()
            return False
        self._log_trouble("")
        return True

    def _beat(self, connection: Connection, number: int, component: Reports) -> None:
        row = component.row(self._application) | self._of_process
        state = tuple(row[name] for name in _STATE)
        at, written = self._written.get(number, (0.0, ()))
        if state != written or time.monotonic() - at >= _BEAT_SECONDS:
            beat(connection, row)
            self._store_times(connection, component)
            self._written[number] = (time.monotonic(), state)

    def _store_times(self, connection: Connection, component: Reports) -> None:
        if times := component.take_times():
            try:
                add_stage_times(connection, component.kind, component.stream, times)
            except BaseException:
                component.return_times(times)
                raise

    def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(*PASSING):
                connection.close()

    def _log_trouble(self, trouble: str) -> None:
        if trouble and not self._trouble:
            log.warning("castro.instance is not written: %s; the work continues, it is retried", trouble)
        elif self._trouble and not trouble:
            log.warning("castro.instance is written again")
        self._trouble = trouble


@contextmanager
def reported(
    settings: PostgresSettings, job: str, stream: str = "", application: str = "", poll: Poll | None = None
) -> Iterator[Component]:
    """Reports a job in castro.instance while the block runs, and how it ended. The block adds its progress."""
    component = Component(job, stream, Mode.CONTINUOUS if poll else Mode.ONCE)
    component.running()
    with Heartbeat(settings, [component], application, [poll] if poll else []):
        try:
            yield component
        except KeyboardInterrupt:
            component.enter(State.STOPPED, "interrupted")
            raise
        except BaseException as error:
            component.enter(State.FAILED, type(error).__name__, in_words(error))
            raise
        if component.state in ALIVE:  # the job has not said otherwise
            component.enter(State.DONE)
