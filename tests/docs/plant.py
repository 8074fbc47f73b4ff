"""What a how-to's reader has: a running system on servers of their own, with the topics that the settings name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from castro_spark.local import Stack
from castro_spark.streams import stream as stream_named
from tests import oracle
from tests.builders import Data, native
from tests.consumer import Consumer
from tests.docs.door import Door
from tests.docs.guide import Reader, follow
from tests.system import ROOT, System

Sent = list[tuple[tuple[int, int], Data]]


class Plant(System):
    """A clean database; `sent` are the sound inventory events that were sent to the topic, with their places."""

    def __init__(self, stack: Stack, folder: Path, streams: Sequence[str] = ("inventory",)) -> None:
        super().__init__(stack, folder, streams)
        self.topics = {name: stream_named(name).topic for name in streams}
        self.topic = self.topics[streams[0]]
        self.configure({})
        self.sent: Sent = []
        self.reader = folder / "reader"
        self.reader.mkdir()

    def configure(self, settings: Any) -> None:
        """Settings of what happens before the reader comes: beside the defaults, which the page's own commands use."""
        self.conf.write_text(yaml.safe_dump(settings))

    def send(self, *events: Data, partition: int | None = 0) -> None:
        self.sent += zip(self.produce(map(native, events), partition=partition), events, strict=True)

    def commit(self, *values: bytes) -> None:
        """The stream commits these records of partition 0, without Kafka; Redis follows."""
        consumer = Consumer(self, resume=True)
        first = consumer.positions[0]
        records = [(0, first + n, value) for n, value in enumerate(values)]
        consumer.consume(1, records, by_executors=False, twice=False)
        consumer.close()

    def agrees(self) -> None:
        """PostgreSQL and Redis hold what one clean run of all that was sent gives."""
        oracle.assert_agrees(self, self.sent)

    def rows_agree(self) -> None:
        """As `agrees`, without the books: where a topic was changed, or its records came by a backfill."""
        oracle.assert_rows_agree(self, self.sent)

    def name_postgres(self) -> None:
        """The reader's variables for PostgreSQL's own programs, which are on the PATH."""
        server = dict(part.split("=", 1) for part in self._dsn.split())
        self.env |= {
            "PGHOST": server["host"], "PGPORT": server["port"], "PGUSER": server["user"], "PGPASSWORD": self._password,
            "PGDATABASE": self.database,
        }  # fmt: skip

    def follow(self, name: str, **functions: Any) -> None:
        """Follows docs/how-to/NAME.md; `functions`: what its comments name."""
        door = Door(self.reader)
        reader = Reader(self.reader, self.env, door.serve)
        self.reader_runs = reader.run
        try:
            follow(ROOT / "docs" / "how-to" / f"{name}.md", reader, functions)
        finally:
            door.close()
