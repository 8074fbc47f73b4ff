"""What a movement is worth."""

from __future__ import annotations

from pyspark.sql import Column


def value_total(quantity: Column, price: Column) -> Column:
    """quantity x price, both decimal(18,6) -> decimal(38,12): exact, never rounded.

    18 + 18 digits and 6 + 6 decimals always fit 38 digits with 12 decimals.
    """
    return (quantity.cast("decimal(18,6)") * price.cast("decimal(18,6)")).cast("decimal(38,12)")
