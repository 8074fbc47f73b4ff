"""Settings of the 360° view: how it is refreshed, and which columns of the warehouse's tables it takes in.

The names of those columns are the mapping's (`warehouse.tables`), so they are settings.
"""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import Field

from castro_spark.sections import Section
from castro_spark.sections.warehouse import ColumnType, TableMapping


class MasterDataSettings(Section):
    """The master data: a row per product. Each entry names a column of `table`; null: the table has no such column."""

    table: str
    product_code: str
    description: str | None
    category: str | None
    product_class: str | None
    critical: str | None
    active: str | None
    main_supplier: str | None
    standard_cost: str | None
    lead_time_days: str | None
    minimum_stock: str | None


class StockLevelSettings(Section):
    """The stock levels: rows per product and place. Each entry names a column of `table`; null: it has none."""

    table: str
    product_code: str
    quantity_available: str
    quantity_reserved: str | None
    minimum_stock: str | None
    as_of: str | None  # the day at whose end the quantities were counted


# What the columns contain, by entry.
MASTER_DATA_TYPES = {
    "product_code": ColumnType.TEXT,
    "description": ColumnType.TEXT,
    "category": ColumnType.TEXT,
    "product_class": ColumnType.TEXT,
    "critical": ColumnType.BOOLEAN,
    "active": ColumnType.BOOLEAN,
    "main_supplier": ColumnType.TEXT,
    "standard_cost": ColumnType.DECIMAL,
    "lead_time_days": ColumnType.INTEGER,
    "minimum_stock": ColumnType.DECIMAL,
}
STOCK_LEVEL_TYPES = {
    "product_code": ColumnType.TEXT,
    "quantity_available": ColumnType.DECIMAL,
    "quantity_reserved": ColumnType.DECIMAL,
    "minimum_stock": ColumnType.DECIMAL,
    "as_of": ColumnType.DATE,
}


class Product360Settings(Section):
    refresh_seconds: float = Field(gt=0)
    products_per_commit: int = Field(gt=0)
    share_of_a_core: float = Field(gt=0, le=1)
    master_data: MasterDataSettings
    stock_levels: StockLevelSettings

    def problem(self, tables: Mapping[str, TableMapping]) -> str | None:
        """Why the columns named here do not fit the mapped tables; None if they do, or the tables are not mapped."""
        master, levels = self.master_data, self.stock_levels
        problem = _unfit("master_data", master, MASTER_DATA_TYPES, tables)
        problem = problem or _unfit("stock_levels", levels, STOCK_LEVEL_TYPES, tables)
        if problem is None and master.table in tables and tables[master.table].key != (master.product_code,):
            return f"master_data.table: {master.table} must have the key [{master.product_code}], a row per product"
        if problem is None and levels.table in tables:
            mapping = tables[levels.table]
            if levels.product_code not in {mapping.key[0], *(index[0] for index in mapping.indexes)}:
                return (
                    f"stock_levels.product_code: {levels.product_code} must be the first column of {levels.table}'s key"
                    f" or of one of its indexes (warehouse.tables.{levels.table}.indexes)"
                )
        return problem


def _unfit(
    section: str, named: Section, types: Mapping[str, ColumnType], tables: Mapping[str, TableMapping]
) -> str | None:
    columns = named.model_dump()
    table = columns.pop("table")
    if table not in tables:
        return None
    mapped = tables[table].columns
    for entry, column in columns.items():
        if column is None:
            continue
        if column not in mapped:
            return f"{section}.{entry}: {column} is no column of {table}; it has {', '.join(mapped)}"
        if mapped[column].type is not types[entry]:
            return (
                f"{section}.{entry}: {column} is {mapped[column].type.value} in warehouse.tables.{table},"
                f" and must be {types[entry].value}"
            )
    return None
