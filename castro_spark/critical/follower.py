"""Follows the commits in a thread: each is evaluated within seconds, outside its own transaction.

It reads committed data and takes no lock that a stream waits for, so it can neither delay nor fail a stream. Errors are
logged once and retried.
"""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from threading import Event

from castro_spark.component import Component, State
from castro_spark.critical.evaluation import KIND, Evaluated, Evaluation
from castro_spark.errors import first_line
from castro_spark.settings import Settings
from castro_spark.sinks.postgres.connection import PASSING, Connection, connect

log = logging.getLogger(__name__)
_REST, _LONGEST_REST = 2.0, 2.0  # times the duration of an evaluation, and seconds: several commits are taken together
_RETRY_SECONDS = 2.0


def why_off(settings: Settings) -> str | None:
    """Why no products are evaluated by these settings; None if they are."""
    if not any(rule is not None for _, rule in settings.critical.rules):
        return "all of critical.rules are off"
    if not settings.alerts.channels_for(KIND):
        return f"no channel of alerts.channels takes the kind {KIND}; one of the type celery does"
    return None


class CriticalProducts:
    """Evaluates from `run` until its event is set. Of several applications one evaluates; another takes over."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.component = Component("critical")
        self._wake = Event()
        self._connection: Connection | None = None
        self._evaluation: Evaluation | None = None
        self._trouble = ""

    def wake(self) -> None:
        """Signals a commit, or that `run` is to end; returns at once."""
        self._wake.set()

    def run(self, stopping: Event) -> None:
        """Evaluates until `stopping` is set."""
        while not stopping.is_set():
            self._wake.clear()
            began = time.monotonic()
            if not self._evaluate():
                stopping.wait(_RETRY_SECONDS)
                continue
            stopping.wait(min(_REST * (time.monotonic() - began), _LONGEST_REST))
            self._wake.wait(self._settings.critical.poll_seconds)

    def evaluate(self) -> Evaluated:
        """One evaluation. Raises what PostgreSQL raises."""
        if self._evaluation is None:
            self._connection = connect(self._settings.postgres, "castro_spark critical")
            self._evaluation = Evaluation(self._settings, self._connection)
        done = self._evaluation.run()
        self.component.progressed(evaluates=done.evaluates)
        return done

    def end(self) -> None:
        """One last evaluation, and the end. A failure is logged: the next run's evaluation makes up for it."""
        if self._evaluate():
            self.component.enter(State.STOPPED)
        self._disconnect()

    def _evaluate(self) -> bool:
        began = time.monotonic()
        try:
            done = self.evaluate()
        except Exception as error:  # noqa: BLE001 - no error here may end a stream
            if not self._trouble:
                log.warning("critical products are not evaluated: %s; it is retried", first_line(error))
            self._trouble = first_line(error) or type(error).__name__
            self.component.failing("retrying", self._trouble)
            self._disconnect()
            return False
        if self._trouble:
            log.warning("critical products are evaluated again")
        self._trouble = ""
        self.component.running()
        if done.products:
            stages = {"evaluated": time.monotonic() - began}
            self.component.progressed(stages=stages, products=done.products, started=done.started, ended=done.ended)
        return True

    def _disconnect(self) -> None:
        self._evaluation = None
        if self._connection is not None:
            with suppress(*PASSING):
                self._connection.close()
            self._connection = None
