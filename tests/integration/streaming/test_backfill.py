"""A range rebuilt from the archive: what the stream wrote, to the last digit, whatever was lost of it."""

from __future__ import annotations

import json
import random
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Event
from typing import Any

import pytest

from tests import oracle
from tests.builders import ZONE, debezium, debezium_key, event, native, random_events, retail_events
from tests.statements import composed
from tests.system import System
from tests.unit.parse.test_records import REJECTS

SUMS = ("transactions", "volume", "value", "volume_in", "volume_out", "value_in", "value_out", "last_unit_cost")
EVENTS = (
    "event_id", "product_code", "transaction_type", "quantity", "unit_cost", "value_total", "timestamp", "warehouse", "supplier", "customer",
    "date", "month", "quarter", "day_of_week", "is_weekend",
)  # fmt: skip
DAILY = composed("SELECT product_code, date, {sums} FROM ml_inventory_daily ORDER BY 1, 2", sums=SUMS)
MONTHLY = composed("SELECT product_code, month, {sums} FROM ml_inventory_monthly ORDER BY 1, 2", sums=SUMS)
STATE = {
    "events": composed("SELECT {columns}, source_position::text FROM ml_inventory_realtime ORDER BY 1", columns=EVENTS),
    "daily": DAILY,
    "monthly": MONTHLY,
    # Of what was deleted and came again there may be a note, which counts for nothing.
    "deleted": "SELECT event_id, source_position::text FROM castro.deleted"
    " WHERE event_id NOT IN (SELECT event_id FROM ml_inventory_realtime) ORDER BY 1",
    "quarantine": "SELECT topic, generation, partition, \"offset\", record_timestamp, key, value, reason, detail, status"
    " FROM castro.quarantine ORDER BY generation, partition, \"offset\"",
    "ledger": "SELECT partition, next_offset FROM castro.offset_ledger ORDER BY 1",
}  # fmt: skip
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
LOST = "TRUNCATE ml_inventory_realtime, ml_inventory_daily, ml_inventory_monthly, castro.deleted, castro.quarantine"


@pytest.fixture
def archived(archived: System) -> System:
    # Chunks small enough that there are many.
    archived.configure({"backfill": {"chunk_records": 500}, "streaming": {"max_offsets_per_trigger": 3000}})
    return archived


def state(system: System) -> dict[str, Any]:
    """All that is to be the same again: rows without their times and revisions, and hashes without their versions."""
    found: dict[str, Any] = {name: [plain(row) for row in system.query(query)] for name, query in STATE.items()}
    keys = [k for k in sorted(system.redis.scan_iter("*", count=5000)) if not k.startswith("castro:")]
    own = ("version", "created_at", "updated_at")
    found["redis"] = {k: {n: v for n, v in system.redis.hgetall(k).items() if n not in own} for k in keys}
    return found


