"""A day's aggregates and hashes, the checksums of both sides, and the job as its users call it."""

from __future__ import annotations

import json
from datetime import date, datetime, timedelta, timezone
from decimal import Context, Decimal
from pathlib import Path
from typing import Any

from psycopg2 import sql
from pyspark.sql import SparkSession

from castro_spark.local import Stack
from castro_spark.parse import parsed_types
from castro_spark.reconcile import canonical
from castro_spark.reconcile import checksums as postgres
from castro_spark.reconcile.checksums import Checksum
from castro_spark.sinks.postgres.schema.migrate import migrate
from castro_spark.streams import stream
from tests import engine
from tests.consumer import Consumer
from tests.databases import warehouse as w
from tests.databases.reconciling import DAY, SUMS, assert_is, assert_nothing_to_do, consume, hashes, noon, row, run
from tests.statements import composed
from tests.system import System
from tests.today import today


def test_damaged_aggregates_are_mended(consumer: Consumer, lake: System, spark: SparkSession) -> None:
    rows = [row(n) for n in range(1, 30)]
    w.append(spark, w.TRANSACTIONS, rows)
    consume(consumer, rows)
    damage = composed(
        "UPDATE ml_inventory_daily SET value_in = 1, revision = 1 WHERE product_code = 'P1';"
        " DELETE FROM ml_inventory_daily WHERE product_code = 'P2';"
        " INSERT INTO ml_inventory_daily SELECT 'PZ', %(day)s, {sums}, 1 FROM ml_inventory_daily WHERE product_code = 'P3';"
        " UPDATE ml_inventory_monthly SET last_unit_cost = 9 WHERE product_code = 'P4'",
        sums=SUMS,
    )
    lake.query(damage, {"day": DAY})
    before = hashes(lake)
    result = run(spark, lake, apply=False)
    assert (result.daily.missing, result.daily.extra, result.daily.different, result.monthly.different) == (1, 1, 1, 1)
    result = run(spark, lake)
    assert result.repaired == {"daily": 3, "monthly": 1}
    assert_is(lake, rows)
    audit = lake.query("SELECT kind, class, key, product_code, before ->> 'value_in', after ->> 'value_in' FROM castro.repair")
    sums = dict(lake.query("SELECT product_code, value_in::text FROM ml_inventory_daily"))
    assert sorted(audit, key=str) == sorted([
        ("daily", "different", str(DAY), "P1", "1", sums["P1"]), ("daily", "missing", str(DAY), "P2", None, sums["P2"]),
        ("daily", "extra", str(DAY), "PZ", sums["P3"], None),
        ("monthly", "different", str(DAY.replace(day=1)), "P4", sums["P4"], sums["P4"]),
    ], key=str)  # fmt: skip
    # Of a product that a repair touched the newest event is published anew, too.
    written = {k for k, fields in hashes(lake).items() if fields != before.get(k) and k.startswith("agg:")}
    assert written == {f"agg:daily:P1:{DAY}", f"agg:daily:P2:{DAY}", f"agg:monthly:P4:{DAY.year}-{DAY.month}"}
    assert_nothing_to_do(run(spark, lake))


