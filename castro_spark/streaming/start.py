"""Determines where a stream starts: claims it, or resumes an earlier claim, and checks the ledger against the topic.

The ledger is authoritative. Each run has its own checkpoint that starts at the ledger's offsets. Where the last one
differs from the ledger, the log says so.
"""

from __future__ import annotations

import json
import logging
import os
import socket
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from threading import Event

from pyspark.sql import SparkSession

from castro_spark.errors import OffsetsAgedOut, OffsetsBeyondEnd, TopicRecreated
from castro_spark.settings import Settings
from castro_spark.sinks.postgres.commit.ledger import Ledger, claim, read_ledger, resume
from castro_spark.sinks.postgres.commit.lost import accept_lost
from castro_spark.sinks.postgres.connection import connect, outlast_outages
from castro_spark.sinks.postgres.schema.migrate import check_migrated
from castro_spark.sources.kafka.topics import TopicState, topic_state
from castro_spark.streaming.checkpoint import Checkpoints, check_writable
from castro_spark.streams.declaration import StreamDeclaration

log = logging.getLogger(__name__)


def first_start(
    spark: SparkSession, settings: Settings, stream: StreamDeclaration, *, accept_new_topic: bool,
    accept_lost_records: bool, stopping: Event,
) -> tuple[Ledger, TopicState]:
    """Claims the stream (`stream` as configured) for this process, after it has checked that the stream can run.

    Returns the ledger, and the topic as it was asked for that.
    """
    state = topic_state(spark, settings.kafka, stream.topic)
    check_writable(spark, settings.checkpoint_dir, "checkpoint_dir")
    for attempt in outlast_outages(settings.streaming.outage_retry_seconds, stopping, starting=True):
        with attempt, closing(connect(settings.postgres, f"castro_spark {stream.name}")) as connection:
            check_migrated(connection, stream)
            # Validated before the claim, so that a failed start does not fence the running writer.
            current = read_ledger(connection, stream.name)
            if current is not None and current.topic_id == state.id and not accept_lost_records:
                check_offsets(current, state)
            ledger = claim(
                connection,
                stream.name,
                topic=stream.topic,
                topic_id=state.id,
                beginnings=state.beginnings,
                writer=f"{socket.gethostname()} pid {os.getpid()}",
                accept_new_topic=accept_new_topic,
            )
            if accept_lost_records:
                ledger = accept_lost(connection, stream.name, ledger.epoch, state.beginnings, state.ends)
    log.info("stream %s: epoch %d, continues at %s", stream.name, ledger.epoch, ledger.positions)
    return ledger, state


def next_start(
    spark: SparkSession, settings: Settings, stream: StreamDeclaration, epoch: int, stopping: Event
) -> tuple[Ledger, TopicState]:
    """The ledger from which the writer of `epoch` continues after a failure, and the topic. Claims nothing.

    Raises Fenced if another writer has claimed the stream, or the error of the offset and topic checks.
    """
    state = topic_state(spark, settings.kafka, stream.topic)
    for attempt in outlast_outages(settings.streaming.outage_retry_seconds, stopping):
        with attempt, closing(connect(settings.postgres, f"castro_spark {stream.name}")) as connection:
            ledger = resume(connection, stream.name, epoch)
    check_topic(ledger, stream, state.id)
    check_offsets(ledger, state)
    log.info("stream %s continues at %s", stream.name, ledger.positions)
    added = dict.fromkeys(state.ends.keys() - ledger.positions.keys(), 0)  # added partitions: all records are new
    return replace(ledger, positions={**ledger.positions, **added}), state


def check_topic(ledger: Ledger, stream: StreamDeclaration, topic_id: str) -> None:
    """Raises TopicRecreated if the topic's id differs from the ledger's."""
    if topic_id != ledger.topic_id:
        raise TopicRecreated(
            f"topic {stream.topic} has id {topic_id}, but the ledger of stream {stream.name} has topic id"
            f" {ledger.topic_id}: the topic was deleted and created again while the stream ran; nothing of the new"
            " topic is committed",
            "if the new topic is right, start once with --accept-new-topic: the stream then starts at its beginning;"
            " restore unread records of the old topic from the warehouse (backfill)",
        )


def check_offsets(ledger: Ledger, state: TopicState) -> None:
    """Raises OffsetsAgedOut or OffsetsBeyondEnd if the ledger's next offset is not in the topic."""
    check_ends(state.topic, ledger.positions, state.ends)
    for partition, position in sorted(ledger.positions.items()):
        where = f"topic {state.topic}, partition {partition}: the ledger continues at offset {position}"
        if position < state.beginnings[partition]:
            raise OffsetsAgedOut(
                f"{where}, but the topic begins at {state.beginnings[partition]}: records were removed unread",
                "start once with --accept-lost-records: the stream continues at the topic's beginning and counts what"
                " is lost; then restore that period from the warehouse or the archive (backfill), and raise the topic's"
                " retention",
            )


def check_ends(topic: str, positions: Mapping[int, int], ends: Mapping[int, int]) -> None:
    """Raises OffsetsBeyondEnd if a partition ends before the ledger's position."""
    for partition, position in sorted(positions.items()):
        if partition not in ends or position > ends[partition]:
            end = ends.get(partition, "none: there is no such partition")
            raise OffsetsBeyondEnd(
                f"topic {topic}, partition {partition}: the ledger continues at offset {position}, but the topic ends"
                f" at {end}",
                "is kafka.bootstrap_servers the right cluster? If the topic lost these records for good, start once"
                " with --accept-lost-records: the stream continues at the topic's end; what it had read stays",
            )


def compare_checkpoint(spark: SparkSession, checkpoints: Checkpoints, ledger: Ledger) -> None:
    """Logs if the last run's checkpoint differs from the ledger: a warning if the ledger is behind it."""
    last = checkpoints.last(spark)
    if last is None:
        return
    reached = checkpoints.reached(spark, last, ledger.topic)
    if reached is None or any(ledger.positions.get(p) != o for p, o in reached.items()):
        # Behind: PostgreSQL was restored to an earlier time. Ahead is usual: a micro-batch went on (linger.py), or the
        # process died in one.
        ahead = all(ledger.positions.get(p, 0) >= o for p, o in (reached or {}).items())
        log.log(
            logging.INFO if ahead else logging.WARNING,
            "the checkpoint %s is at %s, the ledger at %s: the ledger decides, a new checkpoint begins there",
            last, _text(reached), _text(ledger.positions),
        )  # fmt: skip


def _text(positions: Mapping[int, int] | None) -> str:
    return json.dumps(positions) if positions is not None else "nothing"
