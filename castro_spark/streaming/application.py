"""Several streams in one application: each with a thread, a ledger and an end of its own, and its archive beside it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Event

from pyspark.sql import SparkSession

from castro_spark.errors import first_line
from castro_spark.jvm import ended_jvm
from castro_spark.settings import Settings
from castro_spark.streaming.archive_thread import ArchiveThread
from castro_spark.streaming.product_360 import Product360
from castro_spark.streaming.progress import BatchReport
from castro_spark.streaming.query import run_stream
from castro_spark.streams.declaration import StreamDeclaration

log = logging.getLogger(__name__)


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
    archives: list[ArchiveThread] = []
    if settings.archive.dir is not None:
        archives = [ArchiveThread(spark, settings, s, available_now=available_now, over=ended[s.name]) for s in streams]

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
            error = ended_jvm(error) or error
            log.error("stream %s ended: %s", stream.name, first_line(error))
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
