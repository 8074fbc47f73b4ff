"""The driver's own consumer: exactly the committed records between two offsets, or None."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from threading import Timer

import pytest
from confluent_kafka import Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from castro_spark.settings import load_settings
from castro_spark.sources.kafka.followed import FollowedTopic
from tests.system import System

MIB = 1 << 20
AT = 1_700_000_000_000


@pytest.fixture
def followed(system: System) -> Iterator[FollowedTopic]:
    topic = FollowedTopic(load_settings(conf_file=system.conf, environ=system.env).kafka, system.topic, "test", {})
    yield topic
    topic.close()


def send(system: System, partition: int, count: int, size: int = 1, begin: int = 0) -> None:
    for n in range(begin, begin + count):
        value = str(n).encode().ljust(size, b".")
        system.producer.produce(system.topic, value, key=b"k", partition=partition, timestamp=AT + n)
    assert system.producer.flush(30) == 0


def send_and_lose(system: System, count: int, lost: int) -> None:
    """Sends records to partition 0, the first of which then age out."""
    send(system, 0, count)
    admin = AdminClient({"bootstrap.servers": system.env["CASTRO_KAFKA_BOOTSTRAP_SERVERS"]})
    for deleted in admin.delete_records([TopicPartition(system.topic, 0, lost)]).values():
        deleted.result(30)


def transactional(system: System) -> Producer:
    servers = system.env["CASTRO_KAFKA_BOOTSTRAP_SERVERS"]
    producer = Producer({"bootstrap.servers": servers, "transactional.id": system.topic, "log_level": 0})
    producer.init_transactions(30)
    return producer


def read(
    followed: FollowedTopic, starts: Mapping[int, int], ends: Mapping[int, int], most: int = MIB
) -> tuple[list[tuple[int, int, bytes]], dict[int, int]]:
    found = followed.read(starts, ends, most)
    assert found is not None
    rows = found[0].to_pylist()
    return [(r["partition"], r["offset"], r["value"].rstrip(b".")) for r in rows], found[1]


def numbered(partition: int, *offsets: int) -> list[tuple[int, int, bytes]]:
    return [(partition, n, str(n).encode()) for n in offsets]


def test_ranges_one_after_the_other_and_again(system: System, followed: FollowedTopic) -> None:
    send(system, 0, 10)
    send(system, 1, 5)
    assert read(followed, {0: 0, 1: 0}, {0: 4, 1: 2}) == (numbered(0, 0, 1, 2, 3) + numbered(1, 0, 1), {0: 4, 1: 2})
    assert read(followed, {0: 4}, {0: 5}) == (numbered(0, 4), {0: 5})
    assert read(followed, {0: 5, 1: 2}, {0: 10, 1: 5}) == (numbered(0, 5, 6, 7, 8, 9) + numbered(1, 2, 3, 4), {0: 10, 1: 5})
    send(system, 0, 2, begin=10)
    assert read(followed, {0: 10}, {0: 12}) == (numbered(0, 10, 11), {0: 12})
    # Spark read some meanwhile; then a batch is repeated; then one of its middle.
    send(system, 0, 3, begin=12)
    assert read(followed, {0: 14}, {0: 15}) == (numbered(0, 14), {0: 15})
    assert read(followed, {0: 3}, {0: 6}) == (numbered(0, 3, 4, 5), {0: 6})
    assert read(followed, {0: 9}, {0: 11}) == (numbered(0, 9, 10), {0: 11})


def test_all_columns(system: System, followed: FollowedTopic) -> None:
    system.producer.produce(system.topic, None, key=b"k", partition=2, timestamp=AT)
    system.producer.produce(system.topic, b"", partition=2, timestamp=AT + 1)
    assert system.producer.flush(30) == 0
    found = followed.read({2: 0}, {2: 2}, MIB)
    assert found is not None
    at = datetime.fromtimestamp(AT / 1000, timezone.utc)
    assert found[0].to_pylist() == [
        {"partition": 2, "offset": 0, "timestamp": at, "key": b"k", "value": None},
        {"partition": 2, "offset": 1, "timestamp": at.replace(microsecond=1000), "key": None, "value": b""},
    ]


def test_transactions(system: System, followed: FollowedTopic) -> None:
    """Markers and records of an aborted transaction are offsets without records, also the last ones."""
    producer = transactional(system)
    for aborted in (False, True):
        producer.begin_transaction()
        for n in range(2):
            producer.produce(system.topic, str(n).encode(), partition=0)
        assert producer.flush(30) == 0
        (producer.abort_transaction if aborted else producer.commit_transaction)(30)
    assert read(followed, {0: 0}, {0: 6}) == (numbered(0, 0, 1), {0: 6})
    assert read(followed, {0: 3}, {0: 6}) == ([], {0: 6})
    send(system, 0, 1, begin=6)
    assert read(followed, {0: 6}, {0: 7}) == (numbered(0, 6), {0: 7})


def test_it_stops_at_a_size(system: System, followed: FollowedTopic) -> None:
    send(system, 0, 5_000, size=1_000)
    taken: list[tuple[int, int, bytes]] = []
    reads = 0
    while len(taken) < 5_000:
        start = len(taken)
        rows, reached = read(followed, {0: start}, {0: 5_000}, most=MIB)
        assert reached == {0: start + len(rows)}
        assert len(rows) < 5_000
        taken += rows
        reads += 1
    assert taken == numbered(0, *range(5_000))
    assert reads > 1


def test_a_partition_that_is_far_ahead_waits(system: System, followed: FollowedTopic) -> None:
    """Much is fetched of one partition while the other is slow: it is bounded, and comes in order."""
    send(system, 0, 30_000)
    send(system, 1, 1)
    assert read(followed, {0: 0, 1: 0}, {0: 1, 1: 1}) == (numbered(0, 0) + numbered(1, 0), {0: 1, 1: 1})
    done = 1
    while done < 30_000:
        rows, reached = read(followed, {0: done}, {0: min(done + 7_000, 30_000)}, most=64 * MIB)
        assert rows == numbered(0, *range(done, reached[0]))
        done = reached[0]


def test_what_cannot_be_read_is_left_to_spark(system: System, followed: FollowedTopic, caplog: pytest.LogCaptureFixture) -> None:
    send_and_lose(system, 5, lost=3)
    assert followed.read({0: 0}, {0: 5}, MIB) is None
    assert "Spark reads instead" in caplog.text
    assert followed.read({0: 3}, {0: 5}, MIB) is None  # for a while


def more(followed: FollowedTopic, starts: Mapping[int, int], seconds: float = 20.0, rest: float = 0.0) -> dict[int, int]:
    """Where they end; like the stream, asks again where the wait ended without any: a partition's end may end it."""
    deadline = time.monotonic() + seconds
    ends = dict(starts)
    while ends == starts and (left := deadline - time.monotonic()) > 0:
        found = followed.more(starts, left, time.monotonic() + rest)
        assert found is not None
        ends = found
    return ends


