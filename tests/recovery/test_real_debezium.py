"""A real Debezium reads a real PostgreSQL: in the end the tables and Redis hold what the source table holds."""

from __future__ import annotations

import json
import random
import signal
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import Consumer, TopicPartition
from psycopg2 import sql

from tests import oracle
from tests.builders import Data
from tests.recovery.connect import Connect
from tests.recovery.source import Source
from tests.statements import composed
from tests.system import System

pytestmark = pytest.mark.slow
MARKER = "MARKER"
UNAVAILABLE = "__debezium_unavailable_value"


@pytest.fixture
def seed() -> int:
    return random.SystemRandom().randrange(2**32)


@pytest.fixture
def cleanup() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


# The connector as it is shipped; and with schemas in the records, as many have them.
WRAPPED = {"decimal.handling.mode": "precise", "key.converter.schemas.enable": "true", "value.converter.schemas.enable": "true"}


@pytest.mark.parametrize("changes", [{}, pytest.param(WRAPPED, marks=pytest.mark.long)], ids=["shipped", "wrapped"])
def test_the_source_table_arrives(
    system: System, tmp_path: Path, cleanup: ExitStack, seed: int, changes: dict[str, str]
) -> None:
    print(f"seed {seed}")
    source = Source(system, random.Random(seed))
    cleanup.callback(source.end)
    source.insert_some(30)  # the snapshot's
    connect = source.debezium(tmp_path, changes)
    cleanup.callback(connect.end)

    stream = system.start("stream")
    start_amid_changes(connect, source)
    arrived(system, source)
    source.change(150)
    stream.send_signal(signal.SIGKILL)
    stream.wait(30)
    source.change(150)
    running = system.stream()
    source.change(150)
    arrived(system, source)

    kill_between_offsets(system, connect, source)
    source.change(150)
    start_amid_changes(connect, source)
    arrived(system, source)

    connect.stop()
    records = read_topic(system)
    assert_hard_enough(records)
    system.wait_for("SELECT sum(next_offset)::bigint FROM castro.offset_ledger", len(records))
    running.stop()
    rows = source.rows()
    assert rows
    assert system.query("SELECT reason, detail FROM castro.quarantine") == []
    oracle.assert_agrees(system, [((0, n), row) for n, row in enumerate(rows)])


def start_amid_changes(connect: Connect, source: Source) -> None:
    """Starts the connector while rows change, also in the moment when it takes its snapshot."""
    with ThreadPoolExecutor(1) as pool:
        started = pool.submit(connect.start)
        while not started.done():
            source.change(20)
        started.result()
    source.change(150)


def arrived(system: System, source: Source) -> None:
    """Waits until a row that is written and removed now has come and gone: so has what was changed before it."""
    present = composed("SELECT count(*) FROM ml_inventory_realtime WHERE event_id = {marker}", marker=sql.Literal(MARKER))
    source.put(MARKER)
    system.wait_for(present, 1)
    source.remove(MARKER)
    system.wait_for(present, 0)


def kill_between_offsets(system: System, connect: Connect, source: Source) -> None:
    """Kills the connector after changes arrived whose offsets it has not written yet: it will send them once more."""
    for _ in range(10):  # a slow machine may need more time than there is between two writings
        written = offsets_written(connect, source)
        source.change(150)
        arrived(system, source)
        if connect.offsets_written() == written:
            break
    connect.stop(kill=True)


def offsets_written(connect: Connect, source: Source) -> int | None:
    """Waits until the connector has written new offsets, and returns when: it will not do so again for some seconds."""
    before, deadline = connect.offsets_written(), time.monotonic() + 90
    while (written := connect.offsets_written()) == before:
        assert time.monotonic() < deadline, "no new offsets"
        source.change(1)
        time.sleep(0.2)
    return written


def read_topic(system: System) -> list[tuple[str, Data | None]]:
    """Each record's event id and its change, None for a tombstone."""
    servers = {"bootstrap.servers": system.env["CASTRO_KAFKA_BOOTSTRAP_SERVERS"], "group.id": "reader"}
    consumer = Consumer({**servers, "enable.auto.commit": False})
    records = []
    try:
        for partition in consumer.list_topics(system.topic, timeout=30).topics[system.topic].partitions:
            place = TopicPartition(system.topic, partition, 0)
            _, end = consumer.get_watermark_offsets(place, timeout=30)
            consumer.assign([place])
            for message in consumer.consume(end, timeout=30) if end else []:
                assert message.error() is None, message.error()
                key, value = (opened(part) for part in (message.key(), message.value()))
                records.append((key["id_evento"], value))
    finally:
        consumer.close()
    return records


def opened(part: bytes | None) -> Any:
    """A key or value without its `{"schema", "payload"}` wrapper, if it has one."""
    document = part and json.loads(part)
    return document["payload"] if document and "payload" in document else document


def assert_hard_enough(records: list[tuple[str, Data | None]]) -> None:
    """The run held what this test is about: every kind of change, values not sent, and changes that came twice."""
    changes = [(key, value) for key, value in records if value is not None]
    assert {value["op"] for _, value in changes} == {"r", "c", "u", "d"}
    assert any(value["after"] and value["after"]["observacao"] == UNAVAILABLE for _, value in changes)
    times = Counter((value["source"]["lsn"], key, value["op"]) for key, value in changes)
    assert max(times.values()) > 1, "the killed connector sent nothing again"
