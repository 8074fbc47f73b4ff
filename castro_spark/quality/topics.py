"""How the checks ask Kafka: by librdkafka where it can do what the settings say, else by the client in a JVM."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from pyspark.sql import SparkSession

from castro_spark.settings import Settings
from castro_spark.sources.kafka.ends import NativeTopics, NotNative, TopicEnds, Topics
from castro_spark.sources.kafka.ends_jvm import JvmTopics

log = logging.getLogger(__name__)


class LazyTopics:
    """Opens the client with the first question: a run without Kafka's checks needs none. `session` starts a JVM."""

    def __init__(self, settings: Settings, session: Callable[[], SparkSession]) -> None:
        self._settings = settings
        self._session = session
        self._topics: Topics | None = None

    def ends(self, topic: str) -> TopicEnds:
        return self._opened().ends(topic)

    def offsets_at(self, topic: str, partitions: list[int], at: datetime) -> dict[int, int]:
        return self._opened().offsets_at(topic, partitions, at)

    def _opened(self) -> Topics:
        if self._topics is None:
            try:
                self._topics = NativeTopics(self._settings.kafka, self._settings.quality.kafka_options)
            except NotNative as option:
                log.info("Kafka is asked by a JVM: librdkafka has no counterpart of %s (quality.kafka_options)", option)
                self._topics = JvmTopics(self._session(), self._settings.kafka)
        return self._topics
