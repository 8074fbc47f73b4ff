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
from tests.builders import native, random_events
from tests.system import System

pytestmark = pytest.mark.slow
COUNT = "SELECT sum(next_offset)::bigint FROM castro.offset_ledger"


def send(system: System, sent: list[Any], seed: int, count: int = 400) -> None:
    events = random_events(random.Random(seed), count)
    sent += zip(system.produce(native(e) for e in events), events, strict=True)


def settled(system: System, sent: list[Any]) -> None:
    """Waits until all is consumed and Redis has it, then holds it against the oracle."""
    system.wait_for(COUNT, len(sent))
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
    send(system, sent, 7)
    second = system.start("stream")
    settled(system, sent)
    second.send_signal(signal.SIGTERM)
    assert second.wait(30) == 0, system.log(second)


def test_postgres_then_redis_away_for_a_while(system: System) -> None:
    sent: list[Any] = []
    stream = system.start("stream")
    send(system, sent, 1)
    settled(system, sent)
    for server in (system.stack.postgres, system.stack.redis):
        server.stop(kill=True)
        send(system, sent, len(sent))
        time.sleep(20)
        assert stream.poll() is None, system.log(stream)
        server.start()
        settled(system, sent)
    assert system.query("SELECT count(*) FROM castro.quarantine") == [(0,)]
    system.redis.flushdb()
    settled(system, sent)  # noticed by itself, without a new event
    stream.send_signal(signal.SIGTERM)
    assert stream.wait(30) == 0, system.log(stream)


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
    second.send_signal(signal.SIGTERM)
    assert second.wait(30) == 0, system.log(second)


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
    assert "it was created again" in output
    assert "--accept-new-topic" in output