def plain(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(bytes(value) if isinstance(value, memoryview) else value for value in row)


def send_changes(system: System, chance: random.Random, count: int) -> None:
    """Rows under change data capture: inserts, updates that move days and leave columns unsent, deletes, tombstones."""
    rows: dict[str, dict[str, Any]] = {}
    for number in range(count):
        key = f"K{chance.randrange(count // 4)}"
        place = {"sequence": f'["{number + 99}","{number + 100}"]', "lsn": number + 100}
        row = chance.choice(random_events(chance, 1))
        if key in rows and chance.random() < 0.3:
            value: bytes | None = debezium(None, op="d", before={"id_evento": key}, **place)
            del rows[key]
        else:
            sent = dict(row)
            for name in ("custo_unitario", "data_movimentacao", "deposito"):
                if key in rows and chance.random() < 0.3:
                    sent[name] = "__debezium_unavailable_value"
            value = debezium(sent, op="u" if key in rows else "c", **place)
            rows[key] = row
        partition = sum(key.encode()) % 3
        system.producer.produce(system.topic, value, key=debezium_key(id=key), partition=partition)
        if key not in rows:
            system.producer.produce(system.topic, None, key=debezium_key(id=key), partition=partition)
    # Updates of rows of which nothing is known: one can be used, of the other a needed column is nowhere.
    row = random_events(chance, 1)[0]
    for name, column in (("X", "fornecedor"), ("Y", "custo_unitario")):
        value = debezium(row | {column: "__debezium_unavailable_value"}, op="u")
        system.producer.produce(system.topic, value, key=debezium_key(id=name), partition=0)
    # And the delete of a row that was there before all this.
    system.producer.produce(system.topic, debezium(None, op="d", before={}), key=debezium_key(id="Z"), partition=0)
    system.producer.flush(60)


def send_all(system: System, seed: int) -> None:
    chance = random.Random(seed)
    # Half of the random events are corrections, most of which move day or product.
    system.produce(native(e) for e in [*random_events(chance, 2500), *retail_events()[:2000]])
    send_changes(system, chance, 600)
    future = (datetime.now(ZONE) + timedelta(days=3)).isoformat()
    rejects = [value for values in REJECTS.values() for value in values]
    system.produce([*rejects, native(event(data_movimentacao=future)), None, native(event(), table="other")])


def backfill(system: System, *arguments: str) -> dict[str, Any]:
    output = system.job("backfill", "--stream", "inventory", *arguments, "--from-archive", "--json")
    found: dict[str, Any] = json.loads(output[output.index("{") : output.index("\n}") + 2])
    return found


def test_what_was_lost_comes_back_as_it_was(archived: System) -> None:
    seed = random.randrange(10**6)
    print("seed", seed)
    send_all(archived, seed)
    archived.drain()
    before = state(archived)
    assert len(before["events"]) > 1500
    assert before["deleted"]
    assert {"unavailable_value", "timestamp_out_of_range", "not_json"} <= {q[7] for q in before["quarantine"]}
    everything = ("--from", "1990-01-01", "--to", "2100-01-01")
    # With all of it there, nothing changes.
    done = backfill(archived, *everything)
    assert (done["inserted"], done["corrected"], done["deleted"]) == (0, 0, 0)
    assert state(archived) == before
    archived.query(LOST)
    archived.redis.flushdb()
    done = backfill(archived, *everything)
    assert done["chunks"] > 5
    assert done["inserted"] == len(before["events"])
    after = state(archived)
    assert after == before
    done = backfill(archived, *everything)
    assert (done["inserted"], done["corrected"], done["deleted"]) == (0, 0, 0)
    assert state(archived) == before
    assert not (archived.folder / "archive" / ".backfill" / "inventory").exists()


def test_a_range_brings_just_what_concerns_it_while_the_stream_runs(archived: System) -> None:
    chance = random.Random(5)
    events = random_events(chance, 3000)
    sent = list(zip(archived.produce(native(e) for e in events), events, strict=True))
    archived.drain()
    days = sorted({oracle.instant(e["data_movimentacao"]).astimezone(ZONE).date() for e in events})
    first, last = days[5], days[15]
    moved = ("SELECT count(*)::int FROM ml_inventory_realtime WHERE date NOT BETWEEN %(first)s AND %(last)s")
    concerned = {
        d["id_evento"] for _, d in sent
        if first <= oracle.instant(d["data_movimentacao"]).astimezone(ZONE).date() <= last
    }  # fmt: skip
    archived.query(LOST)
    archived.redis.flushdb()  # else a day that was lost, and whose events then move, keeps its hash: no commit emptied it
    done = backfill(archived, "--from", str(first), "--to", str(last))
    assert {i for (i,) in archived.query("SELECT event_id FROM ml_inventory_realtime")} == concerned
    assert done["inserted"] == len(concerned)
    assert archived.query(moved, {"first": first, "last": last})[0][0] > 0  # corrections moved them out of it
    # The rest, amid new events and corrections of the same identities.
    stream, done_with = archived.stream(), Event()

    def send_on() -> None:
        while not done_with.wait(0.3):
            new = random_events(chance, 100)
            sent.extend(zip(archived.produce(native(e) for e in new), new, strict=True))

    with ThreadPoolExecutor(1) as pool:
        sending = pool.submit(send_on)
        try:
            backfill(archived, "--from", "1990-01-01", "--to", "2100-01-01")
        finally:
            done_with.set()
        sending.result()
    archived.wait_for("SELECT sum(next_offset)::bigint FROM castro.offset_ledger", len(sent))
    stream.stop()
    oracle.assert_redis_agrees(archived, sent)
    daily, monthly = oracle.aggregates(sent)
    got = {(r[0], r[1]): r[2:] for r in archived.query(DAILY)}
    assert got == {key: sums.row() for key, sums in daily.items()}
    got = {(r[0], r[1]): r[2:] for r in archived.query(MONTHLY)}
    assert got == {key: sums.row() for key, sums in monthly.items()}


def test_wrong_usage_is_told(archived: System) -> None:
    days = ("--stream", "inventory", "--from", "2024-05-01")
    assert "is after --to" in archived.job("backfill", *days, "--to", "2024-04-30", "--from-archive", status=2)
    assert "there is no archive in" in archived.job("backfill", *days, "--to", "2024-05-01", "--from-archive", status=1)
