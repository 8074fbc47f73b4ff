"""The archive of a stream: a loop beside its query that appends the topic's records to a Delta table (sinks/delta).

The archiver is an independent reader with a longer trigger interval; the stream never waits for it. A failure (disk
full, HDFS unavailable) is logged and retried from the table's last commit. The table stores its own offsets, so there
is no checkpoint to lose.
"""

from __future__ import annotations

import logging
import math
import os
import socket
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from threading import Event

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

from castro_spark.errors import ArchiveFailed, OffsetsBeyondEnd, TopicRecreated, in_words
from castro_spark.parse.origin import Source
from castro_spark.process.component import Component
from castro_spark.rules import configured, parse_rules
from castro_spark.settings import Settings
from castro_spark.sinks.delta import Archived, ArchiveTable
from castro_spark.sinks.postgres.commit.ledger import read_ledger
from castro_spark.sinks.postgres.commit.rules.source import fixed_source
from castro_spark.sinks.postgres.connection import connect
from castro_spark.sinks.postgres.exclusive import ExclusiveLock
from castro_spark.sources.kafka.records import read_range
from castro_spark.sources.kafka.topics import TopicState, topic_state
from castro_spark.sources.kafka.untimely import read_untimely, untimely
from castro_spark.streams.declaration import StreamDeclaration

log = logging.getLogger(__name__)
_POOL = "archive"  # conf/fairscheduler.xml
_ROWS_A_TASK = 20_000
_TRIES = 3  # with available_now; a continuous run retries without limit
_LONGEST_WAIT_SECONDS = 60.0
_POLL_SECONDS = 0.5


