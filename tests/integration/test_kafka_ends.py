"""What brokers know of a topic, by librdkafka and by the client in a JVM: the same answers, without reading a record."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from confluent_kafka import Producer
from pyspark.sql import SparkSession

from castro_spark.errors import KafkaUnavailable, TopicMissing
from castro_spark.local import Stack
from castro_spark.settings import Settings, load_settings
from castro_spark.sources.kafka import topic_state
from castro_spark.sources.kafka_ends import NativeTopics, Newest, Topics
from castro_spark.sources.kafka_ends_jvm import JvmTopics
from tests.system import PARTITIONS, System

NOON = datetime(2026, 3, 12, 12, tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def topic(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> System:
    """Partition 0: a record a minute, the last one in an open transaction; partition 1: one of a wrong clock, and a later
    one; partition 2: none."""
    system = System(stack, Path(tmp_path_factory.mktemp("ends")))
    system.create_topics()
    servers = system.env["CASTRO_KAFKA_BOOTSTRAP_SERVERS"]
    plain = Producer({"bootstrap.servers": servers})
    for minutes in range(4):
        plain.produce(system.topic, b"{}", partition=0, timestamp=_ms(NOON + timedelta(minutes=minutes)))
    plain.produce(system.topic, b"{}", partition=1, timestamp=_ms(NOON + timedelta(days=300)))
    plain.produce(system.topic, b"{}", partition=1, timestamp=_ms(NOON))
    plain.flush(30)
    system.open = Producer({"bootstrap.servers": servers, "transactional.id": system.topic})  # type: ignore[attr-defined]
    system.open.init_transactions(30)  # type: ignore[attr-defined]
    system.open.begin_transaction()  # type: ignore[attr-defined]
    system.open.produce(system.topic, b"{}", partition=0, timestamp=_ms(NOON + timedelta(minutes=9)))  # type: ignore[attr-defined]
    system.open.flush(30)  # type: ignore[attr-defined]
    return system


def _ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


def _settings(system: System) -> Settings:
    return load_settings(conf_file=system.conf, environ=system.env)


@pytest.mark.parametrize("by_jvm", [False, True])
def test_bounds_and_times(topic: System, spark: SparkSession, by_jvm: bool) -> None:
    settings = _settings(topic)
    topics: Topics = JvmTopics(spark, settings.kafka) if by_jvm else NativeTopics(settings.kafka)
    ends = topics.ends(topic.topic)
    assert ends.id == topic_state(spark, settings.kafka, topic.topic).id
    assert ends.beginnings == dict.fromkeys(range(PARTITIONS), 0)
    assert ends.ends == {0: 5, 1: 2, 2: 0}
    assert ends.committed == {0: 4, 1: 2, 2: 0}
    assert ends.newest[0] in (Newest(3, NOON + timedelta(minutes=3)), Newest(4, NOON + timedelta(minutes=9)))
    assert ends.newest[1] == Newest(0, NOON + timedelta(days=300))
    assert 2 not in ends.newest

    def at(moment: datetime) -> dict[int, int]:
        return topics.offsets_at(topic.topic, [0, 1, 2], moment)

    assert at(NOON - timedelta(days=1)) == {0: 0, 1: 0}
    assert at(NOON + timedelta(seconds=61)) == {0: 2, 1: 0}
    assert at(NOON + timedelta(days=301)) == {}


def test_a_missing_topic_and_a_missing_broker_are_told_apart(topic: System) -> None:
    settings = _settings(topic).kafka
    native = NativeTopics(settings)
    with pytest.raises(TopicMissing, match=r"there is no topic none\.such"):
        native.ends("none.such")
    assert native.ends(topic.topic).ends[1] == 2  # that error is not remembered
    dead = NativeTopics(settings.model_copy(update={"bootstrap_servers": "127.0.0.1:1"}), timeout_seconds=1)
    for _ in range(2):
        with pytest.raises(KafkaUnavailable, match=r"Kafka at 127\.0\.0\.1:1"):
            dead.ends(topic.topic)
