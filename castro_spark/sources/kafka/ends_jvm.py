"""The same as ends.py, by Kafka's own client in Spark's JVM: with Kerberos and Java's keystores."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from pyspark.sql import SparkSession

from castro_spark.sections.servers import KafkaSettings
from castro_spark.sources.kafka.ends import Newest, TopicEnds, instant
from castro_spark.sources.kafka.topics import Admin


class JvmTopics:
    """Topics by Kafka's AdminClient, a new one for each call."""

    def __init__(self, spark: SparkSession, settings: KafkaSettings) -> None:
        self._spark = spark
        self._settings = settings
        context: Any = spark.sparkContext
        self._specs = context._jvm.org.apache.kafka.clients.admin.OffsetSpec

    def ends(self, topic: str) -> TopicEnds:
        with Admin(self._spark, self._settings) as admin:
            state, committed = admin.state(topic), admin.state(topic, committed=True)
            newest = admin.listed(topic, list(state.ends), self._specs.maxTimestamp())
        times = {p: Newest(i.offset(), instant(i.timestamp())) for p, i in newest.items() if i.offset() >= 0}
        return TopicEnds(state.id, state.beginnings, state.ends, committed.ends, times)

    def offsets_at(self, topic: str, partitions: list[int], at: datetime) -> dict[int, int]:
        millis = int(at.astimezone(timezone.utc).timestamp() * 1000)
        with Admin(self._spark, self._settings) as admin:
            listed = admin.listed(topic, partitions, self._specs.forTimestamp(millis))
        return {p: info.offset() for p, info in listed.items() if info.offset() >= 0}
