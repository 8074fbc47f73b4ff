"""What a movement is worth."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column

_PRICE, _VALUE = (18, 6), (38, 12)


def value_total(quantity: Column, price: Column) -> Column:
    """quantity x price, both decimal(18,6) -> decimal(38,12): exact, never rounded.

    18 + 18 digits and 6 + 6 decimals always fit 38 digits with 12 decimals.

    >>> prices = spark.sql("SELECT 3.000001BD AS quantity, 0.1BD AS unit_cost")
    >>> prices.select(value_total(prices.quantity, prices.unit_cost).alias("value_total")).collect()
    [Row(value_total=Decimal('0.300000100000'))]
    """
    return (quantity.cast("decimal(18,6)") * price.cast("decimal(18,6)")).cast("decimal(38,12)")


def value_total_of(quantity: pa.Array, price: pa.Array) -> pa.Array:
    """`value_total` of Arrow arrays."""
    exact = pc.multiply(quantity.cast(pa.decimal128(*_PRICE)), price.cast(pa.decimal128(*_PRICE)))
    return exact.cast(pa.decimal128(*_VALUE))
