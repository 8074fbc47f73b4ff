"""One run of a stream's query: starts at the ledger's offsets, ends cleanly or with an error."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from threading import Event

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.streaming.query import StreamingQuery

from castro_spark.errors import CheckpointLost
from castro_spark.observe.instance import StreamState
from castro_spark.rules import configured, stream_settings
from castro_spark.settings import Settings
from castro_spark.sinks.postgres.commit.ledger import Ledger
from castro_spark.sources.kafka.followed import FollowedTopic
from castro_spark.sources.kafka.records import read_stream
from castro_spark.sources.kafka.refusals import refusal
from castro_spark.streaming.checkpoint import Checkpoints, OffsetLog, writing_settings
from castro_spark.streaming.microbatch.batches import BatchWriter, StopRequested
from castro_spark.streaming.microbatch.linger import Linger
from castro_spark.streaming.microbatch.progress import BatchReport
from castro_spark.streaming.microbatch.stager import SMALL, Stager, following_topic, up_to_size
from castro_spark.streaming.start import compare_checkpoint, first_start, next_start
from castro_spark.streaming.topic.ends import TopicEnds
from castro_spark.streaming.topic.watch import TopicWatch
from castro_spark.streams.declaration import StreamDeclaration

_CHECK_SECONDS = 0.5
_SETTLE_SECONDS = 5.0


def run_stream(
    spark: SparkSession,
    settings: Settings,
    stream: StreamDeclaration,
    state: StreamState,
    *,
    available_now: bool,
    accept_new_topic: bool,
    accept_lost_records: bool,
    stopping: Event,
    report: Callable[[BatchReport], None],
) -> None:
    """Runs the stream until `stopping` is set, or with `available_now` up to the topic's current end.

    The first run of a process claims the stream; later runs continue under that epoch. Raises the error that ended the
    run: a CastroError with a remedy, or Spark's own exception.
    """
    stream = configured(stream, settings)
    with following_topic(settings, stream) as followed:
        ledger, checkpoint = _start(
            spark, settings, stream, state, followed,
            accept_new_topic=accept_new_topic, accept_lost_records=accept_lost_records, stopping=stopping,
        )  # fmt: skip
        _run_to_its_end(
            spark, settings, stream, state, ledger, checkpoint, followed,
            available_now=available_now, stopping=stopping, report=report,
        )  # fmt: skip


def _start(
    spark: SparkSession,
    settings: Settings,
    stream: StreamDeclaration,
    state: StreamState,
    followed: FollowedTopic | None,
    *,
    accept_new_topic: bool,
    accept_lost_records: bool,
    stopping: Event,
) -> tuple[Ledger, str]:
    """Claims the stream, or resumes an earlier claim; returns the ledger and the path of a new checkpoint."""
    checkpoints = Checkpoints(settings.checkpoint_dir, stream.name)
    if state.epoch is None:
        Stager(spark, settings, stream, followed, generation=0).rehearse()
        ledger, topic_state = first_start(
            spark, settings, stream, accept_new_topic=accept_new_topic, accept_lost_records=accept_lost_records,
            stopping=stopping,
        )  # fmt: skip
        state.claimed(ledger.epoch)
        compare_checkpoint(spark, checkpoints, ledger)
    else:
        ledger, topic_state = next_start(spark, settings, stream, state.epoch, stopping)
    state.component.saw_topic(topic_state.id, topic_state.ends)
    checkpoint = checkpoints.new(ledger.epoch)
    checkpoints.remove_older(spark, checkpoint)
    return ledger, checkpoint


def _run_to_its_end(
    spark: SparkSession,
    settings: Settings,
    stream: StreamDeclaration,
    state: StreamState,
    ledger: Ledger,
    checkpoint: str,
    followed: FollowedTopic | None,
    *,
    available_now: bool,
    stopping: Event,
    report: Callable[[BatchReport], None],
) -> None:
    def committed(batch: BatchReport) -> None:
        state.committed(batch.revision, batch.stages(), batch.batch_id)
        report(batch)

    with (
        closing(TopicWatch(spark, settings.kafka, stream, ledger, stopping)) as topic,
        closing(TopicEnds(spark, settings.kafka, stream.topic, state.component)) as ends,
    ):

        def going(writer: BatchWriter) -> None:
            state.going()
            if (looked := ends.look()) is not None:
                topic.saw(looked.topic_id)
                writer.saw_ends(looked.ends)
            elif ends.unanswered:
                writer.brokers_silent()

        try:
            _run(
                spark, settings, stream, ledger, checkpoint, topic, followed,
                available_now=available_now, stopping=stopping, report=committed, going=going,
            )  # fmt: skip
        except (PySparkException, Py4JJavaError) as error:
            # A reader on an executor was refused: its error is within Spark's.
            where = f"Kafka at {settings.kafka.bootstrap_servers}, topic {stream.topic}"
            raise refusal(str(error), where) or error from error


def _run(
    spark: SparkSession,
    settings: Settings,
    stream: StreamDeclaration,
    ledger: Ledger,
    checkpoint: str,
    topic: TopicWatch,
    followed: FollowedTopic | None,
    *,
    available_now: bool,
    stopping: Event,
    report: Callable[[BatchReport], None],
    going: Callable[[BatchWriter], None],
) -> None:
    log = OffsetLog(spark, checkpoint)

    def ends_of_batch(batch_id: int) -> dict[int, int]:
        ends = log.of_batch(batch_id, stream.topic)
        if ends is None:
            raise CheckpointLost(
                f"the checkpoint {checkpoint} does not have the offsets of batch {batch_id}: was the folder removed"
                " while the stream ran?",
                "nothing: the stream restarts at the ledger's offsets, with a new checkpoint",
            )
        return ends

    most = stream_settings(stream, settings).max_offsets_per_trigger or settings.streaming.max_offsets_per_trigger
    writer = BatchWriter(
        settings, stream, ledger, ends_of_batch, report, stopping, topic.confirm, topic.confirm_ends, followed,
        Linger(None if available_now else followed, stopping, most),
    )  # fmt: skip
    try:
        writer.begin()
        session = session_of_query(spark, checkpoint)
        records = read_stream(session, settings.kafka, stream.topic, ledger.positions, most)
        raised: list[BaseException] = []

        def write(batch: DataFrame, batch_id: int) -> None:
            try:
                writer(batch, batch_id)
            except BaseException as error:
                raised.append(error)  # Spark wraps the exception: keep the original
                raise

        # Batches run back to back; until the first one, Spark sleeps this long between two polls for new offsets.
        session.conf.set("spark.sql.streaming.pollingDelay", f"{settings.streaming.idle_poll_milliseconds}ms")
        query = (
            # Little more than the scan: Spark plans every micro-batch again, and planning time grows with the plan.
            (records if followed else up_to_size(records, SMALL))
            .writeStream.queryName(stream.name)
            .option("checkpointLocation", checkpoint)
            .trigger(**({"availableNow": True} if available_now else {"processingTime": "0 seconds"}))
            .foreachBatch(write)
            .start()
        )

        def check() -> None:
            going(writer)
            writer.idle()
            topic.look()

        _follow(query, writer, stopping, raised, check)
    finally:
        writer.close()


def session_of_query(spark: SparkSession, checkpoint: str) -> SparkSession:
    """A session for a query of small micro-batches: to plan one, and to write it down, takes longer than to run it."""
    session = spark.newSession()
    session.conf.set("spark.sql.codegen.wholeStage", "false")
    for name, value in writing_settings(spark, checkpoint).items():
        session.conf.set(name, value)
    return session


def _follow(
    query: StreamingQuery, writer: BatchWriter, stopping: Event, raised: list[BaseException], check: Callable[[], None]
) -> None:
    try:
        while query.isActive and not stopping.wait(_CHECK_SECONDS):
            check()
        writer.drain()  # the current batch ends; the next one raises StopRequested
    finally:
        writer.wait_no_more()  # else Spark waits for it
        if query.isActive:
            deadline = time.monotonic() + _SETTLE_SECONDS
            while query.isActive and query.status["isTriggerActive"] and time.monotonic() < deadline:
                time.sleep(0.05)  # until Spark has written the batch to its commit log
            query.stop()
    if raised and not isinstance(raised[0], StopRequested):
        raise raised[0]
    if query.exception() is not None and not stopping.is_set():
        raise query.exception() or AssertionError
