"""The embedded warehouse: Hive tables (ORC and Parquet) in a folder, with a Derby metastore.

    folder/metastore/    Derby's database: one JVM at a time
    folder/tables/       the tables' files
    folder/made          marker, written last: the warehouse is complete
"""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession

from castro_spark.features import calendar
from castro_spark.local import warehouse_history as history
from castro_spark.resources import resource
from castro_spark.session import hive_session

_STAMP = "made"
_QUIET = "--conf spark.ui.enabled=false --conf spark.ui.showConsoleProgress=false"
Report = Callable[[str, float], None]


def is_made(folder: Path) -> bool:
    """Whether the folder holds a complete warehouse."""
    return folder.joinpath(_STAMP).exists()


def make(folder: Path, timezone: str, *, products: int, years: int, transactions: int, report: Report) -> None:
    """Creates the warehouse in a folder, once, in its own Spark session; replaces an incomplete one."""
    if is_made(folder):
        return
    shutil.rmtree(folder, ignore_errors=True)
    os.environ.setdefault("PYSPARK_SUBMIT_ARGS", f"{_QUIET} pyspark-shell")
    spark = hive_session("local warehouse", str(folder))
    try:
        fill(spark, folder, timezone, products=products, years=years, transactions=transactions, report=report)
    finally:
        spark.stop()


def fill(
    spark: SparkSession, folder: Path, timezone: str, *, products: int, years: int, transactions: int, report: Report
) -> None:
    """Creates the tables and their content; calls `report` with each table and the seconds it took."""
    create_tables(spark)
    made = {
        "castrolanda_inventory.product_master": history.product_master(spark, products, years),
        "castrolanda_inventory.transactions": history.transactions(spark, products, years, transactions),
        "castrolanda_inventory.stock_levels": history.stock_levels(spark, products),
        "castrolanda_sales.orders": history.orders(spark, products, years, transactions // 3),
        "castrolanda_procurement.purchases": history.purchases(spark, products, years, transactions // 10),
    }
    for table, rows in made.items():
        begun = time.monotonic()
        append(spark, table, rows, timezone)
        report(table, time.monotonic() - begun)
    folder.joinpath(_STAMP).touch()


def create_tables(spark: SparkSession) -> None:
    """Creates missing databases and tables."""
    text = re.sub(r"(?m)^\s*--.*$", "", resource("sql/hive/tables.sql").read_text(encoding="utf-8"))
    for statement in filter(None, map(str.strip, text.split(";"))):
        spark.sql(statement)


def append(spark: SparkSession, table: str, rows: DataFrame, timezone: str) -> None:
    """Appends rows to a table, each to the partition of its last_modified's local day."""
    columns = spark.table(table).columns
    if "dt" in columns:
        days = calendar.with_calendar(rows, timezone, "last_modified")
        rows = days.withColumn("dt", days["date"].cast("string"))
        # Group rows by day: otherwise every task would write a file for every day.
        rows = rows.repartition(4, "dt").sortWithinPartitions("dt")
    spark.conf.set("hive.exec.dynamic.partition.mode", "nonstrict")
    spark.conf.set("hive.exec.max.dynamic.partitions", "100000")
    rows.select(*columns).write.insertInto(table)
