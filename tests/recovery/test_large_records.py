"""More bytes than the JVM has memory for, small records before and between them: all of it goes through, in slices."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from confluent_kafka import Producer

from tests.builders import event, native
from tests.system import System

pytestmark = pytest.mark.slow
HEAP = "480m"
KB, MB = 1_000, 1 << 20
# Count and bytes of a record; the first ones let the stream believe that records are small.
RUNS = ((2_000, 300), (1_000, 200 * KB), (300, MB - 1), (10, MB + 1), (50, 300), (4, 3 * MB))
TOO_LARGE = 14


def padded(number: int, size: int) -> bytes:
    """An event that an unknown field brings to `size` bytes."""
    plain = native(event(id_evento=f"E{number}", codigo_produto=f"P{number % 50}", extra=""))
    return plain.replace(b'"extra": ""', b'"extra": "%s"' % (b"x" * (size - len(plain))))


def values() -> Iterator[bytes]:
    number = 0
    for count, size in RUNS:
        for _ in range(count):
            yield padded(number, size)
            number += 1


def test_more_than_fits_into_memory(system: System) -> None:
    """Compressed by the thousand, as such records may be: Kafka's own bounds are of compressed bytes."""
    servers = {"bootstrap.servers": system.env["CASTRO_KAFKA_BOOTSTRAP_SERVERS"]}
    system.producer = Producer(
        {**servers, "enable.idempotence": True, "compression.type": "lz4", "message.max.bytes": 4 << 20, "queue.buffering.max.kbytes": 100_000}
    )
    sent = len(system.produce(values()))
    system.env["CASTRO_SPARK_SUBMIT_ARGS"] = f"--driver-memory {HEAP}"
    process = system.start("stream", "--available-now")
    assert process.wait(200) == 0, system.log(process)
    assert system.query("SELECT count(*) FROM ml_inventory_realtime") == [(sent - TOO_LARGE,)]
    assert system.query("SELECT reason, count(*) FROM castro.quarantine GROUP BY 1") == [("too_large", TOO_LARGE)]
    books = "SELECT sum(inserted), sum(quarantined), sum(gaps) FROM castro.batch_books"
    assert system.query(books) == [(sent - TOO_LARGE, TOO_LARGE, 0)]


def test_a_heavy_tail_does_not_hold_up_the_small_ones(system: System) -> None:
    """One large record among hundreds of small ones, wherever it comes."""
    seed = random.randrange(10**6)
    print("seed", seed)
    generator = random.Random(seed)
    sizes = [generator.choice([300] * 99 + [900 * KB]) for _ in range(800)]
    system.configure({"streaming": {"max_batch_bytes": MB}})
    system.produce(padded(number, size) for number, size in enumerate(sizes))
    system.drain()
    assert system.query("SELECT count(*) FROM ml_inventory_realtime") == [(len(sizes),)]
    assert system.query("SELECT sum(inserted) FROM castro.batch_books") == [(len(sizes),)]
