"""One run of a stream's query, from the ledger to its clean end or its failure."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from threading import Event

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from castro_spark.errors import CheckpointLost
from castro_spark.observe.instance import StreamState
from castro_spark.parse import SOURCE_COLUMNS
from castro_spark.rules import configured, stream_settings
from castro_spark.settings import Settings
from castro_spark.sinks.postgres.commit.ledger import Ledger
from castro_spark.sources.kafka import read_stream
from castro_spark.streaming.batches import BatchWriter, StopRequested
from castro_spark.streaming.checkpoint import Checkpoints, offsets_of_batch
from castro_spark.streaming.progress import BatchReport
from castro_spark.streaming.stager import Stager
from castro_spark.streaming.start import compare_checkpoint, first_start, next_start
from castro_spark.streaming.topic_watch import TopicWatch
from castro_spark.streams.declaration import StreamDeclaration

_LOOK_SECONDS = 0.5
_SETTLE_SECONDS = 5.0


def run_stream(
    spark: SparkSession,
    settings: Settings,
    stream: StreamDeclaration,
    state: StreamState,
    *,
    available_now: bool,
    accept_new_topic: bool,
    stopping: Event,
    report: Callable[[BatchReport], None],
) -> None:
    """Runs the stream until `stopping` is set, or with `available_now` until what is there is consumed.

    The first run of a process claims the stream, later ones go on under that epoch. Raises what ended it otherwise: a
    CastroError that says what to do, or Spark's own.
    """
    stream = configured(stream, settings)
    checkpoints = Checkpoints(settings.checkpoint_dir, stream.name)
    if state.epoch is None:
        Stager(spark, settings, stream, generation=0).rehearse()
        ledger = first_start(spark, settings, stream, accept_new_topic=accept_new_topic, stopping=stopping)
        state.claimed(ledger.epoch)
        compare_checkpoint(spark, checkpoints, ledger)
    else:
        ledger = next_start(spark, settings, stream, state.epoch, stopping)
    checkpoint = checkpoints.new(ledger.epoch)
    checkpoints.remove_older(spark, checkpoint)

    def committed(batch: BatchReport) -> None:
        state.committed(batch.revision)
        report(batch)

    with closing(TopicWatch(spark, settings.kafka, stream, ledger, stopping)) as topic:
        _run(
            spark, settings, stream, ledger, checkpoint, topic,
            available_now=available_now, stopping=stopping, report=committed, going=state.going,
        )  # fmt: skip


def _run(
    spark: SparkSession,
    settings: Settings,
    stream: StreamDeclaration,
    ledger: Ledger,
    checkpoint: str,
    topic: TopicWatch,
    *,
    available_now: bool,
    stopping: Event,
    report: Callable[[BatchReport], None],
    going: Callable[[], None],
) -> None:
    def ends_of_batch(batch_id: int) -> dict[int, int]:
        ends = offsets_of_batch(spark, checkpoint, batch_id, stream.topic)
        if ends is None:
            raise CheckpointLost(
                f"the checkpoint {checkpoint} does not tell the offsets of batch {batch_id}: was the folder removed"
                " while the stream ran?",
                "nothing: the stream begins again at the ledger, with a new checkpoint",
            )
        return ends

    writer = BatchWriter(settings, stream, ledger, ends_of_batch, report, stopping, topic.confirm)
    try:
        writer.begin()
        most = stream_settings(stream, settings).max_offsets_per_trigger or settings.streaming.max_offsets_per_trigger
        records = read_stream(spark, settings.kafka, stream.topic, ledger.positions, most)
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
            .option("checkpointLocation", checkpoint)
            .trigger(**({"availableNow": True} if available_now else {"processingTime": "0 seconds"}))
            .foreachBatch(write)
            .start()
        )

        def look() -> None:
            going()
            writer.idle()
            topic.look()

        _follow(query, writer, stopping, raised, look)
    finally:
        writer.close()


def _follow(
    query: StreamingQuery, writer: BatchWriter, stopping: Event, raised: list[BaseException], look: Callable[[], None]
) -> None:
    try:
        while query.isActive and not stopping.wait(_LOOK_SECONDS):
            look()
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
