"""Checks that the topic that a stream reads is still the topic of its ledger.

Offsets alone cannot show this: if a topic is deleted and created again with more records than before, reading continues
in the middle of the new one. So the topic's id is requested after a batch's records are read and before they are
committed. If it equals the ledger's id, the records are of that topic, because a topic id is never reused.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from contextlib import suppress
from threading import Event, Lock

from pyspark.sql import SparkSession

from castro_spark.errors import KafkaUnavailable, TopicMissing, first_line
from castro_spark.sections.servers import KafkaSettings
from castro_spark.sinks.postgres.commit.ledger import Ledger
from castro_spark.sources.kafka.topics import TopicClient
from castro_spark.streaming.microbatch.batches import StopRequested
from castro_spark.streaming.start import check_ends, check_topic
from castro_spark.streaming.topic.ends import IDLE_SECONDS
from castro_spark.streams.declaration import StreamDeclaration

log = logging.getLogger(__name__)
_CHECK_SECONDS = IDLE_SECONDS + 1  # TopicEnds asks for the id as well: while it gets answers, this need not
_PATIENCE_SECONDS = 20.0
_LONGEST_WAIT = 2.0


class TopicWatch:
    """Requests the topic's id on a connection that stays open. Thread-safe."""

    def __init__(
        self, spark: SparkSession, settings: KafkaSettings, stream: StreamDeclaration, ledger: Ledger, stopping: Event
    ) -> None:
        self._stream = stream
        self._ledger = ledger
        self._stopping = stopping
        self._identity = TopicClient(spark, settings, stream.topic)
        self._lock = Lock()
        self._asked = time.monotonic()

    def confirm(self) -> None:
        """Raises TopicRecreated unless the topic is still the ledger's.

        Retries for _PATIENCE_SECONDS. A batch that cannot be confirmed by then, or once the stream is to stop
        (StopRequested), is not committed: the next start reads it again.
        """
        deadline = time.monotonic() + _PATIENCE_SECONDS
        wait = 0.1
        while True:
            try:
                return self._ask()
            except (KafkaUnavailable, TopicMissing) as error:
                # A topic may be missing briefly: a broker that is starting does not know it yet.
                if time.monotonic() > deadline:
                    raise
                log.warning("stream %s: a batch waits to be committed: %s", self._stream.name, first_line(error))
                if self._stopping.wait(wait):
                    raise StopRequested(f"stream {self._stream.name} was asked to stop") from error
                wait = min(2 * wait, _LONGEST_WAIT)

    def confirm_ends(self, positions: Mapping[int, int]) -> None:
        """Raises OffsetsBeyondEnd if the topic ends before these positions: brokers have lost records that were read.

        New records then get offsets that were read already. Raises KafkaUnavailable, too: the next start asks again.
        """
        with self._lock:
            topic_id, ends = self._identity.ends()
        self.saw(topic_id)
        check_ends(self._stream.topic, positions, ends)

    def look(self) -> None:
        """The same check at intervals, for an idle stream; tolerates KafkaUnavailable."""
        if time.monotonic() - self._asked > _CHECK_SECONDS:
            with suppress(KafkaUnavailable):
                self._ask()

    def saw(self, topic_id: str) -> None:
        """The same check with what somebody else has just asked."""
        self._asked = time.monotonic()
        check_topic(self._ledger, self._stream, topic_id)

    def close(self) -> None:
        self._identity.close()

    def _ask(self) -> None:
        with self._lock:
            self._asked = time.monotonic()
            check_topic(self._ledger, self._stream, self._identity.now())