class Archiver:
    """Archives one stream until `stopping` is set, or with `available_now` up to the topic's current end.

    `stream_ended` is set when the stream's own query has ended; the archiver then no longer waits for its claim.
    """

    def __init__(
        self,
        spark: SparkSession,
        settings: Settings,
        stream: StreamDeclaration,
        component: Component,
        *,
        available_now: bool,
        stopping: Event,
        stream_ended: Event,
    ) -> None:
        self._spark = spark
        self._settings = settings
        self._stream = configured(stream, settings)
        self._component = component
        self._available_now = available_now
        self._stopping = stopping
        self._stream_ended = stream_ended
        self._writer = f"{socket.gethostname()} pid {os.getpid()}"
        self._lock = ExclusiveLock(settings.postgres, "archive", stream.name)
        self._failures = 0
        self._source: Source | None = None

    def run(self) -> None:
        """Raises ArchiveFailed if an `available_now` run fails repeatedly; otherwise logs errors and retries."""
        self._spark.sparkContext.setLocalProperty("spark.scheduler.pool", _POOL)
        while True:
            try:
                self._follow()
            except Exception as error:  # of any kind: the stream continues, the archive retries
                self._failures += 1
                if self._available_now and self._failures >= _TRIES:
                    raise ArchiveFailed(
                        f"the archive of stream {self._stream.name} is not complete: {in_words(error)}",
                        "fix that and run it again: it continues after the table's last commit",
                    ) from error
                self._component.failing("retrying", in_words(error))
                wait = min(2.0**self._failures, _LONGEST_WAIT_SECONDS)
                log.error(
                    "the archive of stream %s: %s; the stream continues, the archive retries in %d s",
                    self._stream.name, in_words(error), wait,
                )  # fmt: skip
                if self._stopping.wait(wait):
                    return
            else:
                return
            finally:
                self._lock.release()

    def _follow(self) -> None:
        if not self._wait_for_lock():
            return
        table = ArchiveTable(self._spark, self._stream, self._settings.archive.folder(self._stream.name))
        state = self._begin(table.read())
        while state is not None and not self._stopping.is_set():
            began = time.monotonic()
            self._lock.check()
            topic = topic_state(self._spark, self._settings.kafka, self._stream.topic, committed=True)
            self._component.saw_topic(topic.id, topic.ends)
            state = reach(state, topic)
            self._report(state)
            ends = cut(state.positions, topic.ends, self._settings.archive.max_offsets_per_trigger)
            if ends:
                state = self._append(table, state, ends)
            self._report(state)
            self._component.running()  # not before: a failing archive would seem to work at each new try
            self._failures = 0
            if state.number and self._is_due(state):
                state = self._maintain(table, state)
            if all(state.positions[p] >= end for p, end in topic.ends.items()):
                if self._available_now:
                    return
                self._stopping.wait(self._settings.archive.trigger_seconds - (time.monotonic() - began))

    def _report(self, state: Archived) -> None:
        lost = {str(p): n for p, n in state.lost.items()}
        self._component.progressed(positions=state.positions, archived_at=state.archived_at, lost=lost)

    def _wait_for_lock(self) -> bool:
        """Waits until no other process archives this stream. Returns False if asked to stop."""
        warned = False
        deadline = time.monotonic() + _LONGEST_WAIT_SECONDS
        while not self._lock.take():
            if not warned:
                log.warning("stream %s is archived by another process: this one waits", self._stream.name)
            warned = True
            if self._available_now and time.monotonic() > deadline:
                raise ArchiveFailed("another process archives this stream", "let one instance run")
            if self._stopping.wait(_POLL_SECONDS):
                return False
        return True

    def _begin(self, stored: Archived | None) -> Archived | None:
        """The table's state from which this run continues; None if asked to stop.

        The ledger defines the topic's generation, so this waits for the stream's own claim.
        """
        while not self._stopping.is_set():
            topic = topic_state(self._spark, self._settings.kafka, self._stream.topic)
            stream_ended = self._stream_ended.is_set()  # read before the ledger
            with closing(connect(self._settings.postgres, f"castro_spark {self._stream.name} archive")) as connection:
                ledger = read_ledger(connection, self._stream.name)
                with connection:
                    self._source = fixed_source(connection, self._stream.name)
            if ledger is not None and ledger.topic_id == topic.id:
                return begin(stored, topic, ledger.generation, self._writer)
            if stream_ended:
                raise TopicRecreated(
                    f"topic {topic.topic} has id {topic.id}, but the ledger of stream {self._stream.name} has another"
                    " topic id",
                    "start the stream; what it reports about its topic applies to the archive too",
                )
            self._stopping.wait(_POLL_SECONDS)
        return None

    def _append(self, table: ArchiveTable, state: Archived, ends: Mapping[int, int]) -> Archived:
        try:
            return self._append_records(table, state, ends)
        except (PySparkException, Py4JError) as error:
            unreadable = untimely(error)
            if unreadable is None:
                raise
        partition, offset = unreadable
        if offset > state.positions[partition]:  # first the records before it
            return self._append(table, state, {**ends, partition: offset})
        kafka, topic = self._settings.kafka, self._stream.topic
        rows = read_untimely(table.session, kafka, topic, partition, offset, ends[partition])
        last = rows.column("offset")[-1].as_py()
        return self._append_records(table, state, {partition: last + 1}, table.session.createDataFrame(rows))

    def _append_records(
        self, table: ArchiveTable, state: Archived, ends: Mapping[int, int], records: DataFrame | None = None
    ) -> Archived:
        rules = parse_rules(self._stream, self._settings, state.generation, source=self._source)
        offsets = sum(end - state.positions[p] for p, end in ends.items())
        tasks = min(math.ceil(offsets / _ROWS_A_TASK), self._settings.archive.parallel_tasks)
        if records is None:
            records = read_range(
                table.session, self._settings.kafka, self._stream.topic, state.positions, ends,
                reader=f"castro-archive-{self._stream.name}", rows_a_task=_ROWS_A_TASK,
            )  # fmt: skip
        now = rules.now.isoformat()
        after = replace(
            state,
            positions={**state.positions, **ends},
            archived_at=now,
            maintained_at=state.maintained_at or now,
            writer=self._writer,
        )
        began = time.monotonic()
        after = table.append(records, tasks, rules, after)
        seconds = time.monotonic() - began
        self._component.progressed(stages={"appended": seconds})
        log.info("stream %s: %d offsets archived in %.1f s", self._stream.name, offsets, seconds)
        return after

    def _is_due(self, state: Archived) -> bool:
        last = datetime.fromisoformat(state.maintained_at) if state.maintained_at else None
        pause = timedelta(minutes=self._settings.archive.maintenance_minutes)
        return last is None or datetime.now(timezone.utc) - last >= pause

    def _maintain(self, table: ArchiveTable, state: Archived) -> Archived:
        """Compaction, retention and vacuum. Their commits carry the offsets forward; a failure only delays them."""
        conf = self._settings.archive
        now = datetime.now(timezone.utc)
        state = replace(state, maintained_at=now.isoformat())
        today = now.astimezone(self._settings.zone).date()
        if conf.retention_days is not None:
            table.forget(today - timedelta(days=conf.retention_days - 1), state)
        table.compact(today, conf.compact_files, state)
        table.vacuum(conf.vacuum_hours, state)
        return state