def test_just_the_stale_hashes_are_written(consumer: Consumer, lake: System, spark: SparkSession) -> None:
    rows = [row(n) for n in range(1, 30)]
    w.append(spark, w.TRANSACTIONS, rows)
    consume(consumer, rows[:20])
    consume(consumer, rows[20:], number=2)
    monthly = f"agg:monthly:P4:{DAY.year}-{DAY.month}"
    tampered = {f"agg:daily:P1:{DAY}": "volume", "inventory:realtime:P2": "quantity", monthly: "more"}
    for key, field in tampered.items():
        lake.redis.hset(key, field, "1")
    removed = f"agg:daily:P3:{DAY}"
    lake.query("UPDATE ml_inventory_realtime SET updated_at = now() - interval '2 hours' WHERE product_code = 'P5'")
    lake.redis.delete(removed, "inventory:realtime:P5")  # of the second the time is over: that is sound
    lake.redis.hset(f"agg:daily:P6:{DAY}", mapping={"value": "0", "version": "9" * 15 + "." + "9" * 15})  # newer than all
    lake.redis.persist(f"agg:daily:P0:{DAY}")
    stale = {*tampered, removed, f"agg:daily:P0:{DAY}"}
    marker = lake.redis.get("castro:published:inventory")
    before = hashes(lake)
    result = run(spark, lake, apply=False)
    assert (result.stale_keys, result.keys_in_flight, result.events.total) == (len(stale), 1, 0)
    assert {e["key"] for e in result.examples["redis"]} == stale
    assert hashes(lake) == before
    assert run(spark, lake).repaired == {"redis": len(stale)}
    after = hashes(lake)
    assert {key: fields for key, fields in after.items() if key not in stale} == {
        key: fields for key, fields in before.items() if key not in stale
    }
    assert lake.redis.get("castro:published:inventory") == marker
    audit = lake.query("SELECT key, before, after, class FROM castro.repair WHERE kind = 'redis'")
    assert {key: (old, new) for key, old, new, _ in audit} == {
        key: (before.get(key), {n: v for n, v in after[key].items() if n != "version"}) for key in stale
    }
    lake.redis.delete(f"agg:daily:P6:{DAY}")
    assert run(spark, lake).repaired == {"redis": 1}
    assert_nothing_to_do(run(spark, lake))
    consume(consumer, [rows[4]], number=3)  # of P5 again, and so it has its hash again
    consume(consumer, [row(40)], number=4)
    assert_is(lake, [*rows, row(40)])


def test_one_at_a_time(consumer: Consumer, lake: System, spark: SparkSession) -> None:
    connection = lake.connect()
    connection.cursor().execute("SELECT pg_advisory_lock(hashtext('castro_spark.reconcile'), hashtext('inventory'))")
    result = run(spark, lake)
    connection.close()
    assert result.problem is not None
    assert "another reconcile" in result.problem


NASTY: list[dict[str, Any]] = [
    {},
    {"supplier": "", "quantity": Decimal(0), "order_number": "\u2028 | \\ ' \" ; --"},
    {"quantity": Decimal("-999999999999.999999"), "unit_cost": Decimal("999999999999.999999"), "expected_delivery": None},
    {"quantity": Decimal("0.000001"), "unit_cost": Decimal("0.000001"), "supplier": "Zé 🐄 e\u0301"},
    {"quantity": Decimal("-0.000001"), "timestamp": datetime(1990, 1, 1, 2, 0, 0, 1, timezone.utc), "event_id": "NULL"},
    {"timestamp": datetime(2999, 12, 31, 23, 59, 59, 999999, timezone.utc), "expected_delivery": date(2018, 2, 18)},
]


