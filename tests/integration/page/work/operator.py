"""An operator at the page: reads it, sends its forms; and what a stream does before and after."""

from __future__ import annotations

import itertools
from contextlib import closing
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import redis

from castro_spark.batch.serve import CommandServer
from castro_spark.sinks.postgres.connection import connect
from tests.consumer import Consumer
from tests.servers.page import Answer, House
from tests.system import System

numbers = itertools.count(701)  # of the databases of these pages


class OfHouse(System):
    """What a Consumer needs of a system, at the page's database."""

    def __init__(self, house: House) -> None:
        self.env, self.conf, self.query = house.env, house.conf, house.query  # type: ignore[assignment]
        self.redis = redis.Redis.from_url(
            house.env["CASTRO_REDIS_URL"], password=Path(house.env["CASTRO_REDIS_PASSWORD_FILE"]).read_text().strip()
        )


def read(house: House, path: str, language: str = "en") -> str:
    answer = house.get(path, Accept_Language=language)
    assert answer.status == 200, f"{path}: {answer.status}\n{answer.text[:3000]}\n{house.log()[-3000:]}"
    return answer.text


def send(house: House, name: str, back: str, number: str | None = None, **fields: Any) -> Answer:
    form = urlencode({"request": number or str(uuid4()), "back": back, **fields}, doseq=True)
    return house.get(
        f"/act/{name}", "POST", form, Origin=house.url, Content_Type="application/x-www-form-urlencoded"
    )


def serve(house: House) -> None:
    """Serves the commands that wait, as a running stream does."""
    server = CommandServer(house.settings, Event())
    with closing(connect(house.settings.postgres, "test")) as connection:
        server.poll(connection)
        while not server.is_idle:
            server.wait(60)
            server.poll(connection)


def reject(house: House, *values: bytes) -> list[int]:
    """The ids of these records, which the stream has put into quarantine."""
    consumer = Consumer(OfHouse(house))
    batch: list[Any] = [(0, n, value) for n, value in enumerate(values)]
    consumer.commit(0, consumer_staged(consumer, batch), consumer.ends(batch))
    consumer.close()
    return [number for (number,) in house.query("SELECT id FROM castro.quarantine ORDER BY id")]


def consumer_staged(consumer: Consumer, batch: list[Any]) -> Any:
    from castro_spark.sinks.postgres.commit.staging import stage_on_driver
    from tests.consumer import with_positions

    return stage_on_driver([with_positions(batch)], consumer.rules, consumer.positions)
