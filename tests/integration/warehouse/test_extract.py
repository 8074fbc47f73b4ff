"""The incremental extract, on a real Hive (Derby), PostgreSQL and Redis, against an oracle in plain Python."""

from __future__ import annotations

import random
import re
import shutil
from datetime import datetime, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from castro_spark.batch import extract as batch
from castro_spark.local import Stack
from castro_spark.settings import load_settings
from castro_spark.sources.hive import read_table
from tests.databases import warehouse as w
from tests.databases.warehouse import HOUR, START
from tests.statements import composed
from tests.system import System


def last_sync(system: System, table: str = w.TARGET) -> str | None:
    return system.redis.get(f"last_sync:{table}")  # type: ignore[return-value]


def iso(at: datetime) -> str:
    return at.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def test_agrees_with_the_oracle_after_every_run(lake: System, spark: SparkSession) -> None:
    """Late commits within the overlap, corrections, deletes, over both clock changes of 2018."""
    seed = random.randrange(10**6)
    print("seed", seed)
    chance = random.Random(seed)
    sent: list[w.Row] = []
    for now in (START, START + 8 * HOUR, START + 16 * HOUR, START + 17 * HOUR, datetime(2018, 11, 4, 6, tzinfo=timezone.utc)):
        rows = w.random_rows(chance, 80, now, 2 * HOUR if sent else 2000 * HOUR)
        w.append(spark, w.TRANSACTIONS, rows)
        sent += rows
        result = w.run(spark, lake)[w.TARGET]
        assert result.done, result.problem
        assert w.held(lake) == w.expected(sent)
        newest = max(row["last_modified"] for row in sent)
        assert result.watermark == newest
        assert last_sync(lake) == iso(newest)
        assert lake.redis.ttl(f"last_sync:{w.TARGET}") == -1
    loaded = composed("SELECT max(loaded_at), sum(xmin::text::bigint) FROM {target}", target=w.TARGET)
    before = lake.query(loaded)
    again = w.run(spark, lake)[w.TARGET]
    assert (again.inserted, again.updated, again.watermark) == (0, 0, newest)
    assert lake.query(loaded) == before


def test_overlap_decides_what_is_read_again(lake: System, spark: SparkSession) -> None:
    w.append(spark, w.TRANSACTIONS, [w.transaction(1, START)])
    w.run(spark, lake)
    w.append(spark, w.TRANSACTIONS, [w.transaction(2, START - 2 * HOUR), w.transaction(3, START - 3 * HOUR)])
    assert w.run(spark, lake)[w.TARGET].read == 2  # the edge of the overlap belongs to it
    assert [row[0] for row in w.held(lake)] == ["T1", "T2"]
    assert w.run(spark, lake, limits={"overlap_minutes": 180})[w.TARGET].inserted == 1


def test_an_older_row_never_overwrites_a_newer_one(lake: System, spark: SparkSession) -> None:
    new = w.transaction(1, START, quantidade=Decimal(2))
    w.append(spark, w.TRANSACTIONS, [new])
    w.run(spark, lake)
    w.append(spark, w.TRANSACTIONS, [w.transaction(1, START - HOUR, quantidade=Decimal(1))])
    spark.sql(f"ALTER TABLE {w.TRANSACTIONS} DROP PARTITION (dt = '2018-02-17')")  # only the older one is read
    w.append(spark, w.TRANSACTIONS, [w.transaction(1, START - HOUR, quantidade=Decimal(1))])
    result = w.run(spark, lake)[w.TARGET]
    assert (result.read, result.updated, result.watermark) == (1, 0, START)
    assert w.held(lake) == w.expected([new])


def test_redis_away_is_told_and_made_good(lake: System, spark: SparkSession, caplog: pytest.LogCaptureFixture) -> None:
    url = lake.env["CASTRO_REDIS_URL"]
    lake.env["CASTRO_REDIS_URL"] = "redis://127.0.0.1:1/1"
    w.append(spark, w.TRANSACTIONS, [w.transaction(1, START)])
    result = w.run(spark, lake)[w.TARGET]
    lake.env["CASTRO_REDIS_URL"] = url
    assert (result.done, len(w.held(lake)), last_sync(lake)) == (True, 1, None)
    assert "last_sync: Redis is behind: Redis: it cannot be reached" in caplog.text
    for _ in range(2):
        result = w.run(spark, lake)[w.TARGET]
        assert (result.inserted, last_sync(lake)) == (0, iso(START))
        lake.redis.flushdb()


def test_a_row_from_the_future_does_not_poison_the_watermark(lake: System, spark: SparkSession) -> None:
    rows = [w.transaction(1, START), w.transaction(2, datetime(2999, 1, 1, tzinfo=timezone.utc))]
    w.append(spark, w.TRANSACTIONS, rows)
    result = w.run(spark, lake)[w.TARGET]
    assert (result.read, result.rows_from_the_future, result.watermark) == (2, 1, START)
    assert w.held(lake) == w.expected(rows)


