"""Several streams in one application: each with a thread, a ledger and an end of its own, and its archive beside it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event, Thread

from pyspark.sql import SparkSession

from castro_spark.settings import Settings
from castro_spark.streaming.archive import Archiver
from castro_spark.streaming.product_360 import Product360
from castro_spark.streaming.progress import BatchReport
from castro_spark.streaming.query import run_stream
from castro_spark.streams.declaration import StreamDeclaration

log = logging.getLogger(__name__)
_LOOK_SECONDS = 0.2
_END_SECONDS = 20.0


def run_streams(
    spark: SparkSession,
    settings: Settings,
    streams: Sequence[StreamDeclaration],
    *,
    available_now: bool,
    accept_new_topic: bool,
    stopping: Event,
    report: Callable[[str, BatchReport], None],
) -> None:
    """Runs the streams side by side, keeps product_360 fresh beside them and, where there is an archive, archives them.

    A stream that fails does not hold up the others; its error is raised at the end. `spark` must have been made with
    `delta` where settings.archive.dir is set.
    """
    ended = {stream.name: Event() for stream in streams}
    archives: list[_Archive] = []
    if settings.archive.dir is not None:
        archives = [_Archive(spark, settings, s, available_now=available_now, over=ended[s.name]) for s in streams]

    def one(stream: StreamDeclaration) -> BaseException | None:
        try:
            spark.sparkContext.setLocalProperty("spark.scheduler.pool", stream.name)  # conf/fairscheduler.xml
            run_stream(
                spark,
                settings,
                stream,
                available_now=available_now,
                accept_new_topic=accept_new_topic,
                stopping=stopping,
                report=lambda batch: report(stream.name, batch),
            )
        except BaseException as error:  # noqa: BLE001 - told below, whatever it is
            log.error("stream %s ended: %s", stream.name, str(error).partition("\n")[0])
            return error
        finally:
            ended[stream.name].set()
        return None

    all_ended = Event()
    view = Product360(settings)
    with ThreadPoolExecutor(max_workers=len(streams) + 1) as threads:
        refreshing = threads.submit(view.run, all_ended)
        errors = [error for error in threads.map(one, streams) if error is not None]
        all_ended.set()
        refreshing.result()
    try:
        if available_now:
            view.refresh()
    finally:
        view.close()
    if not available_now:
        stopping.set()
    errors += [error for archive in archives if (error := archive.end(stopping)) is not None]
    if errors:
        raise errors[0]


class _Archive:
    """A stream's archive in a thread that holds up nobody's end: what it leaves undone, the next start does."""

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
            log.error("the archive of stream %s ended: %s", self._stream, str(error).partition("\n")[0])
            self._error = error
