"""A small micro-batch ends with its commit: Spark plans the next one afterwards, with all that has come meanwhile."""

from __future__ import annotations

import time
from contextlib import closing

from tests.builders import event, native
from tests.system import System


def planned(system: System) -> int:
    """How many micro-batches Spark has planned."""
    return sum(1 for file in (system.folder / "checkpoints").rglob("offsets/*") if file.name.isdigit())


def test_none_is_planned_beside_a_commit(system: System) -> None:
    system.produce([native(event(id_evento="E0"))])
    stream = system.start("stream")
    system.wait_for("SELECT count(*) FROM ml_inventory_realtime", 1)
    before = planned(system)
    with closing(system.connect()) as reader:
        reader.cursor().execute("LOCK TABLE ml_inventory_realtime IN EXCLUSIVE MODE")
        system.produce([native(event(id_evento="E1"))])
        system.wait_for("SELECT count(*) FROM pg_locks WHERE relation = 'ml_inventory_realtime'::regclass AND NOT granted", 1)
        system.produce([native(event(id_evento=f"E{n}")) for n in range(2, 5)])
        time.sleep(2)
        assert planned(system) == before + 1
        reader.rollback()
    system.wait_for("SELECT count(*) FROM ml_inventory_realtime", 5)
    assert planned(system) == before + 2
    stream.terminate()
    assert stream.wait(60) == 0
