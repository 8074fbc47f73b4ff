"""What brokers know of a topic, by librdkafka and by the client in a JVM: the same answers, without reading a record."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from confluent_kafka import Producer
from pyspark.sql import SparkSession

from castro_spark.errors import KafkaUnavailable, TopicMissing
from castro_spark.local import Stack
from castro_spark.settings import Settings, load_settings
from castro_spark.sources.kafka.ends import NativeTopics, Newest, Topics
from castro_spark.sources.kafka.ends_jvm import JvmTopics
from castro_spark.sources.kafka.topics import topic_state
from tests.system import PARTITIONS, System

# Not ahead of the clock, which brokers reject, and not so old that they remove it.
START = datetime.now(timezone.utc).replace(microsecond=0) - timedelta(days=3)


@pytest.fixture(scope="module")
def topic(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Partition 0: a record a minute, the last one in an open transaction; partition 1: one of a wrong clock, and a later
    one; partition 2: none."""
    system = System(stack, Path(tmp_path_factory.mktemp("ends")))
    system.create_topics()
    servers = {"bootstrap.servers": system.env["CASTRO_KAFKA_BOOTSTRAP_SERVERS"], "log_level": 0}
    plain = Producer({**servers, "enable.idempotence": True})
    for minutes in range(4):
        plain.produce(system.topic, b"{}", partition=0, timestamp=_ms(START + timedelta(minutes=minutes)))
    plain.produce(system.topic, b"{}", partition=1, timestamp=_ms(START + timedelta(days=2)))
    plain.produce(system.topic, b"{}", partition=1, timestamp=_ms(START))
    assert plain.flush(30) == 0
    open_one = Producer({**servers, "transactional.id": system.topic})
    open_one.init_transactions(30)
    open_one.begin_transaction()
    open_one.produce(system.topic, b"{}", partition=0, timestamp=_ms(START + timedelta(minutes=9)))
    assert open_one.flush(30) == 0
    yield system
    open_one.abort_transaction(30)
    system.end()


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
    assert ends.newest[0] in (Newest(3, START + timedelta(minutes=3)), Newest(4, START + timedelta(minutes=9)))
    assert ends.newest[1] == Newest(0, START + timedelta(days=2))
    assert 2 not in ends.newest

    def at(moment: datetime) -> dict[int, int]:
        return topics.offsets_at(topic.topic, [0, 1, 2], moment)

    assert at(START - timedelta(days=1)) == {0: 0, 1: 0}
    assert at(START + timedelta(seconds=61)) == {0: 2, 1: 0}
    assert at(START + timedelta(days=2, hours=1)) == {}


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