def test_checksums_of_both_sides_agree(lake: System, spark: SparkSession) -> None:
    """And differ where anything but the position does."""
    purchases = stream("procurement")
    base = {
        "event_id": "E", "product_code": "P", "quantity": Decimal("1.5"), "unit_cost": Decimal("2.25"), "timestamp": noon(DAY), "supplier": "S",
        "order_number": "O", "expected_delivery": DAY, "date": DAY, "month": 1, "quarter": 2, "day_of_week": 3, "is_weekend": True,
        "source_position": b"\x01",
    }  # fmt: skip
    events = []
    for number, values in enumerate(NASTY):
        whole = {**base, "event_id": f"E{number}", **values, "product_code": f"P{number}"}
        whole["value_total"] = Context(prec=60).multiply(whole["quantity"], whole["unit_cost"])
        events.append({name: whole[name] for name in purchases.event_columns})
    connection = lake.connect()
    migrate(connection, [purchases])
    columns = purchases.event_columns
    marks = sql.SQL(", ").join(map(sql.Placeholder, columns))
    insert = composed("INSERT INTO {table} ({columns}) VALUES ({marks})", table=purchases.events_table, columns=columns, marks=marks)
    connection.cursor().executemany(insert, events)
    connection.commit()
    types = parsed_types(purchases)
    schema = ", ".join(f"`{c}` {types[c]}" for c in purchases.event_columns)
    frame = spark.createDataFrame([tuple(e.values()) for e in events], schema)
    spark_side = {r.pop("product_code"): Checksum(**r) for r in canonical.checksums(frame, purchases).toArrow().to_pylist()}
    products = sorted(spark_side)
    assert postgres.checksums(connection, purchases, DAY, products) == spark_side
    assert len(spark_side) == len(NASTY)
    changes = dict.fromkeys(("quantity", "unit_cost", "value_total"), "{column} + 1")
    changes |= {"timestamp": "{column} + interval '1 microsecond'", "is_weekend": "NOT {column}"}
    changes |= dict.fromkeys(("event_id", "supplier", "order_number"), "{column} || '~'")
    for column in canonical.compared_columns(purchases):
        new = composed(changes.get(column, "{column} + 1"), column=column)
        if column in ("product_code", "date"):
            continue  # these decide which sum an event counts in
        with connection.cursor() as cursor:
            update = "UPDATE {table} SET {column} = {new} WHERE product_code = 'P0'"
            cursor.execute(composed(update, table=purchases.events_table, column=column, new=new))
        connection.commit()
        changed = postgres.checksums(connection, purchases, DAY, ["P0"])["P0"]
        assert changed.hash != spark_side["P0"].hash, column
        spark_side["P0"] = changed
    connection.close()


def test_the_job_and_its_exit_statuses(stack: Stack, tmp_path: Path, spark: SparkSession) -> None:
    """All three streams: what a warehouse knows of a day, brought to empty tables."""
    system = System(stack, tmp_path, ("inventory", "sales", "procurement"))
    system.configure({"reconcile": {"in_flight_minutes": 0}})
    system.migrate(topics=False)
    w.whole(spark, transactions=6000)
    system.env["CASTRO_WAREHOUSE_DIR"] = str(engine.warehouse_folder())
    day = ("--date", "2024-12-20")
    refused = system.job("reconcile", "--apply", *day, status=1)
    assert f"reconcile {day[1]}: inventory, procurement, sales:" in refused
    assert "more than reconcile.change_limit (5.0%) allows; nothing was changed" in refused
    assert system.query("SELECT count(*) FROM castro.repair") == [(0,)]
    output = system.job("reconcile", "--apply", "--force", *day, "--json")
    told = json.loads(output[output.index("[\n") : output.rindex("]\n") + 1])
    assert [t["stream"] for t in told] == ["inventory", "procurement", "sales"]
    for one in told:
        assert one["events"] == {"missing": one["rows_in_warehouse"], "extra": 0, "different": 0}
        assert one["repaired"].get("event", 0) == one["rows_in_warehouse"]
        assert (one["stale_keys"], one["daily"], one["problem"]) == (0, {"missing": 0, "extra": 0, "different": 0}, None)
    assert told[0]["rows_in_warehouse"] > 0
    again = system.job("reconcile", "--apply", *day)
    assert "inventory, procurement, sales: nothing to do" in again
    system.query("DELETE FROM ml_inventory_daily WHERE date = %(day)s", {"day": day[1]})
    # Without a date: of yesterday this warehouse knows nothing, and nothing is there.
    assert f"reconcile {today() - timedelta(days=1)}: sales: nothing to do" in system.job("reconcile", "--stream", "sales")
    assert f"daily: {told[0]['products']} missing, 0 extra" in system.job("reconcile", "--stream", "inventory", *day)
    assert "--force without --apply" in system.job("reconcile", "--force", status=2)
    system.end()