def test_it_waits_for_what_comes(system: System, followed: FollowedTopic) -> None:
    send(system, 0, 3)
    assert read(followed, {0: 0, 1: 0}, {0: 3, 1: 0}) == (numbered(0, 0, 1, 2), {0: 3, 1: 0})
    assert more(followed, {0: 3, 1: 0}, seconds=0.1) == {0: 3, 1: 0}  # nothing
    sender = Timer(0.5, send, (system, 1, 2))
    sender.start()
    ends = more(followed, {0: 3, 1: 0})
    sender.join()
    assert ends in ({0: 3, 1: 1}, {0: 3, 1: 2})  # the first may come by itself
    ends = {0: 3, 1: 2} if ends[1] == 2 else more(followed, {0: 3, 1: 0})
    assert read(followed, {0: 3, 1: 0}, ends) == (numbered(1, 0, 1), {0: 3, 1: 2})


def test_what_came_while_it_rested_comes_at_once(system: System, followed: FollowedTopic) -> None:
    send(system, 0, 1)
    sender = Timer(0.3, send, (system, 0, 500, 1, 1))
    sender.start()
    ends = more(followed, {0: 0, 1: 0}, rest=2.0)
    sender.join()
    assert ends == {0: 501, 1: 0}
    assert read(followed, {0: 0, 1: 0}, ends) == (numbered(0, *range(501)), ends)


def test_more_of_a_transaction_comes_once_it_is_committed(system: System, followed: FollowedTopic) -> None:
    producer = transactional(system)
    producer.begin_transaction()
    producer.produce(system.topic, b"0", partition=0)
    assert producer.flush(30) == 0
    assert more(followed, {0: 0}, seconds=1.0) == {0: 0}
    producer.commit_transaction(30)
    ends = more(followed, {0: 0})
    assert ends in ({0: 1}, {0: 2})  # the mark may come with the record, or after it
    assert read(followed, {0: 0}, ends) == (numbered(0, 0), ends)
    if ends == {0: 1}:
        assert more(followed, ends) == {0: 2}
        assert read(followed, {0: 1}, {0: 2}) == ([], {0: 2})


def test_no_more_is_waited_for_where_records_are_gone(system: System, followed: FollowedTopic) -> None:
    send_and_lose(system, 5, lost=3)
    assert followed.more({0: 0}, 10.0, 0.0) is None
