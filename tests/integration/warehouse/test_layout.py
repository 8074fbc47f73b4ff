"""Warehouse tables as the world has them: read rightly or refused by name, whatever a run is asked for."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from pyspark.sql import SparkSession

from castro_spark.batch.history import from_warehouse
from castro_spark.settings import load_settings
from castro_spark.sources.hive_layout import is_iso_day
from castro_spark.streams import stream
from tests.databases import warehouse as w
from tests.databases.warehouse import HOUR, START
from tests.system import System

MODES = ("incremental", "full")
INVENTORY = stream("inventory")


@pytest.fixture
def zone_of_the_jvm(spark: SparkSession) -> Iterator[Any]:
    """Sets the JVM's zone, as a host's TZ would; put back at the end."""
    zones: Any = spark.sparkContext._jvm.java.util.TimeZone  # type: ignore[union-attr]
    before = zones.getDefault()
    yield lambda name: zones.setDefault(zones.getTimeZone(name))
    zones.setDefault(before)


def folder_of(spark: SparkSession, table: str = w.TRANSACTIONS) -> Path:
    location = spark.sql(f"DESCRIBE FORMATTED {table}").where("col_name = 'Location'").collect()[0][1]
    return Path(location.removeprefix("file:"))


def ids(system: System) -> list[str]:
    return [row[0] for row in w.held(system)]


def move_to(spark: SparkSession, old: str, new: str | None) -> None:
    """Gives the rows of the partition `old` to another one, as an ALTER or a careless load would."""
    table = w.TRANSACTIONS
    columns = ", ".join(f.name for f in spark.table(table).schema if f.name != "dt")
    value = "CAST(NULL AS string)" if new is None else f"'{new}'"
    spark.conf.set("hive.exec.dynamic.partition.mode", "nonstrict")
    spark.sql(f"CREATE TABLE default.moving STORED AS PARQUET AS SELECT {columns} FROM {table} WHERE dt = '{old}'")
    spark.sql(f"ALTER TABLE {table} DROP PARTITION (dt = '{old}')")
    spark.sql(f"INSERT INTO {table} SELECT {columns}, {value} FROM default.moving")
    spark.sql("DROP TABLE default.moving")


@pytest.mark.parametrize("mode", MODES)
def test_files_in_subfolders_of_a_partition_are_read(lake: System, spark: SparkSession, mode: str) -> None:
    rows = [w.transaction(n, START + n * HOUR) for n in range(4)]
    w.append(spark, w.TRANSACTIONS, rows[:1])
    w.run(spark, lake)
    w.append(spark, w.TRANSACTIONS, rows[1:])
    for number, file in enumerate(sorted(folder_of(spark).glob("dt=*/*.orc"))):
        into = file.parent / f"HIVE_UNION_SUBDIR_{number}"
        into.mkdir()
        file.rename(into / file.name)
    assert w.run(spark, lake, mode)[w.TARGET].problem is None
    assert w.held(lake) == w.expected(rows)
    for reader in ("Orc", "Parquet"):
        spark.conf.set(f"spark.sql.hive.convertMetastore{reader}", "true")


@pytest.mark.parametrize("value", [None, "20180220", "2018/02/20", "sem data", "0000-00-00"])
def test_partitions_that_are_no_day_are_read(lake: System, spark: SparkSession, value: str | None) -> None:
    """Also by a backfill, which reads from a day on."""
    w.append(spark, w.TRANSACTIONS, [w.transaction(1, START)])
    w.run(spark, lake)
    rows = [w.transaction(1, START), w.transaction(2, START + 72 * HOUR, cliente="C")]
    w.append(spark, w.TRANSACTIONS, rows[1:])
    move_to(spark, "2018-02-20", value)
    assert w.run(spark, lake)[w.TARGET].problem is None
    assert w.held(lake) == w.expected(rows)
    lake.query("TRUNCATE ml_inventory_realtime, ml_inventory_daily, ml_inventory_monthly, castro.deleted, castro.touched")
    settings = load_settings(conf_file=lake.conf, environ=lake.env)
    days = date(2018, 2, 19), date(2018, 2, 25)
    from_warehouse(spark, settings, INVENTORY, *days, restart=True, stopping=Event(), report=lambda _: None)
    assert lake.query("SELECT event_id FROM ml_inventory_realtime") == [("T2",)]


@pytest.mark.parametrize("mode", MODES)
def test_a_partition_whose_folder_is_gone_is_an_error(
    lake: System, spark: SparkSession, tmp_path: Path, mode: str
) -> None:
    w.append(spark, w.TRANSACTIONS, [w.transaction(n, START + n * 24 * HOUR) for n in range(3)])
    w.run(spark, lake)
    shutil.move(folder_of(spark) / "dt=2018-02-19", tmp_path / "gone")
    problem = w.run(spark, lake, mode)[w.TARGET].problem
    assert problem is not None
    assert "the metastore has the partition dt=2018-02-19, but there is no" in problem


def test_acid_tables_are_refused_by_name(lake: System, spark: SparkSession) -> None:
    w.append(spark, w.TRANSACTIONS, [w.transaction(1, START)])
    (folder_of(spark) / "dt=2018-02-17" / "delta_0000001_0000001_0000").mkdir()
    for mode in MODES:
        problem = w.run(spark, lake, mode)[w.TARGET].problem
        assert problem is not None
        assert "delta_0000001_0000001_0000 is transactional (ACID)" in problem


def test_instants_do_not_depend_on_the_hosts_zone(lake: System, spark: SparkSession, zone_of_the_jvm: Any) -> None:
    w.append(spark, w.TRANSACTIONS, [w.transaction(1, START)])
    zone_of_the_jvm("Asia/Tokyo")
    from castro_spark.session import pin_zone
    from castro_spark.sources import hive_layout

    hive_layout._checked_zones.clear()
    problem = w.run(spark, lake)[w.TARGET].problem
    assert problem is not None
    assert "has the zone Asia/Tokyo: ORC and text timestamps would be shifted" in problem
    pin_zone(spark)  # what every session of the jobs does
    assert w.run(spark, lake)[w.TARGET].problem is None
    assert w.held(lake) == w.expected([w.transaction(1, START)])


def test_upper_case_columns_and_partition_and_a_view(lake: System, spark: SparkSession) -> None:
    rows = [w.transaction(n, START + n * 24 * HOUR) for n in range(3)]
    w.append(spark, w.TRANSACTIONS, rows[:2])
    columns = [f.name for f in spark.table(w.TRANSACTIONS).schema if f.name != "dt"]
    upper = ", ".join(f"{c} AS {c.upper()}" for c in columns)
    name = "castrolanda_inventory.movimentos"
    spark.sql(f"CREATE OR REPLACE VIEW {name} AS SELECT {upper}, dt AS DT FROM {w.TRANSACTIONS}")
    mapped = {w.TARGET: {"source": name, "partition": {"column": "dt"}}}
    assert w.run(spark, lake, mapped=mapped)[w.TARGET].problem is None
    w.append(spark, w.TRANSACTIONS, rows[2:])
    move_to(spark, "2018-02-19", None)
    assert w.run(spark, lake, mapped=mapped)[w.TARGET].problem is None
    assert w.held(lake) == w.expected(rows)
    spark.sql(f"DROP VIEW {name}")


def test_a_partition_of_another_type_is_refused(lake: System, spark: SparkSession) -> None:
    name = "castrolanda_inventory.por_numero"
    columns = ", ".join(f.name for f in spark.table(w.TRANSACTIONS).schema if f.name != "dt")
    spark.sql(f"CREATE TABLE {name} STORED AS ORC AS SELECT {columns}, 20180217 AS dt FROM {w.TRANSACTIONS}")
    w.append(spark, w.TRANSACTIONS, [w.transaction(1, START)])
    w.run(spark, lake)
    problem = w.run(spark, lake, mapped={w.TARGET: {"source": name}})[w.TARGET].problem
    assert problem is not None
    assert "its partition column dt is int, not a day" in problem
    spark.sql(f"DROP TABLE {name}")


@pytest.mark.parametrize(("text", "expected"), [("2018-02-17", True), ("2018-2-17", False), ("2018-02-30", False), ("", False)])
def test_iso_days(text: str, expected: bool) -> None:
    assert is_iso_day(text) is expected
