"""One set of events, three ways: through the stream, through a backfill of the warehouse, and by the notebooks'
functions. Equal to the last decimal, and to an oracle, over the daylight-saving days of 2018."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from castro_spark.batch.history import from_warehouse
from castro_spark.features import daily, monthly, value_total, with_calendar
from castro_spark.local import Stack
from castro_spark.projection.followers import following
from castro_spark.settings import load_settings
from castro_spark.streams import stream
from tests import oracle
from tests.builders import native
from tests.databases import warehouse as w
from tests.statements import composed
from tests.system import System

INVENTORY = stream("inventory")
# In Castro the 17th of February has 25 hours, the 4th of November 23.
PERIODS = [(datetime(2018, 2, 16, tzinfo=timezone.utc), 4), (datetime(2018, 11, 3, tzinfo=timezone.utc), 4)]
SUMS = INVENTORY.aggregate_columns
EVENTS = [c for c in INVENTORY.event_columns if c != "source_position"]
pytestmark = pytest.mark.slow


@pytest.fixture
def twin(stack: Stack, tmp_path: Path) -> Iterator[System]:
    """A second clean system."""
    folder = tmp_path / "twin"
    folder.mkdir()
    twin = System(stack, folder)
    twin.migrate()
    yield twin
    twin.end()


def versions(chance: random.Random, count: int) -> list[w.Row]:
    """What the warehouse holds: events and their corrections, of which some move product and day, by time of change."""
    rows = []
    for number in range(count):
        start, days = chance.choice(PERIODS)
        happened = start + timedelta(microseconds=chance.randrange(days * 86_400_000_000))
        committed = happened + timedelta(seconds=chance.randrange(200_000))
        for _ in range(chance.choice((1, 1, 1, 2, 3))):
            rows.append(w.transaction(
                number, committed, data_movimentacao=happened, codigo_produto=f"P{chance.randrange(9)}",
                tipo_movimentacao=chance.choice(("ENTRADA", "SAIDA", "AJUSTE")),
                quantidade=Decimal(chance.randrange(-10**6, 10**9)) / 1000, custo_unitario=Decimal(chance.randrange(10**7)) / 10000,
                cliente=chance.choice((None, "C;\"ä")),
            ))  # fmt: skip
            committed += timedelta(seconds=chance.randrange(1, 400_000))
            happened += timedelta(seconds=chance.randrange(-40_000, 40_000))
    return sorted(rows, key=lambda r: (r["last_modified"], r["id_transacao"]))


def as_sent(row: w.Row) -> dict[str, Any]:
    """The record by which the source told the stream of this version."""
    fields = ("codigo_produto", "tipo_movimentacao", "deposito", "fornecedor", "cliente")
    return {
        "id_evento": row["id_transacao"], "quantidade": str(row["quantidade"]), "custo_unitario": str(row["custo_unitario"]),
        "data_movimentacao": row["data_movimentacao"].isoformat(), **{f: row[f] for f in fields},
    }  # fmt: skip


def notebook(spark: SparkSession) -> dict[str, list[tuple[Any, ...]]]:
    """What a data scientist writes over the warehouse's table."""
    rows = spark.table(w.TRANSACTIONS).select(
        F.col("id_transacao").alias("event_id"),
        F.col("codigo_produto").alias("product_code"),
        F.col("tipo_movimentacao").alias("transaction_type"),
        F.col("quantidade").cast("decimal(18,6)").alias("quantity"),
        F.col("custo_unitario").cast("decimal(18,6)").alias("unit_cost"),
        F.col("data_movimentacao").alias("timestamp"),
        F.unix_micros("last_modified").alias("source_position"),  # anything that sorts as the changes do
    )
    events = with_calendar(rows, w.ZONE.key).withColumn("value_total", value_total(F.col("quantity"), F.col("unit_cost")))

    def held(frame: DataFrame) -> list[tuple[Any, ...]]:
        return sorted(tuple(row) for row in frame.collect())

    return {"daily": held(daily(events, INVENTORY)), "monthly": held(monthly(events, INVENTORY))}


def aggregates(system: System) -> dict[str, list[tuple[Any, ...]]]:
    return {
        "daily": sorted(system.query(composed("SELECT product_code, date, {sums} FROM ml_inventory_daily", sums=SUMS))),
        "monthly": sorted(system.query(composed("SELECT product_code, month, {sums} FROM ml_inventory_monthly", sums=SUMS))),
    }


def test_stream_backfill_and_notebook_agree(system: System, twin: System, spark: SparkSession) -> None:
    seed = random.randrange(10**6)
    print("seed", seed)
    rows = versions(random.Random(seed), 1500)
    w.fresh(spark)
    w.append(spark, w.TRANSACTIONS, rows)
    # The stream: all versions in the order of their change, so in one partition.
    sent = [as_sent(row) for row in rows]
    positions = system.produce((native(data) for data in sent), partition=0)
    system.drain()
    # The warehouse, in many chunks, with a zone of the session that is not ours (conftest).
    twin.configure({"backfill": {"chunk_records": 300}})
    settings = load_settings(conf_file=twin.conf, environ=twin.env)
    with following(settings, [INVENTORY]):
        done = from_warehouse(
            spark, settings, INVENTORY, date(2018, 1, 1), date(2018, 12, 31), restart=False, stopping=Event(), report=print
        )
    assert (done.inserted, done.rejects) == (len({r["id_transacao"] for r in rows}), 0)
    streamed, backfilled = aggregates(system), aggregates(twin)
    assert streamed == backfilled
    assert streamed == notebook(spark)
    by_day, by_month = oracle.aggregates(list(zip(positions, sent, strict=True)))
    assert streamed["daily"] == sorted((*key, *sums.row()) for key, sums in by_day.items())
    assert streamed["monthly"] == sorted((*key, *sums.row()) for key, sums in by_month.items())
    assert {date(2018, 2, 17), date(2018, 11, 4)} <= {day for _, day, *_ in streamed["daily"]}
    events = composed("SELECT {columns} FROM ml_inventory_realtime ORDER BY event_id", columns=EVENTS)
    assert system.query(events) == twin.query(events)
    hashes = [realtime(s) for s in (system, twin)]
    assert hashes[0] == hashes[1]
    assert len(hashes[0]) == 9
    # And the stream over what was backfilled, its first start: as if each event had come once.
    twin.produce((native(data) for data in sent), partition=0)
    twin.drain()
    assert aggregates(twin) == streamed
    assert system.query(events) == twin.query(events)


def realtime(system: System) -> dict[str, dict[str, str]]:
    own = {"version", "created_at", "updated_at", "source_position"}
    keys = system.redis.scan_iter("inventory:realtime:*")
    return {k: {n: v for n, v in system.redis.hgetall(k).items() if n not in own} for k in keys}
