"""Runs a stream's archive in a daemon thread, which never delays the application's shutdown for long."""

from __future__ import annotations

import logging
from threading import Event, Thread

from pyspark.sql import SparkSession

from castro_spark.errors import first_line, in_words
from castro_spark.process.component import Component, Mode, State
from castro_spark.process.logs import log_fields
from castro_spark.settings import Settings
from castro_spark.streaming.archive.loop import Archiver
from castro_spark.streams.declaration import StreamDeclaration

log = logging.getLogger(__name__)
_POLL_SECONDS = 0.2
_END_SECONDS = 20.0


class ArchiveThread:
    """Starts an Archiver at once. Unfinished work is done by the next start."""

    def __init__(
        self,
        spark: SparkSession,
        settings: Settings,
        stream: StreamDeclaration,
        *,
        available_now: bool,
        stream_ended: Event,
    ) -> None:
        self._stream = stream.name
        self._stop = Event()
        self._error: BaseException | None = None
        self.component = Component("archive", stream.name, Mode.AVAILABLE_NOW if available_now else Mode.CONTINUOUS)
        self._archiver = Archiver(
            spark, settings, stream, self.component,
            available_now=available_now, stopping=self._stop, stream_ended=stream_ended,
        )  # fmt: skip
        self._thread = Thread(target=self._run, name=f"castro archive {stream.name}", daemon=True)
        self._thread.start()

    def end(self, stopping: Event) -> BaseException | None:
        """Waits until the archiver is done or, once `stopping` is set, until its current batch is.

        Returns the error that ended it, or None. Waits at most _END_SECONDS for the batch.
        """
        while self._thread.is_alive() and not stopping.wait(_POLL_SECONDS):
            pass
        self._stop.set()
        self._thread.join(_END_SECONDS)
        if self._thread.is_alive():
            log.warning("the archive of stream %s is left in mid-batch; the next start continues there", self._stream)
        return self._error

    def _run(self) -> None:
        with log_fields(stream=self._stream, part=self.component.kind):
            self._archive()

    def _archive(self) -> None:
        try:
            self._archiver.run()
        except BaseException as error:  # noqa: BLE001 - logged here, and returned by `end`
            log.error("the archive of stream %s ended: %s", self._stream, first_line(error))
            self._error = error
            self.component.enter(State.FAILED, type(error).__name__, in_words(error))
        else:
            self.component.enter(State.STOPPED if self._stop.is_set() else State.DONE)
