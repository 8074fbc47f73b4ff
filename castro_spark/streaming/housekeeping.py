"""Prunes old rows in its own thread while the streams run, in small steps, so that no commit waits for it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import closing
from threading import Event, Thread

from castro_spark.errors import first_line
from castro_spark.process.component import Component, State
from castro_spark.settings import Settings
from castro_spark.sinks.postgres.connection import connect
from castro_spark.sinks.postgres.operations.pruning import prune_step, quarantine_use
from castro_spark.streams.declaration import StreamDeclaration

log = logging.getLogger(__name__)
_PAUSE_SECONDS = 0.2  # between two steps: the streams have priority
_LAST_STEP_SECONDS = 15.0


class Housekeeper:
    """Context manager: prunes on entry and then every `housekeeping.every_minutes`, until exit.

    Errors are logged and retried at the next interval; they never end a stream.
    """

    def __init__(self, settings: Settings, streams: Sequence[StreamDeclaration]) -> None:
        self._settings = settings
        self._streams = streams
        self.component = Component("housekeeping")
        self._stopping = Event()
        self._thread = Thread(target=self._run, name="castro housekeeping", daemon=True)

    def __enter__(self) -> Housekeeper:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(_LAST_STEP_SECONDS)
        self.component.enter(State.STOPPED)

    def _run(self) -> None:
        while True:
            try:
                self.component.progressed(rows_pruned=self.tidy())
                self.component.running()
            except Exception as error:  # noqa: BLE001 - no error here may end a stream
                self.component.failing("retrying", first_line(error))
                log.warning("old rows were not pruned: %s; it is retried later", first_line(error))
            if self._stopping.wait(self._settings.housekeeping.every_minutes * 60):
                return

    def tidy(self) -> int:
        """Prunes until nothing is left to prune, or until exit; returns the number of rows removed."""
        conf, done = self._settings.housekeeping, 0
        with closing(connect(self._settings.postgres, "castro_spark housekeeping")) as connection:
            for stream in self._streams:
                while step := prune_step(
                    connection, stream, conf, books_days=self._settings.streaming.books_retention_days,
                    has_history=self._settings.history(stream.name) is not None,
                ):  # fmt: skip
                    done += step
                    if self._stopping.wait(_PAUSE_SECONDS):
                        return done
                if warning := quarantine_use(connection, stream, conf).warning:
                    log.warning("stream %s: %s", stream.name, warning)
        return done
