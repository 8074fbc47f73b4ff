"""The peers' benchmark: what its reference expects, and how it sees a wrong end state; without Kafka."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks.peers.consumers import row_by_row
from benchmarks.peers.consumers.arrow_records import parsed
from benchmarks.peers.consumers.hashes import Hashes
from benchmarks.peers.consumers.plain import Plain
from benchmarks.peers.loads import MIXED
from benchmarks.peers.records import Record, records
from benchmarks.peers.reference import differences, reference
from castro_spark.local import Stack
from tests.system import System
from tests.today import today

SQL = Path("benchmarks/peers/sql")
# Few products, so that corrections meet what they correct, and days lose their last event.
LOAD = replace(MIXED, events=3_000, products=2_000, corrections=0.3, rejects=0.05)


@dataclass(frozen=True)
class Message:
    at: tuple[int, int]
    content: bytes

    def value(self) -> bytes:
        return self.content

    def partition(self) -> int:
        return self.at[0]

    def offset(self) -> int:
        return self.at[1]


def messages(made: list[Record]) -> Iterator[Message]:
    offsets: dict[int, int] = defaultdict(int)
    for partition, value in made:
        yield Message((partition, offsets[partition]), value)
        offsets[partition] += 1


@pytest.fixture
def system(databases: Stack, tmp_path: Path) -> Iterator[System]:
    system = System(databases, tmp_path)
    for name in ("events", "sums", "consumer"):
        system.query((SQL / f"tables_{name}.sql").read_text())
    yield system
    system.end()


def test_the_plain_consumer_ends_as_the_reference_says_and_a_changed_row_shows(system: System) -> None:
    day = today()
    made = list(records(LOAD, day))
    expected = reference(made, day)
    hashes = Hashes(system.env["CASTRO_REDIS_URL"], Path(system.env["CASTRO_REDIS_PASSWORD_FILE"]).read_text().strip())
    connection = system.connect()
    plain, sent = Plain(connection, hashes), list(messages(made))
    for begin in range(0, len(sent), 700):
        plain.commit(parsed(sent[begin : begin + 700]), {0: begin})
    connection.close()
    assert differences(system, expected, aggregates=True, hashes=True) == []
    assert system.query("SELECT count(*) FROM consumer_reject") == [(expected.rejects,)]
    assert expected.rejects > 100

    system.query(
        "UPDATE ml_inventory_daily SET volume = volume + 0.000001 WHERE ctid = (SELECT min(ctid) FROM ml_inventory_daily)"
    )
    key = next(system.redis.scan_iter("agg:monthly:*"))
    system.redis.hset(key, "value", "1")
    found = differences(system, expected, aggregates=True, hashes=True)
    assert [words.split(":")[0] for words in found] == ["daily", "Redis"]


def test_the_row_by_row_consumer_ends_with_the_same_events(system: System) -> None:
    day = today()
    made = list(records(replace(LOAD, events=400), day))
    connection = system.connect()
    for message in messages(made):
        columns: dict[str, Any] | None
        try:
            columns = row_by_row.row(message)
        except (ValueError, KeyError, TypeError, ArithmeticError):
            continue
        with connection, connection.cursor() as cursor:
            cursor.execute(row_by_row.UPSERT, columns)
    connection.close()
    assert differences(system, reference(made, day), aggregates=False, hashes=False) == []
