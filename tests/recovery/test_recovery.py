"""Kills, outages and a second writer, on a running stream; the end is always that of one clean run."""

from __future__ import annotations

import os
import random
import signal
import time
from typing import Any

import psutil
import pytest

from tests import oracle
from tests.builders import event, native, random_events
from tests.system import System

pytestmark = pytest.mark.slow
COUNT = "SELECT sum(next_offset)::bigint FROM castro.offset_ledger"


def send(system: System, sent: list[Any], seed: int, count: int = 400) -> None:
    events = random_events(random.Random(seed), count)
    sent += zip(system.produce(native(e) for e in events), events, strict=True)


def settled(system: System, sent: list[Any], further_offsets: int = 0) -> None:
    """Waits until all is consumed and Redis has it, then holds it against the oracle."""
    system.wait_for(COUNT, len(sent) + further_offsets)
    revision = system.query("SELECT epoch, revision FROM castro.stream")[0]
    deadline = time.monotonic() + 30
    while system.redis.get("castro:published:inventory") != "{:015d}.{:015d}".format(*revision):
        assert time.monotonic() < deadline, "Redis did not catch up"
        time.sleep(0.2)
        revision = system.query("SELECT epoch, revision FROM castro.stream")[0]
    oracle.assert_agrees(system, sent)


@pytest.mark.parametrize("victim", ["driver", "jvm"])
def test_killed_while_it_streams(system: System, victim: str) -> None:
    sent: list[Any] = []
    send(system, sent, 1)
    first = system.start("stream")
    system.wait_for(COUNT, len(sent))
    for seed in range(2, 6):
        send(system, sent, seed)
    process = psutil.Process(first.pid)
    target = process if victim == "driver" else next(c for c in process.children() if c.name() == "java")
    os.kill(target.pid, signal.SIGKILL)
    first.wait(30)
    if victim == "jvm":
        assert first.returncode == 1
        assert "ended with signal SIGKILL" in system.log(first)
        assert "error: Spark's JVM (pid" in system.log(first)
    send(system, sent, 7)
    second = system.stream()
    settled(system, sent)
    second.stop()


@pytest.mark.parametrize("executor_staging_rows", [pytest.param(1, marks=pytest.mark.long), 20_000])
def test_postgres_then_redis_away_for_a_while(system: System, executor_staging_rows: int) -> None:
    # Staged by the executors, rows lie in unlogged tables, which PostgreSQL empties when it crashes.
    system.configure({"streaming": {"executor_staging_rows": executor_staging_rows}})
    sent: list[Any] = []
    stream = system.stream()
    send(system, sent, 1)
    settled(system, sent)
    for server in (system.stack.postgres, system.stack.redis):
        server.stop(kill=True)
        send(system, sent, len(sent))
        time.sleep(20)
        assert stream.running(), stream.log()
        server.start()
        settled(system, sent)
    assert system.query("SELECT count(*) FROM castro.quarantine") == [(0,)]
    system.redis.flushdb()
    settled(system, sent)  # noticed by itself, without a new event
    stream.stop()


def test_a_second_instance_fences_the_first_even_a_stopped_one(system: System) -> None:
    sent: list[Any] = []
    first = system.start("stream")
    send(system, sent, 1)
    settled(system, sent)
    first.send_signal(signal.SIGSTOP)
    second = system.start("stream")
    send(system, sent, 2)
    system.wait_for(COUNT, len(sent))
    first.send_signal(signal.SIGCONT)
    send(system, sent, 3)
    assert first.wait(60) == 1
    assert "taken over by" in system.log(first)
    settled(system, sent)
    system.stop(second)


def test_postgres_crashes_between_staging_and_commit(system: System) -> None:
    """What was staged is gone then; the stream notices, and begins again at the ledger by itself."""
    system.configure({"streaming": {"executor_staging_rows": 1}})
    sent: list[Any] = []
    stream = system.stream()
    send(system, sent, 1)
    settled(system, sent)
    holder = system.connect()
    holder.cursor().execute("SELECT 1 FROM castro.stream FOR UPDATE")  # the commit waits here, staged
    send(system, sent, 2)
    system.wait_for("SELECT count(*) > 0 FROM castro.staged_inventory_events_a UNION ALL"
                    " SELECT count(*) > 0 FROM castro.staged_inventory_events_b ORDER BY 1 DESC", True)  # fmt: skip
    system.stack.postgres.stop(kill=True)
    system.stack.postgres.start()
    settled(system, sent)
    assert "(staging_lost)" in stream.log()
    stream.stop()


def test_aborted_transactions_and_an_added_partition(system: System) -> None:
    from confluent_kafka import Producer

    sent: list[Any] = []
    stream = system.stream()
    send(system, sent, 1, 50)
    settled(system, sent)
    servers = {"bootstrap.servers": system.env["CASTRO_KAFKA_BOOTSTRAP_SERVERS"]}
    producer = Producer({**servers, "transactional.id": system.topic})
    producer.init_transactions(30)
    for aborted in (True, False):
        producer.begin_transaction()
        changed = event(id_evento=f"T{aborted}", data_movimentacao=sent[0][1]["data_movimentacao"])
        producer.produce(system.topic, native(changed), partition=1)
        if aborted:
            producer.flush(30)
            producer.abort_transaction(30)
        else:
            producer.commit_transaction(30)
    before = sum(partition == 1 for (partition, _), _ in sent)
    sent.append(((1, before + 2), changed))  # after the aborted record and its mark
    added = system.add_partition()
    late = event(id_evento="N", data_movimentacao=sent[0][1]["data_movimentacao"])
    sent.append((system.produce([native(late)], partition=added)[0], late))
    # Two marks, and the aborted record: consumed, and in the books as gaps.
    settled(system, sent, further_offsets=3)
    assert system.query("SELECT sum(gaps) FROM castro.batch_books") == [(3,)]
    stream.stop()


def test_records_aged_out_stop_with_words(system: System) -> None:
    from confluent_kafka import TopicPartition
    from confluent_kafka.admin import AdminClient

    sent: list[Any] = []
    send(system, sent, 1, 60)
    system.drain()
    before = system.query("SELECT partition, next_offset FROM castro.offset_ledger ORDER BY partition")
    system.produce([native(event())] * 10, partition=0)
    admin = AdminClient({"bootstrap.servers": system.env["CASTRO_KAFKA_BOOTSTRAP_SERVERS"]})
    removed = TopicPartition(system.topic, 0, before[0][1] + 5)
    for future in admin.delete_records([removed]).values():
        future.result(30)
    output = system.job("stream", "--available-now", status=1)
    assert "records were removed unread" in output
    assert "backfill" in output
    assert system.query("SELECT partition, next_offset FROM castro.offset_ledger ORDER BY partition") == before
    # A ledger beyond the topic's end: another cluster's, say.
    system.query("UPDATE castro.offset_ledger SET next_offset = 1000000")
    assert "but the topic ends at" in system.job("stream", "--available-now", status=1)


def test_topic_created_again_stops_with_words(system: System) -> None:
    from confluent_kafka.admin import AdminClient, NewTopic

    sent: list[Any] = []
    send(system, sent, 1)
    system.drain()
    admin = AdminClient({"bootstrap.servers": system.env["CASTRO_KAFKA_BOOTSTRAP_SERVERS"]})
    admin.delete_topics([system.topic])[system.topic].result(30)
    time.sleep(2)
    admin.create_topics([NewTopic(system.topic, 3)])[system.topic].result(30)
    output = system.job("stream", "--available-now", status=1)
    assert "it was recreated" in output
    assert "--accept-new-topic" in output
