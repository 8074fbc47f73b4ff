"""The ledger's offsets in a consumer group, as Kafka's own tools see them."""

from __future__ import annotations

import time

from confluent_kafka import Consumer, ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient

from tests.builders import event, native
from tests.system import System

BROKERS = "CASTRO_KAFKA_BOOTSTRAP_SERVERS"


def in_kafka(system: System, group: str) -> dict[int, int]:
    """What an AdminClient lists of the group, by partition of the system's topic."""
    admin = AdminClient({"bootstrap.servers": system.env[BROKERS]})
    (future,) = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(group)]).values()
    return {p.partition: p.offset for p in future.result(30).topic_partitions if p.topic == system.topic}


def ledger(system: System) -> dict[int, int]:
    return dict(system.query("SELECT partition, next_offset FROM castro.offset_ledger"))


def test_an_admin_client_lists_the_ledger(system: System) -> None:
    system.configure({"kafka": {"ledger_group": f"lag-of-{system.topic}"}})
    for partition in (0, 0, 1):
        system.produce([native(event(id_evento=f"e{partition}"))], partition=partition)
    system.drain()
    assert in_kafka(system, f"lag-of-{system.topic}") == ledger(system) == {0: 2, 1: 1, 2: 0}

    running = system.stream()
    system.produce([native(event(id_evento="e3"))], partition=2)
    deadline = time.monotonic() + 60
    while in_kafka(system, f"lag-of-{system.topic}") != {0: 2, 1: 1, 2: 1}:
        assert time.monotonic() < deadline, running.log()
        time.sleep(0.2)
    running.stop()
    state = "SELECT state, revision, progress ->> 'failures' FROM castro.instance WHERE kind = 'group_offsets' ORDER BY started_at DESC LIMIT 1"
    assert system.query(state) == [("stopped", system.query("SELECT revision FROM castro.stream")[0][0], "0")]


def test_a_group_that_refuses_holds_up_no_commit(system: System) -> None:
    group = f"busy-{system.topic}"
    system.configure({"kafka": {"ledger_group": group}})
    member = Consumer({"bootstrap.servers": system.env[BROKERS], "group.id": group, "log_level": 0})
    assigned: list[list[TopicPartition]] = []
    member.subscribe([system.topic], on_assign=lambda _, partitions: assigned.append(partitions))
    while not assigned:
        member.poll(0.2)
    try:
        system.produce([native(event())], partition=0)
        log = system.drain()
    finally:
        member.close()
    assert "not committed to group busy-" in log
    assert ledger(system)[0] == 1
    assert system.query("SELECT (progress ->> 'failures')::int > 0 FROM castro.instance WHERE kind = 'group_offsets'") == [(True,)]
