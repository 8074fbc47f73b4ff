"""A warehouse for tests: rows in plain Python, appended to Hive tables, and what PostgreSQL must then hold."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from pyspark.sql import SparkSession
from pyspark.sql import types as T

from castro_spark.batch.extract import TableResult, extract
from castro_spark.local import warehouse
from castro_spark.projection.followers import following
from castro_spark.settings import load_settings
from castro_spark.streams import stream
from tests import engine
from tests.statements import composed
from tests.system import System

START = datetime(2018, 2, 17, 12, tzinfo=timezone.utc)  # that night the clocks go back: a day of 25 hours
HOUR = timedelta(hours=1)
ZONE = ZoneInfo("America/Sao_Paulo")
TRANSACTIONS = "castrolanda_inventory.transactions"
TARGET = "ml_inventory_transactions"
COLUMNS = ("transaction_id", "product_code", "transaction_type", "quantity", "unit_cost", "timestamp", "warehouse", "supplier", "customer", "deleted", "last_modified")
FAST = {"retries": 1, "retry_wait_seconds": 0.1, "lock_wait_seconds": 1, "swap_wait_seconds": 20}
Row = dict[str, Any]


def transaction(number: int, at: datetime, **values: Any) -> Row:
    return {
        "id_transacao": f"T{number}", "codigo_produto": f"P{number % 7}", "tipo_movimentacao": "ENTRADA", "quantidade": Decimal(number),
        "custo_unitario": Decimal("1.25"), "data_movimentacao": at - timedelta(minutes=3), "deposito": "CASTRO", "fornecedor": None,
        "cliente": "C;\"ä\n,", "excluido": None, "last_modified": at, **values,
    }  # fmt: skip


def append(spark: SparkSession, table: str, rows: Iterable[Row]) -> None:
    schema = T.StructType([f for f in spark.table(table).schema if f.name != "dt"])
    frame = spark.createDataFrame([tuple(row.get(f.name) for f in schema) for row in rows], schema)
    warehouse.append(spark, table, frame, ZONE.key)


def fresh(spark: SparkSession, *tables: str) -> None:
    """The tables, empty."""
    warehouse.create_tables(spark)
    for table in tables or (TRANSACTIONS,):
        spark.sql(f"DROP TABLE IF EXISTS {table}")
    warehouse.create_tables(spark)


def whole(spark: SparkSession, transactions: int) -> None:
    """All the tables, with the history that `local up --warehouse` makes; in place of what is there."""
    warehouse.create_tables(spark)
    for database in ("castrolanda_inventory", "castrolanda_sales", "castrolanda_procurement"):
        for row in spark.sql(f"SHOW TABLES IN {database}").collect():
            spark.sql(f"DROP TABLE {database}.{row.tableName}")
    warehouse.fill(spark, engine.warehouse_folder(), ZONE.key, products=20, years=1, transactions=transactions, report=lambda *_: None)


def newest(rows: Iterable[Row]) -> dict[str, Row]:
    """The oracle: of each key the row that changed last."""
    held: dict[str, Row] = {}
    for row in rows:
        before = held.get(row["id_transacao"])
        if before is None or before["last_modified"] <= row["last_modified"]:
            held[row["id_transacao"]] = row
    return held


def expected(rows: Iterable[Row]) -> list[tuple[Any, ...]]:
    values = [{**row, "excluido": bool(row["excluido"])} for row in newest(rows).values()]
    return sorted(tuple(row[c] for c in transaction(0, datetime.now(timezone.utc))) for row in values)


def held(system: System) -> list[tuple[Any, ...]]:
    return sorted(system.query(composed("SELECT {columns} FROM {target}", columns=COLUMNS, target=TARGET)))


def run(
    spark: SparkSession, system: System, mode: str = "incremental", tables: Iterable[str] = (TARGET,), mapped: Any = None, **own: Any
) -> dict[str, TableResult]:
    """An extract in this process; `own` are settings of the section warehouse, `mapped` of its tables."""
    system.configure({"warehouse": {**FAST, "tables": mapped or {}, **own}})
    settings = load_settings(conf_file=system.conf, environ=system.env)
    chosen = {target: settings.warehouse.mapped[target] for target in tables}
    with following(settings, [stream("inventory")], last_sync=True):  # as the job does
        return {result.table: result for result in extract(spark, settings, chosen, mode)}


def random_rows(chance: random.Random, count: int, now: datetime, window: timedelta) -> list[Row]:
    """New rows and changes of old ones, committed in any order within `window` before `now`."""
    rows = []
    for _ in range(count):
        at = now - timedelta(microseconds=chance.randrange(int(window.total_seconds() * 1e6)))
        rows.append(transaction(chance.randrange(60), at, quantidade=Decimal(chance.randrange(10**6)) / 1000, excluido=chance.choice([None, False, True])))
    return rows
