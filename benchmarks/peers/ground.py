"""Where a contestant runs once: a database of its own, an empty Redis, a topic that all share."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic
from psycopg2 import sql
from psycopg2.extensions import parse_dsn

from benchmarks.peers.records import Record
from castro_spark.local import Stack
from tests import jvm
from tests.system import ROOT, System

_SQL = Path(__file__).with_name("sql")
PARTITIONS = 4  # of a topic, unless a load says otherwise


def create_topics(stack: Stack, names: Iterable[str], partitions: int) -> None:
    admin = AdminClient({"bootstrap.servers": stack.env()["CASTRO_KAFKA_BOOTSTRAP_SERVERS"]})
    for created in admin.create_topics([NewTopic(name, partitions) for name in names]).values():
        created.result(30)


def fill(stack: Stack, topic: str, records: Iterable[Record]) -> None:
    """Produces the records, each into its partition, in their order."""
    producer = Producer(
        {
            "bootstrap.servers": stack.env()["CASTRO_KAFKA_BOOTSTRAP_SERVERS"],
            "enable.idempotence": True, "linger.ms": 20, "log_level": 0, "queue.buffering.max.messages": 200_000,
        }
    )  # fmt: skip
    for partition, value in records:
        while True:
            try:
                producer.produce(topic, value, partition=partition)
                break
            except BufferError:
                producer.poll(0.1)
        producer.poll(0)
    assert producer.flush(120) == 0, "Kafka did not take all records"


class Ground:
    """`system` has the database, the Redis and the environment of the jobs; its tables are made by the contestant.

    `available_now`: what the topics hold is to be consumed, and no more."""

    def __init__(self, stack: Stack, folder: Path, topics: dict[str, str], *, available_now: bool) -> None:
        folder.mkdir(parents=True)
        self.port = 0  # of a contestant that listens on one
        self.epoch = 0  # of the last start of one that counts them
        self.stack, self.folder, self.available_now = stack, folder, available_now
        self.system = System(stack, folder, list(topics))
        self.system.topics, self.system.topic = topics, next(iter(topics.values()))
        self.system.configure({})
        for name in (*jvm.short_lived(), "CASTRO_MASTER"):  # the jobs as users have them
            del self.system.env[name]
        self.environment = self.system.env

    @property
    def topic(self) -> str:
        return self.system.topic

    @property
    def bootstrap(self) -> str:
        return self.environment["CASTRO_KAFKA_BOOTSTRAP_SERVERS"]

    def dsn(self) -> dict[str, str]:
        """Host, port, user, password and dbname."""
        password = Path(self.environment["CASTRO_POSTGRES_PASSWORD_FILE"]).read_text().strip()
        return {**parse_dsn(self.environment["CASTRO_POSTGRES_DSN"]), "password": password}

    def run_sql(self, *files: str) -> None:
        for file in files:
            self.system.query((_SQL / file).read_text())

    def migrate(self) -> None:
        """The product's own tables."""
        self.system.migrate(topics=False)

    def popen(self, command: Sequence[str], environment: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Starts a contestant; what it says is in `log`."""
        with self.log.open("ab") as log:
            return subprocess.Popen(
                list(command), stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT,
                env=self.environment if environment is None else environment,
            )  # fmt: skip

    @property
    def log(self) -> Path:
        return self.folder / "contestant.log"

    def forget_words(self) -> None:
        """Before a second start: what the first one said is kept in a file of its own."""
        self.log.rename(self.log.with_suffix(".first.log"))

    def said(self, words: bytes) -> bool:
        return self.log.exists() and words in self.log.read_bytes()

    def settings_file(self, settings: dict[str, Any]) -> Path:
        """What one of our own consumers gets to know, in a file for its owner only: the password is in it."""
        path = self.folder / "consumer.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps(settings))
        return path

    def __enter__(self) -> Ground:
        return self

    def __exit__(self, *_: object) -> None:
        """Ends what is left, and drops the database."""
        self.system.end()
        with closing(self.system.connect("inventory_ml")) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(
                    sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(self.system.database))
                )
                cursor.execute("CHECKPOINT")  # what one wrote does not slow the next one down
