"""What a consumer is told, and how it reads a topic by offsets of its own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg2
from confluent_kafka import Consumer, TopicPartition


@dataclass(frozen=True)
class Settings:
    """`available_now`: end at what the topic holds at the start. `redis_url`: set where hashes are asked for."""

    bootstrap: str
    topic: str
    dsn: dict[str, str]
    available_now: bool
    redis_url: str | None = None
    redis_password: str | None = None

    @classmethod
    def read(cls, path: str) -> Settings:
        return cls(**json.loads(Path(path).read_text()))

    def connect(self) -> Any:
        return psycopg2.connect(**self.dsn, options="-c timezone=UTC")


class Topic:
    """The topic's records from given offsets on; with `available_now` up to where it ended at the start."""

    def __init__(self, settings: Settings, offsets: dict[int, int]) -> None:
        self._consumer = Consumer(
            {
                "bootstrap.servers": settings.bootstrap, "group.id": "peer", "enable.auto.commit": False,
                "auto.offset.reset": "error", "fetch.wait.max.ms": 20, "queued.max.messages.kbytes": 131_072,
            }
        )  # fmt: skip
        partitions = self._consumer.list_topics(settings.topic, timeout=10).topics[settings.topic].partitions
        bounds = {p: self._consumer.get_watermark_offsets(TopicPartition(settings.topic, p)) for p in partitions}
        self.next = {p: offsets.get(p, low) for p, (low, _) in bounds.items()}
        self._ends = {p: high for p, (_, high) in bounds.items()} if settings.available_now else None
        self._consumer.assign([TopicPartition(settings.topic, p, offset) for p, offset in self.next.items()])

    def read(self, most: int, seconds: float) -> list[Any]:
        """Up to `most` records that come within `seconds`."""
        found = []
        for message in self._consumer.consume(most, seconds):
            assert message.error() is None, message.error()
            self.next[message.partition()] = message.offset() + 1
            found.append(message)
        return found

    def is_consumed(self) -> bool:
        return self._ends is not None and all(self.next[p] >= end for p, end in self._ends.items())
