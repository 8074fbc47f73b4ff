"""Commits the ledger's offsets to a consumer group in Kafka, so that Kafka's own tools see each stream's lag.

Nobody reads by that group: the ledger in PostgreSQL decides. A thread of its own publishes what is committed there, at
most once a second. No commit waits for it; failures are counted, reported by the heartbeat, and retried.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from contextlib import closing
from threading import Event, Lock, Thread

from pyspark.sql import SparkSession

from castro_spark.errors import first_line
from castro_spark.process.component import Component, State
from castro_spark.process.logs import log_fields
from castro_spark.settings import Settings
from castro_spark.sinks.postgres.commit.ledger import read_ledger
from castro_spark.sinks.postgres.connection import Connection, connect
from castro_spark.sources.kafka.topics import GroupClient
from castro_spark.streams.declaration import StreamDeclaration

log = logging.getLogger(__name__)
_REST_SECONDS = 1.0
_PAUSE_SECONDS = 30.0  # after a failure
_LAST_SECONDS = 5.0  # for what is committed at the end


class GroupOffsets:
    """Context manager: publishes while the block runs, if kafka.ledger_group is set, and once more at its end."""

    def __init__(self, spark: SparkSession, settings: Settings, streams: Sequence[StreamDeclaration]) -> None:
        self._spark = spark
        self._settings = settings
        named = streams if settings.kafka.ledger_group is not None else ()
        self._parts = {stream.name: Component("group_offsets", stream.name) for stream in named}
        self._failures = dict.fromkeys(self._parts, 0)
        self._pause_until = dict.fromkeys(self._parts, 0.0)
        self._waiting = set(self._parts)  # what an earlier process committed, but could not publish
        self._lock = Lock()
        self._wake_up, self._ending = Event(), Event()
        self._thread = Thread(target=self._run, name="castro group offsets", daemon=True)

    @property
    def components(self) -> list[Component]:
        return list(self._parts.values())

    def __enter__(self) -> GroupOffsets:
        if self._parts:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._wake_up.set()
        if self._parts:
            self._thread.join(_LAST_SECONDS)
        for part in self._parts.values():
            part.enter(State.STOPPED)

    def wake(self, stream: str) -> None:
        """Signals that `stream` has committed; returns at once."""
        if stream in self._parts:
            with self._lock:
                self._waiting.add(stream)
            self._wake_up.set()

    def _run(self) -> None:
        with closing(_Publisher(self._spark, self._settings)) as publisher:
            while not self._ending.is_set():
                self._wake_up.wait(_PAUSE_SECONDS)
                self._wake_up.clear()
                self._publish(publisher)
                self._ending.wait(_REST_SECONDS)
            self._publish(publisher)

    def _publish(self, publisher: _Publisher) -> None:
        with self._lock:
            due = {stream for stream in self._waiting if time.monotonic() >= self._pause_until[stream]}
            self._waiting -= due
        for stream in sorted(due):
            with log_fields(stream=stream, part="group_offsets"):
                self._publish_one(publisher, stream)

    def _publish_one(self, publisher: _Publisher, stream: str) -> None:
        part = self._parts[stream]
        try:
            revision = publisher.publish(stream)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is reported and retried
            self._failures[stream] += 1
            self._pause_until[stream] = time.monotonic() + _PAUSE_SECONDS
            with self._lock:
                self._waiting.add(stream)
            if part.state is not State.RESTARTING:
                log.warning(
                    "%s: its offsets are not committed to group %s: %s; the stream goes on, it is retried"
                    " (kafka.ledger_group: null turns it off)",
                    stream, self._settings.kafka.ledger_group, first_line(error),
                )  # fmt: skip
            part.failing("retrying", first_line(error))
            part.progressed(failures=self._failures[stream])
        else:
            part.running()
            part.progressed(revision=revision, failures=self._failures[stream])


class _Publisher:
    """The sessions with PostgreSQL and Kafka. They stay open until an error."""

    def __init__(self, spark: SparkSession, settings: Settings) -> None:
        assert settings.kafka.ledger_group is not None
        self._settings = settings
        self._group = GroupClient(spark, settings.kafka, settings.kafka.ledger_group)
        self._connection: Connection | None = None

    def publish(self, stream: str) -> int | None:
        """Commits the stream's offsets to the group. Returns their revision; None: it was never started."""
        try:
            if self._connection is None:
                self._connection = connect(self._settings.postgres, "castro_spark group offsets")
            ledger = read_ledger(self._connection, stream)
            if ledger is None or not ledger.positions:
                return None
            self._group.commit(ledger.topic, ledger.positions)
        except BaseException:
            self.close()
            raise
        return ledger.revision

    def close(self) -> None:
        self._group.close()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
