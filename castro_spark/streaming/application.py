"""Runs several streams in one application. Each has its own thread, ledger and lifecycle, and optionally an archive."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from threading import Event

from pyspark.sql import SparkSession

from castro_spark.critical.follower import CriticalProducts
from castro_spark.incidents.of_checks import note_checks
from castro_spark.observe.heartbeat import Heartbeat, Poll
from castro_spark.observe.instance import StreamState
from castro_spark.observe.lag_samples import LagSamples
from castro_spark.observe.latency import CommittedLatencies
from castro_spark.observe.metrics.driver import served
from castro_spark.observe.yarn import tracking_url
from castro_spark.outbox.deliverer import Deliverer
from castro_spark.process.component import State
from castro_spark.process.logs import log_fields
from castro_spark.projection.followers import Followers
from castro_spark.quality.loop import QualityLoop
from castro_spark.quality.topics import LazyTopics
from castro_spark.settings import Settings
from castro_spark.streaming.archive.thread import ArchiveThread
from castro_spark.streaming.housekeeping import Housekeeper
from castro_spark.streaming.microbatch.progress import BatchReport
from castro_spark.streaming.product_360 import Product360
from castro_spark.streaming.query import run_stream
from castro_spark.streaming.stop import StopCommands
from castro_spark.streaming.supervision import supervise
from castro_spark.streaming.topic.group_offsets import GroupOffsets
from castro_spark.streams.declaration import StreamDeclaration

log = logging.getLogger(__name__)
_POLL_SECONDS = 0.1


def run_streams(
    spark: SparkSession,
    settings: Settings,
    streams: Sequence[StreamDeclaration],
    *,
    available_now: bool,
    accept_new_topic: bool,
    accept_lost_records: bool = False,
    stopping: Event,
    report: Callable[[str, BatchReport], None],
    poll: Poll | None = None,
) -> None:
    """Runs the streams concurrently, with the Redis projection, the product_360 refresh and, if set, the outbox's
    delivery, the quality checks (not with `available_now`) and their archives.

    A stream that fails is restarted where a restart can help (supervision.py). A stream that failed permanently does
    not stop the others, unless streaming.on_stream_failure is `stop`; its error is raised when all have ended. `spark`
    must be created with `delta` if settings.archive.dir is set. `poll` is called every second by the heartbeat.
    """
    states = {stream.name: StreamState(stream.name, available_now=available_now) for stream in streams}
    stops = {stream.name: Event() for stream in streams}  # set by a stop command, or for all streams by `stopping`
    ended = {stream.name: Event() for stream in streams}
    application = str(spark.sparkContext.applicationId)
    archives: list[ArchiveThread] = []
    if settings.archive.dir is not None:
        archives = [
            ArchiveThread(spark, settings, s, available_now=available_now, stream_ended=ended[s.name]) for s in streams
        ]

    def run_one(stream: StreamDeclaration) -> BaseException | None:
        def run() -> None:
            spark.sparkContext.setLocalProperty("spark.scheduler.pool", stream.name)  # conf/fairscheduler.xml
            run_stream(
                spark,
                settings,
                stream,
                states[stream.name],
                available_now=available_now,
                accept_new_topic=accept_new_topic,
                accept_lost_records=accept_lost_records,
                stopping=stops[stream.name],
                report=lambda batch: committed(stream.name, batch),
            )

        try:
            with log_fields(stream=stream.name):
                return supervise(
                    run, states[stream.name], settings.streaming,
                    available_now=available_now, stopping=stops[stream.name],
                )  # fmt: skip
        finally:
            ended[stream.name].set()

    def committed(stream: str, batch: BatchReport) -> None:
        projection.wake(stream, more_follow=batch.more_follow)
        critical.wake(stream)
        group.wake(stream)
        report(stream, batch)

    all_ended = Event()
    projection = Followers(settings, streams, last_sync=True)
    housekeeper, view = Housekeeper(settings, streams), Product360(settings)
    critical, group = CriticalProducts(settings, streams), GroupOffsets(spark, settings, streams)
    checks = QualityLoop(
        settings, streams, lambda: LazyTopics(settings, lambda: spark), note_checks(settings), enabled=not available_now
    )
    deliverers = [Deliverer(settings)] if settings.alerts.deliver else []
    parts = [
        *projection.components, housekeeper.component, view.component, *critical.components, *checks.components,
        *group.components,
        *(archive.component for archive in archives), *(deliverer.component for deliverer in deliverers),
    ]  # fmt: skip
    polls = [
        StopCommands(stops, list(states.values()), application).poll, CommittedLatencies(list(states)).poll,
        LagSamples(states.values()).poll,
        *([poll] if poll else []),
    ]  # fmt: skip
    # The heartbeat is the first to begin and the last to end: it reports how the others end.
    with (
        served(settings) as address,
        Heartbeat(
            settings.postgres, [*states.values(), *parts], application, polls,
            tracking_url=tracking_url(spark), metrics_address=address,
        ),
        ExitStack() as delivering,
    ):  # fmt: skip
        for deliverer in deliverers:
            delivering.enter_context(deliverer)
        with projection, housekeeper, critical, checks, group, ThreadPoolExecutor(len(streams) + 1) as threads:
            refreshing = threads.submit(view.run, all_ended)
            running = [threads.submit(run_one, stream) for stream in streams]
            try:
                _wait(running, states, stops, stopping, stop_all=settings.streaming.on_stream_failure == "stop")
            finally:
                all_ended.set()
            errors = [error for future in running if (error := future.result()) is not None]
            refreshing.result()
        if available_now:
            view.refresh_last()
        view.close()
        if not available_now:
            stopping.set()
        errors += [error for archive in archives if (error := archive.end(stopping)) is not None]
    if errors:
        raise errors[0]


def _wait(
    running: Sequence[Future[BaseException | None]],
    states: dict[str, StreamState],
    stops: dict[str, Event],
    stopping: Event,
    *,
    stop_all: bool,
) -> None:
    """Waits until all streams have ended; forwards `stopping` to each of them."""
    while wait(running, timeout=0).not_done:
        failed = [name for name, state in states.items() if state.state is State.FAILED]
        if failed and stop_all and not stopping.is_set():
            log.error("stream %s failed permanently: the application stops (streaming.on_stream_failure)", failed[0])
            stopping.set()
        if stopping.wait(_POLL_SECONDS):
            for stop in stops.values():
                stop.set()
            wait(running)