def begin(stored: Archived | None, topic: TopicState, generation: int, writer: str) -> Archived:
    """The table's state from which a writer continues. A new generation of the topic, or a new table, has no positions.

    Raises TopicRecreated if the table has another topic id under the same or a later generation.
    """
    if stored is not None and stored.topic_id == topic.id:
        positions = stored.positions
        if generation > stored.generation:  # the topic lost its newest records, and uses their offsets again
            positions = {p: min(position, topic.ends.get(p, 0)) for p, position in positions.items()}
        return replace(stored, topic=topic.topic, generation=generation, writer=writer, positions=positions)
    if stored is not None and stored.generation >= generation:
        raise TopicRecreated(
            f"the archive holds topic {stored.topic} with id {stored.topic_id}, generation {stored.generation}; now"
            f" topic {topic.topic} has id {topic.id}, which is generation {generation} in the ledger",
            "is it the right archive.dir for these brokers and this database? Name a new folder otherwise",
        )
    if stored is None:
        return Archived(topic.topic, topic.id, generation, writer=writer)
    return replace(
        stored, topic=topic.topic, topic_id=topic.id, generation=generation, writer=writer, positions={}, lost={}
    )


def reach(state: Archived, topic: TopicState) -> Archived:
    """The state with a readable position in each of the topic's partitions.

    Records that aged out before they were archived are gone, and stopping would lose more. They are logged as an
    error and counted in `lost`; archiving continues at the topic's beginning.
    """
    if topic.id != state.topic_id:
        raise TopicRecreated(
            f"topic {topic.topic} has id {topic.id}, the archive holds the topic with id {state.topic_id}",
            "start the stream; what it reports about its topic applies to the archive too",
        )
    positions, lost = dict(state.positions), dict(state.lost)
    for partition, beginning in topic.beginnings.items():
        # A partition added to a known topic is read from 0: all its records are new.
        position = positions.get(partition, 0 if state.positions else beginning)
        if position > topic.ends[partition]:
            raise OffsetsBeyondEnd(
                f"topic {topic.topic}, partition {partition}: the archive continues at offset {position}, but the topic"
                f" ends at {topic.ends[partition]}",
                "is kafka.bootstrap_servers the right cluster? If the topic lost its records for good, name another"
                " folder in archive.dir",
            )
        if position < beginning:
            log.error(
                "topic %s, partition %d: offsets %d to %d aged out before they were archived: THEY ARE LOST to the"
                " archive, which continues at %d. Raise the topic's retention",
                topic.topic, partition, position, beginning - 1, beginning,
            )  # fmt: skip
            lost[partition] = lost.get(partition, 0) + beginning - position
        positions[partition] = max(position, beginning)
    return replace(state, positions=positions, lost=lost)


def cut(starts: Mapping[int, int], ends: Mapping[int, int], most: int) -> dict[int, int]:
    """End offsets of a batch of about `most` offsets, by partition: a proportional share of each with new records."""
    new = {p: end - starts[p] for p, end in ends.items() if end > starts[p]}
    total = sum(new.values())
    share = min(1.0, most / total) if total else 1.0
    return {p: starts[p] + math.ceil(n * share) for p, n in new.items()}
