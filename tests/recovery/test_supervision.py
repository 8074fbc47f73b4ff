"""Streams of one application that fail: what may pass is waited for, what cannot be helped is shown at once."""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient, NewTopic
from psycopg2 import sql

from castro_spark.local import Stack
from tests import oracle
from tests.builders import native, random_events
from tests.statements import composed
from tests.system import System

pytestmark = pytest.mark.slow
ALL = ("inventory", "sales", "procurement")
OTHER = {
    "codigo_produto": "P1", "quantidade": 2, "preco_unitario": "7.25", "custo_unitario": "7.25", "cliente": "C",
    "fornecedor": "F", "data_pedido": "2024-05-01T10:00:00", "data_compra": "2024-05-01T10:00:00",
}  # fmt: skip
TABLES = {"sales": "sales_orders", "procurement": "purchases"}


@pytest.fixture
def three(stack: Stack, tmp_path: Path) -> Iterator[System]:
    system = System(stack, tmp_path, ALL)
    # Clients that give up early, so that a short outage does what a long one else would.
    system.configure({"kafka": {"options": {"default.api.timeout.ms": "6000", "request.timeout.ms": "5000"}}})
    system.migrate()
    yield system
    system.end()


def send(system: System, stream: str, prefix: str, count: int) -> None:
    numbers = ({**OTHER, "id_evento": f"{prefix}{i}", "numero_pedido": f"{prefix}{i}"} for i in range(count))
    system.produce((native(data, TABLES[stream]) for data in numbers), stream=stream)


def create_again(system: System, stream: str) -> None:
    admin = AdminClient({"bootstrap.servers": system.env["CASTRO_KAFKA_BOOTSTRAP_SERVERS"]})
    topic = system.topics[stream]
    admin.delete_topics([topic])[topic].result(30)
    while True:
        try:
            admin.create_topics([NewTopic(topic, 3)])[topic].result(30)
        except KafkaException as error:  # its deletion is not done
            assert error.args[0].code() == KafkaError.TOPIC_ALREADY_EXISTS, error
            time.sleep(0.1)
        else:
            break
    servers = {"bootstrap.servers": system.env["CASTRO_KAFKA_BOOTSTRAP_SERVERS"]}
    system.producer = Producer({**servers, "enable.idempotence": True})  # the old one knows the old topic


def state_of(stream: str) -> sql.Composed:
    query = "SELECT state || coalesce(' ' || reason, '') FROM castro.instance WHERE kind = 'stream' AND stream = {stream}"
    return composed(query, stream=sql.Literal(stream))


def consumed(stream: str) -> sql.Composed:
    query = "SELECT sum(next_offset)::bigint FROM castro.offset_ledger WHERE stream = {stream}"
    return composed(query, stream=sql.Literal(stream))


def test_streams_of_one_application_fail_each_for_itself(three: System) -> None:
    process = three.start("stream")
    for stream in ("sales", "procurement"):
        send(three, stream, "OLD", 80)
        three.wait_for(consumed(stream), 80)
    three.job("status")
    # Two topics created again, with more records than before: one while the process is frozen, one while it reads.
    process.send_signal(signal.SIGSTOP)
    create_again(three, "sales")
    send(three, "sales", "NEW", 200)
    process.send_signal(signal.SIGCONT)
    create_again(three, "procurement")
    send(three, "procurement", "NEW", 200)
    for stream in ("sales", "procurement"):
        three.wait_for(state_of(stream), "failed topic_recreated")
        events = f"ml_{stream}_realtime"
        assert three.query(composed("SELECT count(*) FROM {events} WHERE event_id LIKE 'OLD%'", events=events)) == [(80,)]
        assert three.query(composed("SELECT count(*) FROM {events} WHERE event_id LIKE 'NEW%'", events=events)) == [(0,)]
    told = three.job("status", status=1)
    assert told.count("TROUBLE     should run, but does not: ended since ") == 2, told
    assert "deleted and created again" in told, told
    assert "--accept-new-topic" in told, told

    # The third goes on, also over an outage of the broker.
    sent: list[Any] = []
    for seed in range(2):
        events = random_events(random.Random(seed), 400)
        sent += zip(three.produce(native(e) for e in events), events, strict=True)
        three.wait_for(consumed("inventory"), len(sent))
        if seed == 0:
            three.stack.kafka.stop(kill=True)
            three.wait_for(state_of("inventory"), "restarting kafka_unavailable")
            time.sleep(25)
            assert process.poll() is None, three.log(process)
            three.stack.kafka.start()
    three.wait_for(state_of("inventory"), "running")
    assert three.query("SELECT restarts > 0, restarts_since_commit FROM castro.instance WHERE kind = 'stream' AND stream = 'inventory'") == [(True, 0)]

    assert "inventory: stopped at revision" in three.job("stop", "--stream", "inventory")
    assert process.wait(60) == 1, three.log(process)  # nothing runs any more, and two ended by errors
    assert three.query(state_of("inventory")) == [("stopped",)]
    for table in ("batch_books", "offset_ledger"):
        # The oracle is about that one.
        three.query(composed("DELETE FROM {table} WHERE stream <> 'inventory'", table=f"castro.{table}"))
    oracle.assert_agrees(three, sent)
    assert "not running" in three.job("stop", "--stream", "all")


def test_the_application_ends_with_one_stream_where_that_is_wanted(stack: Stack, tmp_path: Path) -> None:
    two = System(stack, tmp_path, ("inventory", "sales"))
    two.configure({"streaming": {"on_stream_failure": "stop"}})
    two.migrate()
    two.query("INSERT INTO castro.stream (stream, topic, topic_id, epoch, writer) VALUES ('sales', 't', 'other', 1, 'w')")
    running = two.stream()
    deadline = time.monotonic() + 60
    while running.running():
        assert time.monotonic() < deadline, running.log()
        time.sleep(0.2)
    assert "it was recreated, or this is another cluster" in running.log()
    assert two.query(state_of("sales")) == [("failed topic_recreated",)]
    assert two.query(state_of("inventory")) == [("stopped",)]
    assert two.query("SELECT epoch FROM castro.stream WHERE stream = 'sales'") == [(1,)]  # it has fenced nobody
    two.end()
