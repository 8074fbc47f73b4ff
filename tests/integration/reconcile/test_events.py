"""A day's events: the warehouse against PostgreSQL, on a real Hive (Derby), PostgreSQL and Redis."""

from __future__ import annotations

import random
import shutil
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import yaml
from pyspark.sql import SparkSession

from castro_spark.reconcile import repair
from castro_spark.reconcile.run import reconcile
from castro_spark.settings import load_settings
from tests.builders import native
from tests.consumer import Consumer
from tests.databases import warehouse as w
from tests.databases.reconciling import (
    DAY,
    FREE,
    INVENTORY,
    TODAY,
    assert_is,
    assert_nothing_to_do,
    consume,
    found,
    noon,
    record,
    row,
    run,
    state,
)  # fmt: skip
from tests.system import System


def test_equal_data_is_nothing_to_do(consumer: Consumer, lake: System, spark: SparkSession) -> None:
    rows = [row(n) for n in range(1, 30)] + [row(n, DAY - timedelta(days=1)) for n in range(30, 40)]
    w.append(spark, w.TRANSACTIONS, rows)
    consume(consumer, rows)
    before = state(lake)
    result = run(spark, lake)
    assert_nothing_to_do(result)
    assert (result.rows_in_warehouse, result.rows_in_postgres, result.products, result.products_differing) == (29, 29, 7, 0)
    assert state(lake) == before


def test_every_class_is_found_and_repaired(consumer: Consumer, lake: System, spark: SparkSession) -> None:
    """Missing, extra, different, moved to another day, moved from another day, another product, deleted."""
    before, after = DAY - timedelta(days=3), TODAY
    later = noon(DAY) + 10 * w.HOUR
    sound = [row(n) for n in range(1, 20)]
    warehouse = [
        *sound,
        row(20), row(21),  # missing
        row(22, quantidade=Decimal("-7.5")), row(23, codigo_produto="P9"), row(24, fornecedor="F"),  # different
        row(25), row(25, before, later),  # moved to another day, of another partition than the events'
        row(26, before), row(26, changed=later, codigo_produto="P8"),  # moved here from another day
        row(27), row(27, changed=later, excluido=True),  # deleted
        row(29, before, noon(before)),  # was always of another day
        row(30, custo_unitario=Decimal(-1)), row(31, custo_unitario=Decimal(-1)),  # unusable
    ]  # fmt: skip
    w.append(spark, w.TRANSACTIONS, warehouse)
    held = [
        *sound,
        row(22), row(23), row(24, cliente=None), row(25), row(26, before), row(27),
        row(28), row(500, codigo_produto="PX"),  # extra
        row(29),
        row(30),
    ]  # fmt: skip
    consume(consumer, held)
    untouched = state(lake)
    plan = run(spark, lake, apply=False)
    assert found(plan) == (2, 3, 6)
    assert plan.unusable == {"out_of_range": 2}
    assert state(lake) == untouched
    assert {e["event_id"] for e in plan.examples["event"] if e["class"] == "different"} == {f"T{n}" for n in (22, 23, 24, 25, 26, 29)}
    differs = {e["event_id"]: e["differs"] for e in plan.examples["event"]}
    assert (differs["T23"], differs["T24"], differs["T20"]) == (["product_code"], ["supplier", "customer"], None)
    events = "SELECT event_id, to_jsonb(e) FROM ml_inventory_realtime e"
    old = dict(lake.query(events))
    result = run(spark, lake)
    assert result.problem is None
    assert (found(result), result.repaired["event"], result.overtaken) == ((2, 3, 6), 11, 0)
    usable = [r for r in warehouse if r["custo_unitario"] >= 0] + [row(30)]  # what is unusable there stays as it is here
    assert_is(lake, usable)
    new = dict(lake.query(events))
    audit = lake.query("SELECT run, class, key, product_code, before, after FROM castro.repair WHERE kind = 'event'")
    assert {a[0] for a in audit} == {result.run}
    changed = {i for i in old.keys() | new.keys() if old.get(i) != new.get(i)}
    assert {a[2]: a[4:] for a in audit} == {i: (old.get(i), new.get(i)) for i in changed}
    assert {a[2]: a[1] for a in audit} == {
        **dict.fromkeys(("T20", "T21"), "missing"), **dict.fromkeys(("T27", "T28", "T500"), "extra"),
        **dict.fromkeys((f"T{n}" for n in (22, 23, 24, 25, 26, 29)), "different"),
    }  # fmt: skip
    assert_nothing_to_do(run(spark, lake))
    assert lake.query("SELECT count(*) FROM castro.repair WHERE kind = 'event'") == [(11,)]
    for day in (before, after):
        assert_nothing_to_do(run(spark, lake, day=day))


