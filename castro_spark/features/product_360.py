"""The 360° view: one row per product over the three streams, the master data and the stock levels, as of a local day.
docs/features.md defines each column.

Windows are local calendar days: the last of `n` days is `as_of` itself. An event counts by its own date, however late
it arrived; events dated after `as_of` are excluded. The sums are computed where the events are stored (here by Spark,
for the table by PostgreSQL); `ratios`, derived from them, is one function for both.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

import pyarrow as pa
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from castro_spark.cover import COVER_DAYS, EXACT, days_of_cover, quotient
from castro_spark.features.aggregates import SUM_TYPES, newest_events
from castro_spark.features.master_data import of_products
from castro_spark.product_columns import COLUMNS, LONGEST, WINDOW_SUMS, Window
from castro_spark.streams.declaration import POSITION_COLUMN

_ENTERS, _LEAVES = "ENTRADA", "SAIDA"
_RATIO_TYPE = "decimal(38,6)"
_RATIOS = {
    "average_cost_90d": _RATIO_TYPE,
    "average_price_90d": _RATIO_TYPE,
    "margin_90d": _RATIO_TYPE,
    "days_since_last_purchase": "int",
    "days_since_last_sale": "int",
    "days_of_cover": _RATIO_TYPE,
    "demand_cv_90d": _RATIO_TYPE,
}
_SIX_PLACES = Decimal("0.000001")


def product_360(
    inventory: DataFrame,
    sales: DataFrame,
    procurement: DataFrame,
    as_of: date,
    *,
    master_data: DataFrame | None = None,
    stock_levels: DataFrame | None = None,
) -> DataFrame:
    """The view as of the local day `as_of`, from events with with_calendar's columns.

    In, of each: event_id, product_code, date, timestamp, quantity decimal(18,6), value_total decimal(38,12), the
    source position; of inventory transaction_type and unit_cost, of sales unit_price and customer, of procurement
    unit_cost and supplier. `master_data` and `stock_levels`: the warehouse's tables with the columns that
    master_data.of_products names, as they are now; None: their columns are null. Out: COLUMNS, one row for each product
    that has any event dated up to `as_of`, or is in one of those tables; volumes, stock and minimum decimal(38,6),
    values decimal(38,12), ratios decimal(38,6) rounded half up, days int. Each identity counts once, as of its newest
    source position.

    >>> none = events.where("false")  # neither sold nor bought
    >>> sales = none.withColumnRenamed("unit_cost", "unit_price").withColumn("customer", F.lit(None).cast("string"))
    >>> bought = none.withColumn("supplier", F.lit(None).cast("string"))
    >>> view = product_360(events, sales, bought, as_of=date(2025, 3, 30))
    >>> view.select("product_code", "on_hand", "out_volume_30d", "days_of_cover").show()
    +------------+--------+--------------+-------------+
    |product_code| on_hand|out_volume_30d|days_of_cover|
    +------------+--------+--------------+-------------+
    |          P1|6.000000|      4.000000|    45.000000|
    +------------+--------+--------------+-------------+
    <BLANKLINE>
    """
    inventory, sales, procurement = (_known(events, as_of) for events in (inventory, sales, procurement))
    products = of_products(master_data, stock_levels, like=inventory)
    inventory = inventory.join(products.select("product_code", "stock_as_of"), "product_code", "left")
    signed = F.when(_is(_LEAVES), -F.col("quantity")).otherwise(F.col("quantity"))
    since = F.when(F.col("date") > F.col("stock_as_of"), signed).otherwise(F.lit(0))
    moved = _by_product(inventory, as_of, {"in": _is(_ENTERS), "out": _is(_LEAVES)}, {
        "on_hand": F.sum(signed).cast("decimal(38,6)"), "moved_since": F.sum(since).cast("decimal(38,6)"),
        "moved_cost": _of_newest("unit_cost"), "moved": F.lit(True),
    })  # fmt: skip
    sold = _by_product(sales, as_of, {"sales": F.lit(True)}, {
        "last_price": _of_newest("unit_price"), "last_customer": _of_newest("customer"),
        "last_sale_at": F.max("timestamp"), "last_sale_date": F.max("date"),
    })  # fmt: skip
    bought = _by_product(procurement, as_of, {"purchase": F.lit(True)}, {
        "bought_cost": _of_newest("unit_cost"), "last_supplier": _of_newest("supplier"),
        "last_purchase_at": F.max("timestamp"), "last_purchase_date": F.max("date"),
    })  # fmt: skip
    sums = (
        moved.join(sold, "product_code", "full")
        .join(bought, "product_code", "full")
        .join(products, "product_code", "full")
        .join(_demand(sales, as_of), "product_code", "left")
        .withColumn("last_cost", F.coalesce("bought_cost", "moved_cost"))
        .fillna(0, ["on_hand", "moved_since", *(w.column for w in WINDOW_SUMS)])
        .withColumn("stock", F.coalesce(_counted_stock(), F.when(F.col("moved"), F.col("on_hand"))))
        .withColumn("below_minimum", F.col("stock") < F.col("minimum_stock"))
        .withColumn("as_of", F.lit(as_of))
    )
    return _with_ratios(sums, as_of).select(*COLUMNS)


def ratios(sums: Mapping[str, Any], as_of: date) -> dict[str, Any]:
    """The columns derived from a product's sums, by name; exact except for one final rounding, half up, to 6 places.

    In: the 90- and 30-day sums, stock, last_cost, last_purchase_date, last_sale_date, and demand_squares: the sum of
    the squares of the last 90 days' sales volumes.
    """
    cost = quotient(sums["purchase_value_90d"], sums["purchase_volume_90d"])
    price = quotient(sums["sales_value_90d"], sums["sales_volume_90d"])
    return {
        "average_cost_90d": _rounded(cost),
        "average_price_90d": _rounded(price),
        "margin_90d": _rounded(_margin(price, sums["last_cost"] if cost is None else cost)),
        "days_since_last_purchase": _days_since(sums["last_purchase_date"], as_of),
        "days_since_last_sale": _days_since(sums["last_sale_date"], as_of),
        "days_of_cover": _rounded(days_of_cover(sums["stock"], sums[f"out_volume_{COVER_DAYS}d"])),
        "demand_cv_90d": _rounded(_variation(sums["sales_volume_90d"], sums["demand_squares"])),
    }


def _margin(price: Decimal | None, cost: Decimal | None) -> Decimal | None:
    return quotient(EXACT.subtract(price, cost), price) if price is not None and cost is not None else None


def _days_since(day: date | None, as_of: date) -> int | None:
    return (as_of - day).days if day is not None else None


def _variation(total: Decimal, squares: Decimal) -> Decimal | None:
    """Population standard deviation divided by the mean of the daily volumes; days without sales count as 0:
    sqrt(n * sum of squares - square of sum) / sum."""
    spread = EXACT.subtract(EXACT.multiply(Decimal(LONGEST), squares), EXACT.multiply(total, total))
    return quotient(EXACT.sqrt(spread), total)


def _squares(volumes: Iterable[Decimal]) -> Decimal:
    """The exact sum of the squares: Spark's decimals have too few digits for a square."""
    squares = Decimal(0)
    for volume in volumes:
        squares = EXACT.fma(volume, volume, squares)
    return squares


