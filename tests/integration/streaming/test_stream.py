"""The stream on real servers: the month of real movements, reason codes from real bytes, corrections."""

from __future__ import annotations

import random
import shutil
from typing import Any

import pytest

from tests import oracle
from tests.builders import event, native, random_events, retail_events
from tests.system import System
from tests.unit.parse.test_records import REJECTS

Sent = list[tuple[tuple[int, int], dict[str, Any]]]


def send(system: System, events: list[dict[str, Any]]) -> Sent:
    return list(zip(system.produce(native(e) for e in events), events, strict=True))


def test_a_month_of_real_movements_twice_shuffled_and_corrected(system: System) -> None:
    system.configure({"streaming": {"executor_staging_rows": 15_000, "max_offsets_per_trigger": 20_000}})
    events = retail_events()
    sent = send(system, events)
    again = list(events)
    seed = random.randrange(10**6)
    print("seed", seed)
    random.Random(seed).shuffle(again)
    sent += send(system, again)
    # A correction moves the event to the day before.
    corrections = [{**e, "quantidade": e["quantidade"] + 1, "custo_unitario": "1.23"} for e in events[::10]]
    sent += send(system, corrections)
    system.drain()
    oracle.assert_agrees(system, sent)
    # Without its checkpoint, and with nothing new, the same again.
    shutil.rmtree(system.folder / "checkpoints")
    sent += send(system, random_events(random.Random(seed), 50))
    system.drain()
    oracle.assert_agrees(system, sent)


@pytest.mark.parametrize("drivers_consumer", [True, False])
def test_every_reason_code_from_real_bytes(system: System, drivers_consumer: bool) -> None:
    system.configure({"streaming": {"drivers_consumer": drivers_consumer}})
    bad = {value: reason for reason, values in REJECTS.items() for value in values}
    positions = system.produce([*bad, None, native(event(), table="other"), native(event())], partition=0)
    system.drain()
    rows = system.query('SELECT value, reason, partition, "offset" FROM castro.quarantine ORDER BY "offset"')
    assert [(bytes(r[0]), r[1], (r[2], r[3])) for r in rows] == [
        (value[: 1 << 20], reason, position)
        for (value, reason), position in zip(bad.items(), positions, strict=False)
    ]
    assert system.query("SELECT sum(inserted), sum(skipped), sum(quarantined) FROM castro.batch_books") == [
        (1, 2, len(bad))
    ]


def test_a_correction_that_empties_a_day_leaves_no_row_and_no_key(system: System) -> None:
    today = random_events(random.Random(1), 1)[0] | {"codigo_produto": "A", "id_evento": "X"}
    moved = {**today, "codigo_produto": "B"}
    positions = system.produce([native(today)], partition=0)
    system.drain()
    positions += system.produce([native(moved)], partition=0)
    system.drain()
    oracle.assert_agrees(system, list(zip(positions, [today, moved], strict=True)))
    assert system.query("SELECT product_code FROM ml_inventory_daily") == [("B",)]
    assert not list(system.redis.scan_iter("*:A*"))


def test_only_other_tables_still_move_the_ledger(system: System) -> None:
    system.produce([native(event(), table="other")] * 5, partition=1)
    system.drain()
    assert system.query("SELECT next_offset FROM castro.offset_ledger ORDER BY partition") == [(0,), (5,), (0,)]