def test_texts_and_rows_that_cannot_be_stored(lake: System, spark: SparkSession) -> None:
    w.append(spark, w.TRANSACTIONS, [w.transaction(1, START, cliente="a\0b", deposito="")])
    assert w.run(spark, lake)[w.TARGET].texts_cleaned == 1
    assert lake.query(composed("SELECT customer, warehouse, supplier FROM {target}", target=w.TARGET)) == [("ab", "", None)]
    w.append(spark, w.TRANSACTIONS, [w.transaction(2, START, id_transacao=None)])
    result = w.run(spark, lake)[w.TARGET]
    assert result.problem is not None
    assert "of 2 rows read, 1 without transaction_id" in result.problem
    w.fresh(spark)
    w.append(spark, w.TRANSACTIONS, [w.transaction(3, START, quantidade=Decimal(10) ** 14)])
    result = w.run(spark, lake)[w.TARGET]
    assert result.problem is not None
    assert "NUMERIC_VALUE_OUT_OF_RANGE" in result.problem
    assert len(w.held(lake)) == 1


def test_partitions_and_columns_are_pruned(lake: System, spark: SparkSession) -> None:
    w.append(spark, w.TRANSACTIONS, [w.transaction(n, START + n * 24 * HOUR) for n in range(4)])
    spark.sql(f"ALTER TABLE {w.TRANSACTIONS} ADD COLUMNS (novo string)")
    mapping = load_settings(conf_file=lake.conf, environ=lake.env).warehouse.mapped[w.TARGET]
    read = read_table(spark, mapping, START + 48 * HOUR, w.ZONE)
    plan = read.rows._jdf.queryExecution().executedPlan().toString()
    assert read.unknown == ("novo",)
    assert re.search(r"PartitionFilters: \[.*dt#\d+ >= 2018-02-19", plan), plan
    assert re.search(r"PushedFilters: \[.*GreaterThanOrEqual\(last_modified,2018-02-19", plan), plan
    assert "InMemoryFileIndex(2 paths)" in plan, plan
    schema = re.search(r"ReadSchema: (.*)", plan)
    assert schema is not None
    assert "novo" not in plan
    assert w.run(spark, lake)[w.TARGET].unknown_columns == ["novo"]


def test_a_source_that_cannot_be_read_is_an_error(lake: System, spark: SparkSession, tmp_path: Path) -> None:
    w.append(spark, w.TRANSACTIONS, [w.transaction(n, START + n * 24 * HOUR) for n in range(3)])
    w.run(spark, lake)
    before = w.held(lake)
    location = spark.sql(f"DESCRIBE FORMATTED {w.TRANSACTIONS}").where("col_name = 'Location'").collect()[0][1]
    folder = Path(location.removeprefix("file:"))
    shutil.move(folder / "dt=2018-02-19", tmp_path / "kept")
    gone = w.run(spark, lake)[w.TARGET]
    assert gone.problem is not None
    assert "the metastore has the partition dt=2018-02-19, but there is no" in gone.problem
    shutil.move(tmp_path / "kept", folder / "dt=2018-02-19")
    assert w.run(spark, lake)[w.TARGET].done
    for file in folder.glob("dt=2018-02-19/*.orc"):
        file.write_bytes(b"rubbish")
    bad = w.run(spark, lake)[w.TARGET]
    assert bad.problem is not None
    assert "cannot be read" in bad.problem
    spark.sql(f"DROP TABLE {w.TRANSACTIONS}")
    missing = w.run(spark, lake)[w.TARGET]
    assert missing.problem is not None
    assert f"there is no table {w.TRANSACTIONS}" in missing.problem
    assert w.held(lake) == before


def test_one_bad_table_among_others(lake: System, spark: SparkSession) -> None:
    levels = "castrolanda_inventory.stock_levels"
    w.fresh(spark, levels)
    w.append(spark, w.TRANSACTIONS, [w.transaction(1, START)])
    w.append(spark, levels, [{"codigo_produto": "P1", "deposito": "D", "quantidade_disponivel": Decimal(3), "last_modified": START}])
    broken = {w.TARGET: {"columns": {"customer": {"from": "cor", "type": "text"}}}}
    results = w.run(spark, lake, tables=(w.TARGET, "ml_stock_levels"), mapped=broken)
    problem = results[w.TARGET].problem
    assert problem is not None
    assert f"table {w.TRANSACTIONS} has no column cor (for customer)" in problem
    assert results["ml_stock_levels"].done
    assert lake.query("SELECT product_code, quantity_available FROM ml_stock_levels") == [("P1", Decimal(3))]


def test_two_at_once_the_second_stops_with_words(lake: System, spark: SparkSession) -> None:
    w.append(spark, w.TRANSACTIONS, [w.transaction(1, START)])
    other = lake.connect()
    other.cursor().execute("SELECT pg_advisory_lock(hashtext('castro_spark.extract'), hashtext(%s))", (w.TARGET,))
    result = w.run(spark, lake)[w.TARGET]
    assert result.problem is not None
    assert f"{w.TARGET} is being extracted by" in result.problem
    other.close()
    assert w.run(spark, lake)[w.TARGET].done


def test_an_outage_is_outlasted(stack: Stack, lake: System, spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    w.append(spark, w.TRANSACTIONS, [w.transaction(1, START)])
    real, restarts = batch.stage_table, iter([True])

    def restart_after(*arguments: object, **named: object) -> object:
        staged = real(*arguments, **named)  # type: ignore[arg-type]
        if next(restarts, False):
            stack.postgres.stop()
            stack.postgres.start()
        return staged

    monkeypatch.setattr(batch, "stage_table", restart_after)
    result = w.run(spark, lake)[w.TARGET]
    assert result.done, result.problem
    assert len(w.held(lake)) == 1
