"""History from the warehouse into the stream's own tables: resumed, repeated, and beside what was streamed."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from threading import Event
from typing import Any

import pytest
from pyspark.sql import SparkSession

from castro_spark.batch.backfill import Progress
from castro_spark.batch.history import from_warehouse
from castro_spark.errors import CastroError, SettingsError
from castro_spark.settings import load_settings
from castro_spark.streams import stream
from tests.builders import event, native
from tests.consumer import Consumer
from tests.databases import warehouse as w
from tests.databases.warehouse import HOUR, START
from tests.statements import composed
from tests.system import System

INVENTORY = stream("inventory")
TABLES = (
    "ml_inventory_realtime", "ml_inventory_daily", "ml_inventory_monthly", "castro.stream", "castro.offset_ledger", "castro.batch_books",
    "castro.quarantine", "castro.emptied", "castro.deleted", "castro.touched", "castro.backfilled_month",
)  # fmt: skip
HELD = "SELECT event_id, product_code, quantity, \"timestamp\" FROM ml_inventory_realtime ORDER BY event_id"
DAY = timedelta(days=1)


def row(number: int, at: datetime, **values: Any) -> w.Row:
    return w.transaction(number, at, **{"cliente": "C", **values})


@pytest.fixture
def past(lake: System) -> System:
    """Empty tables on both sides, and chunks small enough that there are many."""
    lake.query(composed("TRUNCATE {tables}", tables=TABLES))
    lake.configure({"backfill": {"chunk_records": 40}})
    return lake


def backfill(
    spark: SparkSession, system: System, first: date = date(2018, 1, 1), last: date = date(2018, 12, 31), *,
    restart: bool = False, report: Callable[[Progress], None] = lambda _: None, stopping: Event | None = None,
) -> Progress:  # fmt: skip
    settings = load_settings(conf_file=system.conf, environ=system.env)
    return from_warehouse(
        spark, settings, INVENTORY, first, last, restart=restart, stopping=stopping or Event(), report=report
    )


def expected(rows: list[w.Row]) -> list[tuple[Any, ...]]:
    held = [r for r in w.newest(rows).values() if not r["excluido"]]
    return sorted((r["id_transacao"], r["codigo_produto"], r["quantidade"], r["data_movimentacao"]) for r in held)


def test_cut_off_it_goes_on_with_the_month_that_it_was_in(past: System, spark: SparkSession) -> None:
    chance = random.Random(3)
    rows = [row(n, START + n * DAY, quantidade=Decimal(chance.randrange(10**6)) / 1000) for n in range(200)]
    rows += [{**r, "excluido": True, "last_modified": r["last_modified"] + HOUR} for r in rows[::10]]
    rows += [{**r, "quantidade": Decimal(5), "last_modified": r["last_modified"] + 400 * DAY} for r in rows[5:200:10]]
    w.append(spark, w.TRANSACTIONS, rows)
    stopping, told = Event(), list[Progress]()

    def stop_in_april(progress: Progress) -> None:
        told.append(progress)
        if progress.month == "2018-04":
            stopping.set()

    with pytest.raises(CastroError, match="run it again"):
        backfill(spark, past, report=stop_in_april, stopping=stopping)
    assert [p.month for p in told] == ["2018-02", "2018-03", "2018-04"]
    assert "2018-04, chunk 3 of" in told[-1].line()
    # Meanwhile the warehouse moves an event of a later month to one that is done.
    moved = row(150, datetime.now(timezone.utc), data_movimentacao=START)
    w.append(spark, w.TRANSACTIONS, [moved])
    rows.append(moved)
    done = backfill(spark, past)
    assert done.records == 200 - sum(p.done for p in told[-1:])
    assert past.query(HELD) == expected(rows)
    assert past.query("SELECT count(*)::int FROM castro.backfilled_month") == [(0,)]
    # Done whole, it does all of it again if it is told to, which changes nothing.
    daily = past.query("SELECT * FROM ml_inventory_daily ORDER BY 1, 2")
    again = backfill(spark, past)
    assert (again.records, again.inserted, again.corrected, again.deleted) == (200, 0, 0, 0)
    assert past.query("SELECT * FROM ml_inventory_daily ORDER BY 1, 2") == daily
    assert past.query(HELD) == expected(rows)


def test_what_the_warehouse_changed_since_is_brought_by_the_next(past: System, spark: SparkSession) -> None:
    rows = [row(n, START) for n in range(3)]
    w.append(spark, w.TRANSACTIONS, rows)
    backfill(spark, past)
    rows += [row(0, START + HOUR, quantidade=Decimal(77), data_movimentacao=START + 3 * DAY)]
    rows += [row(1, START + HOUR, excluido=True)]
    w.append(spark, w.TRANSACTIONS, rows[3:])
    done = backfill(spark, past, date(2018, 2, 17), date(2018, 2, 17))
    assert (done.inserted, done.corrected, done.deleted, done.stale) == (0, 1, 1, 1)
    assert past.query(HELD) == expected(rows)


def test_what_was_streamed_counts_whichever_came_first(past: System, spark: SparkSession) -> None:
    consumer = Consumer(past)
    w.append(spark, w.TRANSACTIONS, [row(n, START, quantidade=Decimal(1)) for n in range(4)])

    def streamed(number: int, offset: int) -> None:
        data = event(id_evento=f"T{number}", quantidade="2", data_movimentacao=START.isoformat())
        consumer.consume(offset, [(0, offset, native(data))], by_executors=False, twice=False)

    streamed(0, 0)
    backfill(spark, past)
    streamed(1, 1)
    backfill(spark, past)
    assert past.query("SELECT event_id, quantity::int FROM ml_inventory_realtime ORDER BY 1") == [
        ("T0", 2), ("T1", 2), ("T2", 1), ("T3", 1),
    ]  # fmt: skip
    assert past.query("SELECT sum(transactions)::int, sum(volume)::int FROM ml_inventory_daily") == [(4, 6)]
    # The ledger is the stream's: a guest moves no offsets.
    assert past.query("SELECT sum(next_offset)::int FROM castro.offset_ledger") == [(2,)]
    consumer.close()


def test_what_cannot_be_used_goes_to_quarantine_once_and_can_be_mended(past: System, spark: SparkSession) -> None:
    w.append(spark, w.TRANSACTIONS, [row(n, START, custo_unitario=Decimal(-n)) for n in range(3)])
    assert backfill(spark, past).rejects == 2
    backfill(spark, past)
    quarantined = "SELECT id, topic, generation, reason FROM castro.quarantine WHERE status = 'open' ORDER BY id"
    found = past.query(quarantined)
    assert [row[1:] for row in found] == [(w.TRANSACTIONS, -1, "out_of_range")] * 2
    value = past.query("SELECT value FROM castro.quarantine ORDER BY id")[0][0]
    mended = past.folder / "mended.json"
    mended.write_bytes(bytes(value).replace(b'"custo_unitario":"-', b'"custo_unitario":"'))
    past.job("quarantine", "replay", "--id", str(found[0][0]), "--value-file", str(mended))
    assert past.query("SELECT count(*)::int FROM ml_inventory_realtime") == [(2,)]
    backfill(spark, past)
    assert past.query(quarantined) == found[1:]


def test_an_incremental_extract_brings_its_rows_to_the_streams_tables_and_redis(past: System, spark: SparkSession) -> None:
    w.append(spark, w.TRANSACTIONS, [row(1, START)])
    first = w.run(spark, past)[w.TARGET]
    assert first.events == {}  # the history is for backfill
    w.append(spark, w.TRANSACTIONS, [row(2, START + HOUR), row(1, START + HOUR, quantidade=Decimal("2.5"))])
    result = w.run(spark, past)[w.TARGET]
    assert (result.problem, result.events) == (None, {"inventory": 2})
    assert past.redis.hget("inventory:realtime:P1", "quantity") == "2.5"
    assert past.redis.hget("inventory:realtime:P2", "value_total") == "2.5"
    # A newer event has been streamed: what the batch brings later does not overwrite it.
    consumer = Consumer(past)
    data = event(id_evento="T1", codigo_produto="P1", quantidade="9", data_movimentacao=START.isoformat())
    consumer.consume(0, [(0, 0, native(data))], by_executors=False, twice=False)
    w.append(spark, w.TRANSACTIONS, [row(1, START + 2 * HOUR, quantidade=Decimal(4))])
    assert w.run(spark, past)[w.TARGET].events == {"inventory": 1}  # T2, which this test's consumer began without
    assert past.redis.hget("inventory:realtime:P1", "quantity") == "9"
    consumer.close()


def test_a_warehouse_that_cannot_be_read_or_is_not_named_is_an_error(past: System, spark: SparkSession) -> None:
    past.configure({"warehouse": {"tables": {w.TARGET: {"source": "castrolanda_inventory.nowhere"}}}})
    with pytest.raises(CastroError, match=r"no table castrolanda_inventory\.nowhere"):
        backfill(spark, past)
    past.configure({"streams": {"inventory": {"history": None}}})
    conf = past.conf.read_text().replace("partitions: 3", "history: null\n    partitions: 3")
    past.conf.write_text(conf)
    with pytest.raises(SettingsError, match=r"streams\.inventory\.history is not set"):
        backfill(spark, past)
