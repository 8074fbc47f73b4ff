"""Looks at a topic's end every few seconds, for the heartbeat: `status` reports the lag from it without asking Kafka.

It has a connection of its own, and runs in the thread that waits for the query: no commit waits for it.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass

from pyspark.sql import SparkSession

from castro_spark.errors import SourceError
from castro_spark.process.component import Component
from castro_spark.sections.servers import KafkaSettings
from castro_spark.sources.kafka.topics import TopicClient

_LOOK_SECONDS = 5.0
IDLE_SECONDS = 10.0  # while the topic does not grow: each look is some thirty calls of the JVM
_PAUSE_SECONDS = 60.0  # after a failure: the query itself reports unavailable brokers


@dataclass(frozen=True)
class Looked:
    """What the brokers answered: the topic's id, and each partition's next offset."""

    topic_id: str
    ends: dict[int, int]


class TopicEnds:
    """Tells the component what the brokers answer. `unanswered`: that they did not, when last asked."""

    def __init__(self, spark: SparkSession, settings: KafkaSettings, topic: str, component: Component) -> None:
        self._client = TopicClient(spark, settings, topic)
        self._component = component
        self._seen: dict[int, int] | None = None
        self._next = time.monotonic() + _LOOK_SECONDS  # the start has just asked
        self.unanswered = False

    def look(self) -> Looked | None:
        """Asks, if it is time to. None if it is not, or if the brokers do not answer, which is no error here."""
        if time.monotonic() < self._next:
            return None
        self._next = time.monotonic() + _PAUSE_SECONDS
        self.unanswered = True
        with suppress(SourceError):
            topic_id, ends = self._client.ends()
            self.unanswered = False
            self._component.saw_topic(topic_id, ends)
            self._next = time.monotonic() + (IDLE_SECONDS if ends == self._seen else _LOOK_SECONDS)
            self._seen = ends
            return Looked(topic_id, ends)
        return None

    def close(self) -> None:
        self._client.close()
