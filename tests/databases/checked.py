"""A stream with some weeks of events in its tables, and a topic in memory, for the quality checks. Needs no Kafka."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import date, datetime, timedelta, timezone
from typing import Any

from castro_spark.errors import SourceError
from castro_spark.quality.result import Result
from castro_spark.quality.run import run_checks
from castro_spark.settings import Settings, load_settings
from castro_spark.sources.kafka.ends import Newest, TopicEnds
from castro_spark.streams import stream
from tests.builders import event, native
from tests.consumer import PARTITIONS, Consumer, Record
from tests.system import System
from tests.today import today

DAYS, PRODUCTS, A_DAY = 30, 12, 240
SEED = 14


class MemoryTopic:
    """A topic whose records are only counted: each partition's record times. `error` is raised by every question."""

    def __init__(self) -> None:
        self.id = "id"
        self.times: dict[int, list[datetime]] = {p: [] for p in range(PARTITIONS)}
        self.beginnings = dict.fromkeys(range(PARTITIONS), 0)
        self.error: SourceError | None = None

    def ends(self, topic: str) -> TopicEnds:
        if self.error is not None:
            raise self.error
        ends = {p: len(times) for p, times in self.times.items()}
        newest = {p: Newest(times.index(max(times)), max(times)) for p, times in self.times.items() if times}
        return TopicEnds(self.id, self.beginnings, ends, ends, newest)

    def offsets_at(self, topic: str, partitions: list[int], at: datetime) -> dict[int, int]:
        young = {p: [offset for offset, time in enumerate(self.times[p]) if time >= at] for p in partitions}
        return {p: offsets[0] for p, offsets in young.items() if offsets}


class Checked:
    """The inventory stream of an empty system. `send` appends to the topic, `commit` does what the stream would do."""

    def __init__(self, system: System, *, like: Checked | None = None) -> None:
        """`like`: that one's topic, and the system has a copy of its database."""
        self.system = system
        self.today = today()
        self.topic = MemoryTopic()
        if like is not None:
            self.topic.times = {p: list(times) for p, times in like.topic.times.items()}
        self.consumer = Consumer(system, resume=like is not None)
        self._numbers = iter(range(1, 1_000_000))
        self._batches = like._batches if like else 0
        self._chance = random.Random(SEED)

    @property
    def settings(self) -> Settings:
        return load_settings(conf_file=self.system.conf, environ=self.system.env)

    def day(self, ago: int) -> date:
        return self.today - timedelta(days=ago)

    def events(self, day: date, count: int = A_DAY, **fields: Any) -> list[dict[str, Any]]:
        """A day's events: receipts with a supplier, issues with a customer, prices by product."""
        made = []
        for n in range(count):
            receipt, product = n % 3 == 0, n % PRODUCTS
            other = {"fornecedor": "F1"} if receipt else {"cliente": f"C{n % 7}"}
            made.append(event(**{
                "id_evento": f"E{next(self._numbers)}",
                "codigo_produto": f"P{product}",
                "tipo_movimentacao": "ENTRADA" if receipt else "SAIDA",
                "quantidade": str(self._chance.randint(5, 15)),
                "custo_unitario": f"{(product + 1) * self._chance.uniform(0.9, 1.1):.2f}",
                "data_movimentacao": f"{day}T{n // 3600:02}:{n // 60 % 60:02}:{n % 60:02}",
                **other,
                **fields,
            }))  # fmt: skip
        return made

    def fill(self, days: int = DAYS) -> None:
        """The days before today, committed."""
        for ago in range(days, 0, -1):
            self.take(self.events(self.day(ago)), ago=timedelta(days=ago))

    def take(self, events: Iterable[dict[str, Any]], *, ago: timedelta = timedelta(0)) -> None:
        """Sends and commits events."""
        self.commit(self.send(map(native, events), ago=ago))

    def send(self, values: Iterable[bytes | None], *, ago: timedelta = timedelta(0)) -> list[Record]:
        """Appends records whose time is `ago`."""
        sent: list[Record] = []
        for n, value in enumerate(values):
            times = self.topic.times[n % PARTITIONS]
            times.append(datetime.now(timezone.utc) - ago)
            sent.append((n % PARTITIONS, len(times) - 1, value))
        return sent

    def commit(self, records: list[Record]) -> None:
        self._batches += 1
        self.consumer.consume(self._batches, records, by_executors=False, twice=False)

    def rebuild(self) -> None:
        """Writes every hash anew, as after a flush."""
        self.system.redis.flushdb()
        while not self.consumer.projector.step().is_level:
            pass
        self.consumer.projector.disconnect()

    def check(self, name: str, *, subject: str = "inventory", day: date | None = None) -> Result:
        """Runs one check; its result for a subject."""
        (found,) = [r for r in self.run(name, day=day) if r.subject == subject]
        return found

    def run(self, *names: str, day: date | None = None) -> list[Result]:
        return run_checks(self.settings, [stream("inventory")], self.topic, names=names, day=day or self.today)

    def close(self) -> None:
        self.consumer.close()
