"""The master data and the stock levels in one shape, whatever the mapping calls their columns, also if absent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from psycopg2 import sql

from castro_spark.sections import Section
from castro_spark.sections.product_360 import MASTER_DATA_TYPES, STOCK_LEVEL_TYPES, Product360Settings
from castro_spark.sections.warehouse import ColumnType
from castro_spark.sinks.postgres.connection import Connection, names, statement
from castro_spark.sinks.postgres.warehouse.tables import regclass

_TYPES = {
    ColumnType.TEXT: 'text COLLATE "C"',
    ColumnType.DECIMAL: "numeric",
    ColumnType.DATE: "date",
    ColumnType.INTEGER: "bigint",
    ColumnType.BOOLEAN: "boolean",
}


@dataclass(frozen=True)
class MasterTables:
    """Subqueries to select from, in place of a table: the entries of the settings are their columns."""

    master: sql.Composed
    levels: sql.Composed
    targets: tuple[str, ...]  # the tables that are there


def master_tables(connection: Connection, settings: Product360Settings) -> MasterTables:
    """The two tables as they are now: a table or column that is absent yields no rows or nulls."""
    there = {}
    with connection, connection.cursor() as cursor:
        for table in (settings.master_data.table, settings.stock_levels.table):
            cursor.execute(statement("warehouse/columns_of.sql"), {"table": regclass(table)})
            there[table] = frozenset(column for column, _ in cursor.fetchall())
    return MasterTables(
        _shaped(settings.master_data, MASTER_DATA_TYPES, there),
        _shaped(settings.stock_levels, STOCK_LEVEL_TYPES, there),
        tuple(table for table, columns in there.items() if columns),
    )


def _shaped(
    named: Section, types: Mapping[str, ColumnType], there: Mapping[str, frozenset[str]]
) -> sql.Composed:
    columns = named.model_dump()
    table = columns.pop("table")
    shaped = {
        entry: sql.Identifier(column) if column in there[table] else sql.SQL("NULL::") + sql.SQL(_TYPES[types[entry]])
        for entry, column in columns.items()
    }
    selected = names(tuple(shaped), lambda entry: sql.SQL("{} AS {}").format(shaped[entry], sql.Identifier(entry)))
    if not there[table] or columns["product_code"] not in there[table]:
        return sql.SQL("(SELECT {} WHERE false)").format(selected)
    return sql.SQL("(SELECT {} FROM {})").format(selected, sql.Identifier(table))
