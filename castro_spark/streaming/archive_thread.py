"""A stream's archive beside the streams of an application: in a thread that holds up nobody's end."""

from __future__ import annotations

import logging
from threading import Event, Thread

from pyspark.sql import SparkSession

from castro_spark.errors import first_line
from castro_spark.settings import Settings
from castro_spark.streaming.archive import Archiver
from castro_spark.streams.declaration import StreamDeclaration

log = logging.getLogger(__name__)
_LOOK_SECONDS = 0.2
_END_SECONDS = 20.0


class ArchiveThread:
    """Runs an Archiver from now on; what it leaves undone, the next start does."""

    def __init__(
        self, spark: SparkSession, settings: Settings, stream: StreamDeclaration, *, available_now: bool, over: Event
    ) -> None:
        self._stream = stream.name
        self._stop = Event()
        self._error: BaseException | None = None
        self._archiver = Archiver(
            spark, settings, stream, available_now=available_now, stopping=self._stop, over=over
        )
        self._thread = Thread(target=self._run, name=f"castro archive {stream.name}", daemon=True)
        self._thread.start()

    def end(self, stopping: Event) -> BaseException | None:
        """Waits until it is done, or once `stopping` is set until its batch is; returns the error that ended it."""
        while self._thread.is_alive() and not stopping.wait(_LOOK_SECONDS):
            pass
        self._stop.set()
        self._thread.join(_END_SECONDS)
        if self._thread.is_alive():
            log.warning("the archive of stream %s is left in mid-batch; the next start goes on there", self._stream)
        return self._error

    def _run(self) -> None:
        try:
            self._archiver.run()
        except BaseException as error:  # noqa: BLE001 - told below, whatever it is
            log.error("the archive of stream %s ended: %s", self._stream, first_line(error))
            self._error = error