def test_the_stream_beats_a_repair_and_its_past_does_not(consumer: Consumer, lake: System, spark: SparkSession) -> None:
    w.append(spark, w.TRANSACTIONS, [row(1, quantidade=Decimal(5)), row(2)])
    past = [row(1), row(3)]
    consume(consumer, past)
    assert found(run(spark, lake, force=True)) == (1, 1, 1)
    # All that came before once more, as a new stream would read it.
    repeated = [(0, n, native(record(told))) for n, told in enumerate(past)]
    position = consumer.positions
    consumer.positions = dict.fromkeys(position, 0)
    lake.query("UPDATE castro.offset_ledger SET next_offset = 0")
    consumer.consume(2, repeated, by_executors=False, twice=False)
    assert_is(lake, [row(1, quantidade=Decimal(5)), row(2)])
    # And what comes after: corrections of all three, that of what was removed too.
    news = [row(n, quantidade=Decimal(70 + n)) for n in (1, 2, 3)]
    consume(consumer, news, number=3)
    assert_is(lake, news)


def test_what_the_stream_changes_after_the_plan_is_overtaken(
    consumer: Consumer, lake: System, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    w.append(spark, w.TRANSACTIONS, [row(n) for n in range(1, 5)])
    consume(consumer, [row(1, quantidade=Decimal(9)), row(2), row(5)])
    news = [row(1, quantidade=Decimal(71)), row(3, quantidade=Decimal(73)), row(5, quantidade=Decimal(75))]
    original = repair.RepairCommits.repair_events

    def late(self: repair.RepairCommits, *arguments: Any) -> Any:
        if not consumer.positions[0] > 3:
            consume(consumer, news, number=2)
        return original(self, *arguments)

    monkeypatch.setattr(repair.RepairCommits, "repair_events", late)
    result = run(spark, lake)
    assert (found(result), result.repaired["event"], result.overtaken) == ((2, 1, 1), 1, 3)
    assert_is(lake, [row(2), row(4), *news])
    assert lake.query("SELECT key, before, class FROM castro.repair WHERE kind = 'event'") == [("T4", None, "missing")]


def test_in_flight_is_left_out(consumer: Consumer, lake: System, spark: SparkSession) -> None:
    now = datetime.now(timezone.utc)
    w.append(spark, w.TRANSACTIONS, [row(1), row(2, changed=now), row(3, quantidade=Decimal(8)), row(4, quantidade=Decimal(8)), row(6)])
    consume(consumer, [row(n) for n in (1, 3, 4, 5)])
    lake.query(
        "UPDATE ml_inventory_realtime SET updated_at = now() - interval '3 hours' WHERE event_id = 'T3';"
        " INSERT INTO castro.deleted VALUES ('inventory', 'T6', '\\x20')"
    )
    result = run(spark, lake, in_flight_minutes=120)
    assert (found(result), result.in_flight, result.repaired["event"]) == ((0, 0, 1), 4, 1)
    assert dict(lake.query("SELECT event_id, quantity FROM ml_inventory_realtime")) == {"T1": 1, "T3": 8, "T4": 4, "T5": 5}


def test_too_many_repairs_are_refused(consumer: Consumer, lake: System, spark: SparkSession) -> None:
    rows = [row(n) for n in range(1, 21)]
    w.append(spark, w.TRANSACTIONS, rows)
    consume(consumer, rows[:-2])
    before = state(lake)
    result = run(spark, lake, change_limit=0.05)
    assert (found(result), result.applied) == ((2, 0, 0), False)
    assert result.problem is not None
    assert "2 repairs for 20 events" in result.problem
    assert "--force" in result.problem
    assert state(lake) == before
    assert run(spark, lake, change_limit=0.05, force=True).problem is None
    assert_is(lake, rows)


def test_an_empty_or_unreadable_warehouse_is_not_all_extra(
    consumer: Consumer, lake: System, spark: SparkSession, tmp_path: Path
) -> None:
    rows = [row(n) for n in range(1, 8)]
    consume(consumer, rows)
    before = state(lake)
    result = run(spark, lake, change_limit=0.5)
    assert result.problem is not None
    assert "the warehouse has no events at all" in result.problem
    w.append(spark, w.TRANSACTIONS, rows)
    location = spark.sql(f"DESCRIBE FORMATTED {w.TRANSACTIONS}").where("col_name = 'Location'").collect()[0][1]
    folder = Path(location.removeprefix("file:")) / f"dt={DAY}"
    shutil.move(folder, tmp_path / "kept")
    result = run(spark, lake, force=True)
    assert result.problem is not None
    assert "there is no" in result.problem
    assert state(lake) == before
    shutil.move(tmp_path / "kept", folder)
    assert_nothing_to_do(run(spark, lake))


def test_a_repair_done_again_changes_nothing_more(
    consumer: Consumer, lake: System, spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where the COMMIT arrived and its answer did not; and a plan that is gone is noticed."""
    w.append(spark, w.TRANSACTIONS, [row(1), row(2, quantidade=Decimal(8))])
    consume(consumer, [row(2), row(3)])
    original = repair.RepairCommits.repair_events

    def twice(self: repair.RepairCommits, *arguments: Any) -> Any:
        original(self, *arguments)
        before = state(lake)
        committed = original(self, *arguments)
        assert state(lake)[0] == before[0]
        return committed

    with monkeypatch.context() as patched:
        patched.setattr(repair.RepairCommits, "repair_events", twice)
        result = run(spark, lake, force=True)
    assert (found(result), result.repaired["event"], result.overtaken) == ((1, 1, 1), 3, 0)
    assert_is(lake, [row(1), row(2, quantidade=Decimal(8))])

    def lost(self: repair.RepairCommits, *arguments: Any) -> Any:
        lake.query("TRUNCATE castro.reconcile_inventory_plan")
        return original(self, *arguments)

    lake.query("UPDATE ml_inventory_realtime SET quantity = 1")
    monkeypatch.setattr(repair.RepairCommits, "repair_events", lost)
    result = run(spark, lake)
    assert result.problem is not None
    assert "the plan for stream inventory was lost" in result.problem


def test_events_without_ids_are_known_by_their_natural_key(consumer: Consumer, lake: System, spark: SparkSession) -> None:
    w.append(spark, w.TRANSACTIONS, [row(n) for n in range(1, 5)] + [row(7, changed=noon(DAY) - 30 * w.HOUR), row(9, custo_unitario=Decimal(-1))])
    held = [row(1), row(2, quantidade=Decimal(8)), row(5), row(7), row(9)]
    batch = [(0, n, native({k: v for k, v in record(r).items() if k != "id_evento"})) for n, r in enumerate(held)]
    consumer.consume(1, batch, by_executors=False, twice=False)
    own = {"streams": {"inventory": {"topic": "t", "history": {"key": [], "table": w.TARGET}}}}
    lake.conf.write_text(yaml.safe_dump({"reconcile": FREE, **own}))
    settings = load_settings(conf_file=lake.conf, environ=lake.env)
    [result] = reconcile(spark, settings, [INVENTORY], DAY, apply=True, force=False, stopping=Event())
    # T7's row is in a partition of before the day, and T9's cannot be used: neither is extra.
    assert (result.problem, found(result), result.repaired["event"]) == (None, (2, 1, 1), 4)
    quantities = [q for (q,) in lake.query("SELECT quantity FROM ml_inventory_realtime ORDER BY 1")]
    assert quantities == [1, 2, 3, 4, 7, 9]
    [again] = reconcile(spark, settings, [INVENTORY], DAY, apply=True, force=False, stopping=Event())
    assert (again.differences, again.repaired) == (0, {})


def test_whatever_differs_each_day_becomes_what_the_warehouse_says(consumer: Consumer, lake: System, spark: SparkSession) -> None:
    """Random versions that move days and products, deletes and returns; PostgreSQL has any of them, others, or none."""
    seed = random.randrange(10**6)
    print("seed", seed)
    chance = random.Random(seed)
    days = [DAY - timedelta(days=n) for n in range(3)]

    def version(number: int, second: int) -> w.Row:
        at = row(number, chance.choice(days))["data_movimentacao"]
        changed = at + timedelta(hours=chance.choice([1, 2, 30]), seconds=second)
        return row(
            number, changed=min(changed, noon(DAY) + timedelta(hours=11, seconds=second)), data_movimentacao=at,
            codigo_produto=f"P{chance.randrange(5)}", quantidade=Decimal(chance.randrange(-999, 999)) / 7 // Decimal("0.001") / 1000,
            tipo_movimentacao=chance.choice(["ENTRADA", "SAIDA", "AJUSTE"]), excluido=chance.random() < 0.15,
        )  # fmt: skip

    warehouse = [version(chance.randrange(1, 50), second) for second in range(90)]
    w.append(spark, w.TRANSACTIONS, warehouse)
    newest = w.newest(warehouse)
    for batch in range(2):  # what the stream brought: the truth, an old truth, or what nobody ever said
        any_of = [chance.choice([newest.get(f"T{n}"), version(n, 0)]) for n in chance.sample(range(1, 60), 30)]
        consume(consumer, [told for told in any_of if told], number=batch + 1)
    for day in days:
        result = run(spark, lake, day=day, force=True)
        assert (result.problem, result.overtaken, result.daily.total, result.monthly.total, result.stale_keys) == (None, 0, 0, 0, 0)
    assert_is(lake, warehouse)
    for day in days:
        assert_nothing_to_do(run(spark, lake, day=day))
