"""Asks the brokers what this client may do: their addresses as advertised, and each topic read, by Kafka's own client.

Guarantee: nothing is committed or changed, however often it is repeated: the consumer has no group's offsets, and
partitions are assigned.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from py4j.protocol import Py4JJavaError

from castro_spark.errors import SourceError, TopicMissing
from castro_spark.sections.servers import KafkaSettings
from castro_spark.sources.kafka.options import admin_options
from castro_spark.sources.kafka.refusals import Protocol
from castro_spark.sources.kafka.topics import refused

_TIMEOUT_MS = "15000"
_READ_SECONDS = 10.0
_EMPTY_SECONDS = 1.5  # enough for a broker to refuse a fetch
_GROUP = "castro-validate"  # within the prefix that brokers which authorise groups must allow
_NO_ID = "AAAAAAAAAAAAAAAAAAAAAA"
_SETTINGS = ("retention.ms", "retention.bytes", "cleanup.policy", "max.message.bytes")


@dataclass(frozen=True)
class Topic:
    """A topic that was read. `settings` is empty if the client may not describe them."""

    partitions: int
    replicas: int  # the fewest of a partition
    in_sync: int  # the fewest of a partition
    offsets: int  # between the beginnings and the ends
    record_at: float | None  # Unix seconds of the first record that was read; None: there was none
    settings: dict[str, str]


def brokers(jvm: Any, settings: KafkaSettings) -> list[tuple[str, int]]:
    """The brokers' addresses as they tell them to clients. Raises KafkaUnavailable or KafkaRefused."""
    with _admin(jvm, settings) as admin, _told(settings, "its brokers"):
        nodes = admin.describeCluster().nodes().get()
        return sorted((str(node.host()), int(node.port())) for node in nodes.iterator())


def read_topic(jvm: Any, settings: KafkaSettings, name: str) -> Topic:
    """Reads a record of the topic, if it has one. Raises SourceError: TopicMissing, KafkaUnavailable, KafkaRefused."""
    with _admin(jvm, settings) as admin, _told(settings, name):
        described = admin.describeTopics(jvm.java.util.List.of(name)).allTopicNames().get().get(name)
        configured = _settings(jvm, admin, name)
    partitions = list(described.partitions())
    if described.topicId().toString() == _NO_ID:
        raise SourceError(
            f"the brokers give the topic {name} no id: a topic that was re-created would go unnoticed",
            "upgrade the brokers to 2.8 or newer (and inter.broker.protocol.version)",
        )
    if leaderless := [int(p.partition()) for p in partitions if p.leader() is None]:
        raise SourceError(f"the topic {name}: no broker leads the partitions {leaderless}", "are all brokers up?")
    with _told(settings, name):
        offsets, record_at = _read(jvm, settings, name, [int(p.partition()) for p in partitions])
    return Topic(
        len(partitions), min(len(p.replicas()) for p in partitions), min(len(p.isr()) for p in partitions),
        offsets, record_at, configured,
    )  # fmt: skip


def _read(jvm: Any, settings: KafkaSettings, name: str, numbers: list[int]) -> tuple[int, float | None]:
    deserializer = "org.apache.kafka.common.serialization.ByteArrayDeserializer"
    options = admin_options(settings) | {
        "key.deserializer": deserializer, "value.deserializer": deserializer, "group.id": _GROUP,
        "enable.auto.commit": "false", "auto.offset.reset": "earliest", "isolation.level": "read_committed",
        "max.poll.records": "1", "default.api.timeout.ms": _TIMEOUT_MS, "request.timeout.ms": _TIMEOUT_MS,
    }  # fmt: skip
    consumer = jvm.org.apache.kafka.clients.consumer.KafkaConsumer(_properties(jvm, options))
    try:
        partitions = jvm.java.util.ArrayList()
        for number in numbers:
            partitions.add(jvm.org.apache.kafka.common.TopicPartition(name, number))
        consumer.assign(partitions)
        begins, ends = consumer.beginningOffsets(partitions), consumer.endOffsets(partitions)
        offsets = sum(int(ends.get(p)) - int(begins.get(p)) for p in partitions)
        consumer.seekToBeginning(partitions)
        deadline = time.monotonic() + (_READ_SECONDS if offsets else _EMPTY_SECONDS)
        while time.monotonic() < deadline:
            records = consumer.poll(jvm.java.time.Duration.ofMillis(500)).iterator()
            if records.hasNext():
                return offsets, records.next().timestamp() / 1000
        return offsets, None
    finally:
        consumer.close(jvm.java.time.Duration.ofSeconds(2))


def _settings(jvm: Any, admin: Any, name: str) -> dict[str, str]:
    types = getattr(jvm.org.apache.kafka.common.config, "ConfigResource$Type")
    resource = jvm.org.apache.kafka.common.config.ConfigResource(types.TOPIC, name)
    try:
        told = admin.describeConfigs(jvm.java.util.List.of(resource)).all().get().get(resource)
    except Py4JJavaError:
        return {}  # the right to describe configurations is not needed
    return {key: str(told.get(key).value()) for key in _SETTINGS if told.get(key) is not None}


@contextmanager
def _admin(jvm: Any, settings: KafkaSettings) -> Iterator[Any]:
    options = {"request.timeout.ms": _TIMEOUT_MS, "default.api.timeout.ms": _TIMEOUT_MS} | admin_options(settings)
    with _told(settings, "its brokers"):
        admin = jvm.org.apache.kafka.clients.admin.AdminClient.create(_properties(jvm, options))
    try:
        yield admin
    finally:
        admin.close(jvm.java.time.Duration.ofSeconds(2))


@contextmanager
def _told(settings: KafkaSettings, what: str) -> Iterator[None]:
    """Converts the client's errors to those of castro_spark.errors."""
    try:
        yield
    except Py4JJavaError as error:
        if "UnknownTopicOrPartition" in str(error.java_exception):
            raise TopicMissing(
                f"there is no topic {what} at {settings.bootstrap_servers}",
                "create it: ./spark-submit.sh migrate (or ask who runs the brokers)",
            ) from None
        raise refused(error, Protocol(settings), f"Kafka at {settings.bootstrap_servers}, {what}") from None


def _properties(jvm: Any, options: dict[str, str]) -> Any:
    properties = jvm.java.util.Properties()
    for name, value in options.items():
        properties.setProperty(name, value)
    return properties
