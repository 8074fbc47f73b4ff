"""Follows the commits in a thread: each is evaluated within seconds, outside its own transaction.

It reads committed data and takes no lock that a stream waits for, so it can neither delay nor fail a stream. Errors are
logged once and retried.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from threading import Event, Thread

from castro_spark.critical.evaluation import KIND, Evaluated, Evaluation
from castro_spark.critical.rows import STREAM
from castro_spark.errors import first_line
from castro_spark.process.component import Component, State
from castro_spark.settings import Settings
from castro_spark.sinks.postgres.connection import PASSING, Connection, connect
from castro_spark.streams.declaration import StreamDeclaration

log = logging.getLogger(__name__)
_REST, _LONGEST_REST = 1.0, 1.0  # times the duration of an evaluation, and seconds: several commits are taken together
_RETRY_SECONDS = 2.0


def why_off(settings: Settings) -> str | None:
    """Why no products are evaluated by these settings; None if they are."""
    if not any(rule is not None for _, rule in settings.critical.rules):
        return "all of critical.rules are off"
    if not settings.alerts.channels_for(KIND):
        return f"no channel of alerts.channels takes the kind {KIND}; one of the type celery does"
    return None


class CriticalProducts:
    """Context manager: evaluates from entry to exit, and once more at exit. Does nothing if the settings do not want it
    or the stream that moves stock is not among `streams`.

    Of several applications one evaluates; another takes over when that one ends.
    """

    def __init__(self, settings: Settings, streams: Sequence[StreamDeclaration]) -> None:
        self._settings = settings
        self._on = why_off(settings) is None and any(stream.name == STREAM for stream in streams)
        self._component = Component("critical")
        self._wake, self._stopping = Event(), Event()
        self._connection: Connection | None = None
        self._evaluation: Evaluation | None = None
        self._trouble = ""
        self._thread = Thread(target=self._run, name="castro critical", daemon=True)

    @property
    def components(self) -> list[Component]:
        """What it reports of itself; nothing if it does nothing."""
        return [self._component] if self._on else []

    def wake(self, stream: str) -> None:
        """Signals that `stream` has committed; returns at once."""
        if stream == STREAM:
            self._wake.set()

    def __enter__(self) -> CriticalProducts:
        if self._on:
            self._attempt(lambda: self._open().begin())
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._on:
            self._stopping.set()
            self._wake.set()
            self._thread.join()
            if self._attempt(self.evaluate):  # else the next run's evaluation makes up for it
                self._component.enter(State.STOPPED)
            self._disconnect()

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._wake.clear()
            began = time.monotonic()
            if not self._attempt(self.evaluate):
                self._stopping.wait(_RETRY_SECONDS)
                continue
            self._stopping.wait(min(_REST * (time.monotonic() - began), _LONGEST_REST))
            self._wake.wait(self._settings.critical.poll_seconds)

    def evaluate(self) -> Evaluated:
        """One evaluation. Raises what PostgreSQL raises."""
        began = time.monotonic()
        done = self._open().run()
        self._component.progressed(evaluates=done.evaluates)
        if done.products:
            stages = {"evaluated": time.monotonic() - began}
            self._component.progressed(stages=stages, products=done.products, started=done.started, ended=done.ended)
        return done

    def _attempt(self, step: Callable[[], object]) -> bool:
        """Runs a step; False if it failed, which is logged once."""
        try:
            step()
        except Exception as error:  # noqa: BLE001 - no error here may end a stream
            if not self._trouble:
                log.warning("critical products are not evaluated: %s; it is retried", first_line(error))
            self._trouble = first_line(error) or type(error).__name__
            self._component.failing("retrying", self._trouble)
            self._disconnect()
            return False
        if self._trouble:
            log.warning("critical products are evaluated again")
        self._trouble = ""
        self._component.running()
        return True

    def _open(self) -> Evaluation:
        if self._evaluation is None:
            self._connection = connect(self._settings.postgres, "castro_spark critical")
            self._evaluation = Evaluation(self._settings, self._connection)
        return self._evaluation

    def _disconnect(self) -> None:
        self._evaluation = None
        if self._connection is not None:
            with suppress(*PASSING):
                self._connection.close()
            self._connection = None