def _rounded(value: Decimal | None) -> Decimal | None:
    return value.quantize(_SIX_PLACES, ROUND_HALF_UP, EXACT) if value is not None else None


def _by_product(
    events: DataFrame, as_of: date, flows: Mapping[str, Column], others: Mapping[str, Column]
) -> DataFrame:
    sums = [_window_sum(w, flows[w.flow], as_of) for w in WINDOW_SUMS if w.flow in flows]
    further = [column.alias(name) for name, column in others.items()]
    return events.groupBy("product_code").agg(*sums, *further)


def _known(events: DataFrame, as_of: date) -> DataFrame:
    return newest_events(events).where(F.col("date") <= F.lit(as_of))


def _window_sum(window: Window, flows: Column, as_of: date) -> Column:
    summed = "quantity" if window.what == "volume" else "value_total"
    counts = flows & (F.col("date") > F.lit(as_of - timedelta(days=window.days)))
    return F.sum(F.when(counts, F.col(summed)).otherwise(F.lit(0))).cast(SUM_TYPES[summed]).alias(window.column)


def _counted_stock() -> Column:
    """The counted stock with the movements after the count; null if it was never counted."""
    moved = F.when(F.col("stock_as_of").isNull(), F.lit(0)).otherwise(F.col("moved_since"))
    return (F.col("stock_level") + moved).cast("decimal(38,6)")


def _is(transaction_type: str) -> Column:
    return F.col("transaction_type") == transaction_type


def _of_newest(column: str) -> Column:
    return F.max_by(column, F.struct("timestamp", POSITION_COLUMN))


def _demand(sales: DataFrame, as_of: date) -> DataFrame:
    """The volumes of the days with sales, as a list; their order does not matter."""
    recent = sales.where(F.col("date") > F.lit(as_of - timedelta(days=LONGEST)))
    by_day = recent.groupBy("product_code", "date").agg(F.sum("quantity").alias("volume"))
    return by_day.groupBy("product_code").agg(F.collect_list("volume").alias("demand"))


def _with_ratios(sums: DataFrame, as_of: date) -> DataFrame:
    inputs = ["last_purchase_date", "last_sale_date", "demand", "last_cost"]
    inputs += ["stock", *(w.column for w in WINDOW_SUMS if w.days >= COVER_DAYS)]

    def derive(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            rows = batch.select(inputs).to_pylist()
            derived = [ratios({**row, "demand_squares": _squares(row["demand"] or ())}, as_of) for row in rows]
            added = {name: [row[name] for row in derived] for name in _RATIOS}
            types = {name: pa.int32() if kind == "int" else pa.decimal128(38, 6) for name, kind in _RATIOS.items()}
            columns = [*batch.columns, *(pa.array(values, types[name]) for name, values in added.items())]
            yield pa.RecordBatch.from_arrays(columns, names=[*batch.schema.names, *_RATIOS])

    columns = ", ".join(f"`{f.name}` {f.dataType.simpleString()}" for f in sums.schema)
    return sums.mapInArrow(derive, f"{columns}, {', '.join(f'{name} {kind}' for name, kind in _RATIOS.items())}")
