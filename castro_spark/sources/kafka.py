"""Kafka as a source: the topic's state, and its records, as a streaming DataFrame or a range of them.

One set of client options (settings.kafka) serves Spark's connector and the administration calls alike: both
run on the Kafka client in Spark's JVM, so whatever security the cluster asks for is configured once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.sql import DataFrame, SparkSession

from castro_spark.errors import SourceError, TopicMissing
from castro_spark.settings import KafkaSettings
from castro_spark.sources.kafka_options import admin_options, reader_options

_TIMEOUT_MS = "15000"
# How Spark's consumers fetch; settings.kafka.options wins. After each poll Spark asks for the partition's bounds, on
# the same connection, which the broker answers in order: so fewer and larger polls, and a short wait, since that
# question else waits for a fetch sent ahead to find records or time out (by default for half a second).
_FETCHES = {"fetch.max.wait.ms": "5", "max.poll.records": "10000", "max.partition.fetch.bytes": str(4 << 20)}


@dataclass(frozen=True)
class TopicState:
    """A topic as the brokers tell it: its id, and each partition's first and next offset."""

    topic: str
    id: str
    beginnings: dict[int, int]
    ends: dict[int, int]


def read_stream(
    spark: SparkSession, settings: KafkaSettings, topic: str, start: Mapping[int, int], max_offsets: int
) -> DataFrame:
    """The topic's records from `start` on, as Spark's Kafka columns.

    `start` only counts for a new checkpoint. Committed transactions only; lost data is an error, not a
    warning; `max_offsets` bounds a batch.
    """
    return (
        spark.readStream.format("kafka")
        .options(**{f"kafka.{name}": value for name, value in (_FETCHES | reader_options(spark, settings)).items()})
        .option("subscribe", topic)
        .option("startingOffsets", json.dumps({topic: {str(p): o for p, o in start.items()}}))
        .option("maxOffsetsPerTrigger", max_offsets)
        .option("failOnDataLoss", "true")
        .option("kafka.isolation.level", "read_committed")
        .load()
    )


def read_range(
    spark: SparkSession, settings: KafkaSettings, topic: str, starts: Mapping[int, int], ends: Mapping[int, int],
    rows_a_task: int,
) -> DataFrame:
    """The topic's records from `starts` up to `ends` (exclusive, of every partition named there), headers included.

    Committed transactions only; lost data is an error, not a warning.
    """  # fmt: skip
    return (
        spark.read.format("kafka")
        .options(**{f"kafka.{name}": value for name, value in (_FETCHES | reader_options(spark, settings)).items()})
        .option("assign", json.dumps({topic: sorted(ends)}))
        .option("startingOffsets", json.dumps({topic: {str(p): starts[p] for p in ends}}))
        .option("endingOffsets", json.dumps({topic: {str(p): o for p, o in ends.items()}}))
        .option("includeHeaders", "true")
        .option("maxRecordsPerPartition", rows_a_task)
        .option("failOnDataLoss", "true")
        .option("kafka.isolation.level", "read_committed")
        .load()
    )


def topic_state(
    spark: SparkSession, settings: KafkaSettings, topic: str, *, committed: bool = False
) -> TopicState:
    """Asks the brokers; raises TopicMissing, or SourceError where they cannot be reached.

    `committed`: the ends are where a reader of committed transactions gets to now, before those still open.
    """
    with _Admin(spark, settings) as admin:
        return admin.state(topic, committed=committed)


def create_topic(
    spark: SparkSession, settings: KafkaSettings, topic: str, partitions: int
) -> bool:
    """Creates the topic unless it exists, replicated as the brokers do by default; returns whether it did."""
    with _Admin(spark, settings) as admin:
        try:
            admin.state(topic)
        except TopicMissing:
            admin.create(topic, partitions)
            return True
        return False


class _Admin:
    """Kafka's AdminClient in Spark's JVM, through py4j."""

    def __init__(self, spark: SparkSession, settings: KafkaSettings) -> None:
        context: Any = spark.sparkContext
        self._jvm = context._jvm
        self._servers = settings.bootstrap_servers
        self._kafka: Any = self._jvm.org.apache.kafka
        properties = self._jvm.java.util.Properties()
        options = {"request.timeout.ms": _TIMEOUT_MS, "default.api.timeout.ms": _TIMEOUT_MS}
        for name, value in {**options, **admin_options(settings)}.items():
            properties.setProperty(name, value)
        self._client: Any = self._kafka.clients.admin.AdminClient.create(properties)

    def __enter__(self) -> _Admin:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def state(self, topic: str, *, committed: bool = False) -> TopicState:
        names = self._jvm.java.util.ArrayList()
        names.add(topic)
        described = self._get(self._client.describeTopics(names).allTopicNames(), topic).get(topic)
        partitions = [info.partition() for info in described.partitions()]
        specs = self._kafka.clients.admin.OffsetSpec
        return TopicState(
            topic,
            described.topicId().toString(),
            self._offsets(topic, partitions, specs.earliest(), committed),
            self._offsets(topic, partitions, specs.latest(), committed),
        )

    def create(self, topic: str, partitions: int) -> None:
        optional = self._jvm.java.util.Optional
        new = self._jvm.java.util.ArrayList()
        new.add(self._kafka.clients.admin.NewTopic(topic, optional.of(partitions), optional.empty()))
        self._get(self._client.createTopics(new).all(), topic)

    def _offsets(self, topic: str, partitions: list[int], spec: Any, committed: bool) -> dict[int, int]:
        asked = self._jvm.java.util.HashMap()
        keys = {p: self._kafka.common.TopicPartition(topic, p) for p in partitions}
        for key in keys.values():
            asked.put(key, spec)
        levels = self._kafka.common.IsolationLevel
        level = levels.READ_COMMITTED if committed else levels.READ_UNCOMMITTED
        options = self._kafka.clients.admin.ListOffsetsOptions(level)
        found = self._get(self._client.listOffsets(asked, options).all(), topic)
        return {p: found.get(key).offset() for p, key in keys.items()}

    def _get(self, future: Any, topic: str) -> Any:
        try:
            return future.get()
        except Py4JJavaError as error:
            words = str(error.java_exception.getMessage())
            if "UnknownTopicOrPartition" in words:
                raise TopicMissing(
                    f"there is no topic {topic} at {self._servers}",
                    "create it: ./spark-submit.sh migrate (or ask who runs the brokers)",
                ) from None
            raise SourceError(
                f"Kafka at {self._servers}, topic {topic}: {words}",
                "check kafka.bootstrap_servers, its security options, and that the brokers run",
            ) from None
