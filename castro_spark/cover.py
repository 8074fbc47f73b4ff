"""Days of cover, and exact quotients: decimals only, without Spark or Arrow, for whoever judges one product."""

from __future__ import annotations

from decimal import Context, Decimal

COVER_DAYS = 30  # the days whose issues tell the consumption
EXACT = Context(prec=120)


def days_of_cover(stock: Decimal | None, issued: Decimal) -> Decimal | None:
    """The days that `stock` lasts if as much is issued as in the last 30 days (`issued`); None without either."""
    return None if stock is None else quotient(EXACT.multiply(stock, Decimal(COVER_DAYS)), issued)


def quotient(dividend: Decimal, divisor: Decimal) -> Decimal | None:
    """None unless the divisor is positive: with more returns than sales there is no meaningful average."""
    return EXACT.divide(dividend, divisor) if divisor > 0 else None
