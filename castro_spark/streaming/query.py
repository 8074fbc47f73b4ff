"""One stream's query: from claim to clean end."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable
from threading import Event

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from castro_spark.errors import CastroError, RulesChanged, StagingLost
from castro_spark.parse import SOURCE_COLUMNS
from castro_spark.rules import configured, stream_settings
from castro_spark.settings import Settings
from castro_spark.sinks.postgres.commit.ledger import Ledger, claim, read_ledger
from castro_spark.sinks.postgres.connection import connect, outlast_outages
from castro_spark.sinks.postgres.migrate import check_migrated
from castro_spark.sources.kafka import read_stream, topic_state
from castro_spark.streaming.batches import BatchWriter, StopRequested
from castro_spark.streaming.checkpoint import Checkpoints, offsets_of_batch
from castro_spark.streaming.progress import BatchReport
from castro_spark.streaming.stager import Stager
from castro_spark.streaming.start import check_offsets, plan
from castro_spark.streams.declaration import StreamDeclaration

log = logging.getLogger(__name__)
_LOOK_SECONDS = 0.5
_SETTLE_SECONDS = 5.0


def run_stream(
    spark: SparkSession,
    settings: Settings,
    stream: StreamDeclaration,
    *,
    available_now: bool,
    accept_new_topic: bool,
    stopping: Event,
    report: Callable[[BatchReport], None],
) -> None:
    """Runs the stream until `stopping` is set, or with `available_now` until what is there is consumed.

    Raises what ended it otherwise: a CastroError that says what to do, or Spark's own.
    """
    stream = configured(stream, settings)
    topic = stream.topic
    Stager(spark, settings, stream, generation=0).rehearse()
    while True:
        ledger = _claim(spark, settings, stream, topic, accept_new_topic=accept_new_topic, stopping=stopping)
        try:
            _run(spark, settings, stream, topic, ledger, available_now=available_now, stopping=stopping, report=report)
        except (StagingLost, RulesChanged) as again:
            log.warning("%s", again)
        else:
            return


def _run(
    spark: SparkSession,
    settings: Settings,
    stream: StreamDeclaration,
    topic: str,
    ledger: Ledger,
    *,
    available_now: bool,
    stopping: Event,
    report: Callable[[BatchReport], None],
) -> None:
    checkpoints = Checkpoints(settings.checkpoint_dir, stream.name)
    start = plan(spark, checkpoints, ledger, topic)
    checkpoints.remove_others(spark, start.checkpoint)

    def ends_of_batch(batch_id: int) -> dict[int, int]:
        ends = offsets_of_batch(spark, start.checkpoint, batch_id, topic)
        if ends is None:
            raise CastroError(
                f"the checkpoint {start.checkpoint} does not tell the offsets of batch {batch_id}",
                "was the folder removed while the stream ran? Start it again: the ledger decides",
            )
        return ends

    writer = BatchWriter(settings, stream, ledger, ends_of_batch, report, stopping)
    try:
        writer.begin(ledger)
        most = stream_settings(stream, settings).max_offsets_per_trigger or settings.streaming.max_offsets_per_trigger
        records = read_stream(
            spark, settings.kafka, topic, start.positions, most
        )
        raised: list[BaseException] = []

        def write(batch: DataFrame, batch_id: int) -> None:
            try:
                writer(batch, batch_id)
            except BaseException as error:
                raised.append(error)  # Spark would wrap it; the original has the words
                raise

        # Batches follow each other at once; between two looks for news an idle stream sleeps.
        spark.conf.set("spark.sql.streaming.pollingDelay", f"{settings.streaming.idle_poll_milliseconds}ms")
        query = (
            # Nothing but the scan: Spark plans every micro-batch anew, and that takes as long as the plan is large.
            records.select(*SOURCE_COLUMNS)
            .writeStream.queryName(stream.name)
            .option("checkpointLocation", start.checkpoint)
            .trigger(**({"availableNow": True} if available_now else {"processingTime": "0 seconds"}))
            .foreachBatch(write)
            .start()
        )
        _follow(query, writer, stopping, raised)
    finally:
        writer.close()


def _follow(
    query: StreamingQuery, writer: BatchWriter, stopping: Event, raised: list[BaseException]
) -> None:
    try:
        while query.isActive and not stopping.wait(_LOOK_SECONDS):
            writer.idle()
        writer.drain()  # the batch under way ends; the next one would refuse to begin
    finally:
        if query.isActive:
            deadline = time.monotonic() + _SETTLE_SECONDS
            while query.isActive and query.status["isTriggerActive"] and time.monotonic() < deadline:
                time.sleep(0.05)  # Spark writes down that the batch is done
            query.stop()
    if raised and not isinstance(raised[0], StopRequested):
        raise raised[0]
    if query.exception() is not None and not stopping.is_set():
        raise query.exception() or AssertionError


def _claim(
    spark: SparkSession,
    settings: Settings,
    stream: StreamDeclaration,
    topic: str,
    *,
    accept_new_topic: bool,
    stopping: Event,
) -> Ledger:
    state = topic_state(spark, settings.kafka, topic)
    for attempt in outlast_outages(settings.streaming.outage_retry_seconds, stopping, starting=True):
        with attempt:
            connection = connect(settings.postgres, f"castro_spark {stream.name}")
            try:
                check_migrated(connection, stream)
                # Looked at before the claim, so that one that cannot run fences nobody.
                held = read_ledger(connection, stream.name)
                if held is not None and held.topic_id == state.id:
                    check_offsets(held, state)
                ledger = claim(
                    connection,
                    stream.name,
                    topic=topic,
                    topic_id=state.id,
                    beginnings=state.beginnings,
                    writer=f"{socket.gethostname()} pid {os.getpid()}",
                    accept_new_topic=accept_new_topic,
                )
            finally:
                connection.close()
    log.info("stream %s: epoch %d, goes on at %s", stream.name, ledger.epoch, ledger.positions)
    return ledger
