"""Kafka: the brokers as they are advertised, and each topic read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from functools import partial
from typing import Any

from castro_spark.counted import counted
from castro_spark.rules import configured
from castro_spark.settings import Settings
from castro_spark.sources.kafka import access
from castro_spark.streams.declaration import StreamDeclaration
from castro_spark.validation import network
from castro_spark.validation.check import Check

_DAY_MS = 86_400_000


def checks(jvm: Any, settings: Settings, streams: Sequence[StreamDeclaration]) -> Iterator[Check]:
    """Independent of each other; they need a JVM, and no Spark."""
    servers = settings.kafka.bootstrap_servers
    yield Check("kafka brokers", servers, partial(_brokers, jvm, settings), 60)
    for stream in streams:
        topic = configured(stream, settings).topic
        yield Check(f"read topic of {stream.name}", topic, partial(_topic, jvm, settings, topic), 60)


def _brokers(jvm: Any, settings: Settings) -> str:
    """The brokers tell clients addresses of their own (advertised.listeners), which may be unknown here."""
    addresses = tuple(access.brokers(jvm, settings.kafka))
    setting = "the brokers' advertised.listeners"
    told = network.reach(network.Service("kafka brokers", addresses, setting, every=True))
    return f"login; as advertised: {told}"


def _topic(jvm: Any, settings: Settings, name: str) -> str:
    topic = access.read_topic(jvm, settings.kafka, name)
    parts = [counted(topic.partitions, "partition"), f"{topic.in_sync} of {topic.replicas} replicas in sync"]
    if topic.settings:
        parts.append(f"retention {_retention(topic.settings)}")
    else:
        parts.append("retention unknown (no right to describe configurations)")
    if topic.record_at is not None:
        when = datetime.fromtimestamp(topic.record_at, timezone.utc).strftime("%Y-%m-%d %H:%M")
        parts.append(f"{counted(topic.offsets, 'offset')}, read one of {when} UTC")
    else:
        without = f"{counted(topic.offsets, 'offset')} without a record"
        parts.append(without if topic.offsets else "may be read; no record")
    return ", ".join(parts)


def _retention(settings: dict[str, str]) -> str:
    milliseconds, size = int(settings.get("retention.ms", -1)), int(settings.get("retention.bytes", -1))
    age = f"{milliseconds / _DAY_MS:g} days" if milliseconds >= 0 else "unlimited in time"
    limit = f", {size / 1e9:g} GB a partition" if size >= 0 else ""
    policy = settings.get("cleanup.policy", "delete")
    return f"{age}{limit}{'' if policy == 'delete' else f', {policy}'}"
