"""A small micro-batch goes on with what comes after it, and ends where Spark is needed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

from tests.builders import event, native
from tests.system import System


def planned(system: System) -> int:
    """How many micro-batches Spark has planned."""
    return sum(1 for file in (system.folder / "checkpoints").rglob("offsets/*") if file.name.isdigit())


def send(system: System, *numbers: int) -> None:
    system.produce([native(event(id_evento=f"E{n}")) for n in numbers])


EVENTS = "SELECT count(*) FROM ml_inventory_realtime"


@contextmanager
def streaming(system: System) -> Iterator[None]:
    """A stream that has committed the event 0; it must end well when it is told to."""
    send(system, 0)
    stream = system.start("stream")
    system.wait_for(EVENTS, 1)
    yield
    system.stop(stream)


def test_it_goes_on_and_a_stop_ends_it(system: System) -> None:
    with streaming(system):
        before = planned(system)
        for number in range(1, 6):
            send(system, number)
            system.wait_for(EVENTS, number + 1)
        assert planned(system) == before  # in less than the ten seconds after which Spark has its turn
        began = time.monotonic()
    assert time.monotonic() - began < 30
    system.drain()
    assert system.query(EVENTS) == [(6,)]
    assert system.query("SELECT sum(inserted), sum(to_offset - from_offset) FROM castro.batch_books") == [(6, 6)]


def test_spark_has_its_turn_after_a_while(system: System) -> None:
    with streaming(system):
        before, number = planned(system), 0
        deadline = time.monotonic() + 60
        while planned(system) == before and time.monotonic() < deadline:
            number += 1
            send(system, number)
            system.wait_for(EVENTS, number + 1)
        assert planned(system) > before


def test_none_is_planned_beside_a_commit(system: System) -> None:
    with streaming(system):
        before = planned(system)
        with closing(system.connect()) as reader:
            reader.cursor().execute("LOCK TABLE ml_inventory_realtime IN EXCLUSIVE MODE")
            send(system, 1)
            system.wait_for("SELECT count(*) FROM pg_locks WHERE relation = 'ml_inventory_realtime'::regclass AND NOT granted", 1)
            send(system, 2, 3, 4)
            time.sleep(0.5)  # not so long that the next slices are smaller
            assert planned(system) == before
            reader.rollback()
        system.wait_for(EVENTS, 5)
        assert system.query("SELECT count(DISTINCT revision) FROM castro.batch_books") == [(3,)]  # of 0, 1, and 2 to 4


def test_records_of_an_added_partition_end_the_waiting(system: System) -> None:
    with streaming(system):
        system.produce([native(event(id_evento="E1"))], partition=system.add_partition())
        system.wait_for(EVENTS, 2)
        send(system, 2)
        system.wait_for(EVENTS, 3)
