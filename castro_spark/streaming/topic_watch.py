"""Whether the topic that a stream reads is still the one of its ledger.

Offsets alone do not tell: of a topic that was deleted and created again, with more records than before, the reading
goes on in the middle. So the topic's id is asked after a batch's records were read and before they are committed; if it
is the ledger's then, the records were of that topic, because a topic's id never comes back.
"""

from __future__ import annotations

import logging
import time
from contextlib import suppress
from threading import Event, Lock

from pyspark.sql import SparkSession

from castro_spark.errors import KafkaUnavailable, TopicMissing, first_line
from castro_spark.servers import KafkaSettings
from castro_spark.sinks.postgres.commit.ledger import Ledger
from castro_spark.sources.kafka import TopicIdentity
from castro_spark.streaming.batches import StopRequested
from castro_spark.streaming.start import check_topic
from castro_spark.streams.declaration import StreamDeclaration

log = logging.getLogger(__name__)
_LOOK_SECONDS = 5.0
_PATIENCE_SECONDS = 20.0
_LONGEST_WAIT = 2.0


class TopicWatch:
    """Asks for the topic's id on a connection that stays open. For use by several threads."""

    def __init__(
        self, spark: SparkSession, settings: KafkaSettings, stream: StreamDeclaration, ledger: Ledger, stopping: Event
    ) -> None:
        self._stream = stream
        self._ledger = ledger
        self._stopping = stopping
        self._identity = TopicIdentity(spark, settings, stream.topic)
        self._lock = Lock()
        self._asked = time.monotonic()

    def confirm(self) -> None:
        """Raises TopicRecreated unless the topic still is the ledger's.

        Waits for an answer for a while. What cannot be confirmed then, or once the stream is to stop (StopRequested),
        is not committed: the next start reads it again.
        """
        deadline = time.monotonic() + _PATIENCE_SECONDS
        wait = 0.1
        while True:
            try:
                return self._ask()
            except (KafkaUnavailable, TopicMissing) as error:
                # A topic may be missing for a moment: a broker that comes up does not know it yet.
                if time.monotonic() > deadline:
                    raise
                log.warning("stream %s: a batch waits to be committed: %s", self._stream.name, first_line(error))
                if self._stopping.wait(wait):
                    raise StopRequested(f"stream {self._stream.name} was asked to stop") from error
                wait = min(2 * wait, _LONGEST_WAIT)

    def look(self) -> None:
        """The same now and then for a stream that nothing comes in for; here Kafka may be away."""
        if time.monotonic() - self._asked > _LOOK_SECONDS:
            with suppress(KafkaUnavailable):
                self._ask()

    def close(self) -> None:
        self._identity.close()

    def _ask(self) -> None:
        with self._lock:
            self._asked = time.monotonic()
            check_topic(self._ledger, self._stream, self._identity.now())
