"""Where a stream begins: the claim or what was claimed before, and the ledger against the topic.

The ledger decides. Each run has a checkpoint of its own that begins at the ledger's offsets; where the last one is not
where the ledger is (PostgreSQL was restored to an earlier time, the process died with a batch under way), that is said.
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
from castro_spark.sinks.postgres.connection import connect, outlast_outages
from castro_spark.sinks.postgres.migrate import check_migrated
from castro_spark.sources.kafka import TopicState, topic_state
from castro_spark.streaming.checkpoint import Checkpoints, check_writable
from castro_spark.streams.declaration import StreamDeclaration

log = logging.getLogger(__name__)


def first_start(
    spark: SparkSession, settings: Settings, stream: StreamDeclaration, *, accept_new_topic: bool, stopping: Event
) -> Ledger:
    """Claims the stream (`stream` as configured) for this process, once it is sure that it can run."""
    state = topic_state(spark, settings.kafka, stream.topic)
    check_writable(spark, settings.checkpoint_dir, "checkpoint_dir")
    for attempt in outlast_outages(settings.streaming.outage_retry_seconds, stopping, starting=True):
        with attempt, closing(connect(settings.postgres, f"castro_spark {stream.name}")) as connection:
            check_migrated(connection, stream)
            # Looked at before the claim, so that one that cannot run fences nobody.
            held = read_ledger(connection, stream.name)
            if held is not None and held.topic_id == state.id:
                check_offsets(held, state)
            ledger = claim(
                connection,
                stream.name,
                topic=stream.topic,
                topic_id=state.id,
                beginnings=state.beginnings,
                writer=f"{socket.gethostname()} pid {os.getpid()}",
                accept_new_topic=accept_new_topic,
            )
    log.info("stream %s: epoch %d, goes on at %s", stream.name, ledger.epoch, ledger.positions)
    return ledger


def next_start(
    spark: SparkSession, settings: Settings, stream: StreamDeclaration, epoch: int, stopping: Event
) -> Ledger:
    """Where the writer of `epoch` goes on after a failure; claims nothing. Raises Fenced, or why it cannot go on."""
    state = topic_state(spark, settings.kafka, stream.topic)
    for attempt in outlast_outages(settings.streaming.outage_retry_seconds, stopping):
        with attempt, closing(connect(settings.postgres, f"castro_spark {stream.name}")) as connection:
            ledger = resume(connection, stream.name, epoch)
    check_topic(ledger, stream, state.id)
    check_offsets(ledger, state)
    log.info("stream %s goes on at %s", stream.name, ledger.positions)
    added = dict.fromkeys(state.ends.keys() - ledger.positions.keys(), 0)  # a partition's records are all new
    return replace(ledger, positions={**ledger.positions, **added})


def check_topic(ledger: Ledger, stream: StreamDeclaration, topic_id: str) -> None:
    """Raises TopicRecreated where the topic now has another id than the ledger's."""
    if topic_id != ledger.topic_id:
        raise TopicRecreated(
            f"topic {stream.topic} has id {topic_id}, but the ledger of stream {stream.name} is about one with id"
            f" {ledger.topic_id}: it was deleted and created again while the stream ran; nothing of the new one is"
            " committed",
            "if the new topic is right, start once with --accept-new-topic: the stream then begins at its beginning;"
            " bring what the old one held unread from the warehouse (backfill)",
        )


def check_offsets(ledger: Ledger, state: TopicState) -> None:
    """Raises where the topic no longer has, or does not have, what the ledger wants next."""
    for partition, position in sorted(ledger.positions.items()):
        where = f"topic {state.topic}, partition {partition}: the ledger wants offset {position}"
        if partition not in state.ends or position > state.ends[partition]:
            end = state.ends.get(partition, "none: there is no such partition")
            raise OffsetsBeyondEnd(
                f"{where}, but the topic ends at {end}",
                "is kafka.bootstrap_servers the right cluster? If the topic lost its records for good, correct"
                " castro.offset_ledger by hand, knowing that lost records are lost",
            )
        if position < state.beginnings[partition]:
            raise OffsetsAgedOut(
                f"{where}, but the topic begins at {state.beginnings[partition]}: records were removed unread",
                "bring the missing period back from the warehouse (backfill), then set castro.offset_ledger to"
                " the topic's beginning; and raise the topic's retention",
            )


def compare_checkpoint(spark: SparkSession, checkpoints: Checkpoints, ledger: Ledger) -> None:
    """Says where the last run's checkpoint is not where the ledger is."""
    last = checkpoints.last(spark)
    if last is None:
        return
    reached = checkpoints.reached(spark, last, ledger.topic)
    if reached is None or any(ledger.positions.get(p) != o for p, o in reached.items()):
        log.warning(
            "the checkpoint %s is at %s, the ledger at %s: the ledger decides, a new checkpoint begins there",
            last, _words(reached), _words(ledger.positions),
        )  # fmt: skip


def _words(positions: Mapping[int, int] | None) -> str:
    return json.dumps(positions) if positions is not None else "nothing"
