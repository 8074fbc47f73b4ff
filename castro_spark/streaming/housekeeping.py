"""Pruning beside the streams: a thread of its own, in small steps, so that no commit waits for it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from contextlib import closing
from threading import Event, Thread

from castro_spark.errors import first_line
from castro_spark.settings import Settings
from castro_spark.sinks.postgres.connection import connect
from castro_spark.sinks.postgres.pruning import prune_step, quarantine_use
from castro_spark.streams.declaration import StreamDeclaration

log = logging.getLogger(__name__)
_PAUSE_SECONDS = 0.2  # between two steps: the streams go first
_LAST_STEP_SECONDS = 15.0


class Housekeeper:
    """Prunes at once and then every `housekeeping.every_minutes`, from entering it until leaving it.

    What fails is logged and tried again the next time; it ends no stream.
    """

    def __init__(self, settings: Settings, streams: Sequence[StreamDeclaration]) -> None:
        self._settings = settings
        self._streams = streams
        self._over = Event()
        self._thread = Thread(target=self._run, name="castro housekeeping", daemon=True)

    def __enter__(self) -> Housekeeper:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(_LAST_STEP_SECONDS)

    def _run(self) -> None:
        while True:
            try:
                self.tidy()
            except Exception as error:  # noqa: BLE001 - whatever it is, it ends no stream
                log.warning("old rows were not pruned: %s; it is tried again later", first_line(error))
            if self._over.wait(self._settings.housekeeping.every_minutes * 60):
                return

    def tidy(self) -> int:
        """Prunes until nothing is left to do, or until it is to end; returns how many rows."""
        conf, done = self._settings.housekeeping, 0
        with closing(connect(self._settings.postgres, "castro_spark housekeeping")) as connection:
            for stream in self._streams:
                while step := prune_step(
                    connection, stream, conf, books_days=self._settings.streaming.books_retention_days,
                    has_history=self._settings.history(stream.name) is not None,
                ):  # fmt: skip
                    done += step
                    if self._over.wait(_PAUSE_SECONDS):
                        return done
                if warning := quarantine_use(connection, stream, conf).warning:
                    log.warning("stream %s: %s", stream.name, warning)
        return done
