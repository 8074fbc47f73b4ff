"""Master data and stock levels as the 360° view takes them in: one row per product (docs/features.md)."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from castro_spark.product_columns import LEVEL_COLUMNS, MASTER_COLUMNS

_AMOUNT, _SUM = "decimal(18,6)", "decimal(38,6)"


def of_products(master: DataFrame | None, levels: DataFrame | None, like: DataFrame) -> DataFrame:
    """One row for each product of the master data or the stock levels.

    In: `master`: product_code (unique), and any of MASTER_COLUMNS and minimum_stock; `levels`: product_code,
    quantity_available, and any of quantity_reserved, minimum_stock and as_of (date). None: not there. `like` is any
    DataFrame of the session. Out: product_code, MASTER_COLUMNS, LEVEL_COLUMNS: stock_level and stock_reserved
    decimal(38,6), the sums over the product's rows; minimum_stock decimal(38,6), the sum over the rows that have one,
    else the master data's; stock_as_of, the newest as_of. What is absent is null.
    """
    session = like.sparkSession
    if master is None:
        master = session.createDataFrame([], "product_code string")
    if levels is None:
        levels = session.createDataFrame([], "product_code string, quantity_available decimal(18,6)")
    products = master.select(
        "product_code",
        *(_column(master, name, kind) for name, kind in MASTER_COLUMNS.items()),
        _column(master, "minimum_stock", _AMOUNT).alias("own_minimum"),
    )
    stock = (
        levels.select(
            "product_code",
            *(_column(levels, name, _AMOUNT) for name in ("quantity_available", "quantity_reserved", "minimum_stock")),
            _column(levels, "as_of", "date"),
        )
        .groupBy("product_code")
        .agg(
            F.sum("minimum_stock").cast(_SUM).alias("level_minimum"),
            F.sum("quantity_available").cast(_SUM).alias("stock_level"),
            F.sum("quantity_reserved").cast(_SUM).alias("stock_reserved"),
            F.max("as_of").alias("stock_as_of"),
        )
    )
    minimum = F.coalesce("level_minimum", "own_minimum").cast(_SUM).alias("minimum_stock")
    known = products.join(stock, "product_code", "full")
    return known.select("product_code", *MASTER_COLUMNS, minimum, *LEVEL_COLUMNS[1:])


def _column(rows: DataFrame, name: str, kind: str) -> Column:
    return (F.col(name) if name in rows.columns else F.lit(None)).cast(kind).alias(name)
