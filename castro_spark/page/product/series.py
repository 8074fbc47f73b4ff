"""A product's days and months as series: one point a period, also where nothing happened, with the stock at its end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any

from psycopg2 import sql

from castro_spark.page.product.view import Product
from castro_spark.page.reading.database import Snapshot

_ZERO = Decimal(0)
_MOST_YEARS = 10


class Span(str, Enum):
    """What is plotted: days, of the last 90 days, year or five years; or months, of all years."""

    QUARTER = "90d"
    YEAR = "1y"
    FIVE_YEARS = "5y"
    MONTHS = "months"

    @property
    def days(self) -> int:
        """The number of days; of months: how far back they go."""
        return {"90d": 90, "1y": 365, "5y": 5 * 365 + 1, "months": _MOST_YEARS * 365}[self.value]


@dataclass(frozen=True)
class Point:
    """A day or a month. Without a sale there is no price, without a purchase no cost; `stock` is that at its end."""

    first_day: date
    received: Decimal
    issued: Decimal
    sold: Decimal
    bought: Decimal
    stock: Decimal
    price: Decimal | None
    cost: Decimal | None


def series(snapshot: Snapshot, product: Product, span: Span, today: date) -> list[Point]:
    """The product's points up to `today`, from the first month with any event on; empty if it has no event until then.

    The stock ends where the 360° view has it: at what was counted, with the movements after the count; before the
    count, it is computed back from the movements; never counted, it is the balance of all movements.
    """
    first = today - timedelta(days=span.days - 1)
    counted = product.columns["stock_as_of"]
    anchor = min(counted, today) if counted is not None else today
    is_monthly = span is Span.MONTHS
    before = (today.replace(day=1) if is_monthly else today) - timedelta(days=1)  # the period under way
    days = [anchor, before, today]
    balances = snapshot.rows("page/product_balances.sql", {"product": product.code, "days": days})
    balance = {row["day"]: row["balance"] for row in balances}
    first_month: date | None = balances[0]["first_month"]
    if first_month is None or first_month > today:
        return []
    level = product.columns["stock_level"]
    beyond_balance = level - balance[anchor] if level is not None else _ZERO
    if span is not Span.QUARTER:
        first = max(first, first_month)
    if is_monthly:
        first = first.replace(day=1)
    rows = snapshot.rows(
        "page/product_periods.sql", {"product": product.code, "first": first, "last": today}, **_tables(span)
    )
    stocks = (balance[before] + beyond_balance, balance[today] + beyond_balance)
    return points(rows, periods(first, today, months=is_monthly), stocks)


def periods(first: date, last: date, *, months: bool) -> list[date]:
    """Every day from `first` to `last`; or the first day of every month."""
    found = [first]
    while True:
        following = (found[-1] + timedelta(days=31)).replace(day=1) if months else found[-1] + timedelta(days=1)
        if following > last:
            return found
        found.append(following)


def points(rows: Sequence[Mapping[str, Any]], wanted: Sequence[date], stocks: tuple[Decimal, Decimal]) -> list[Point]:
    """A point for each of the `wanted` periods, of the rows of product_periods.sql.

    `stocks`: at the end of the last period but one, and now: the last month's row may have movements of tomorrow.
    """
    by_period = {row["first_day"]: row for row in rows}
    before, stock = stocks
    found: list[Point] = []
    for first_day in reversed(wanted):
        row = by_period.get(first_day, {})
        received, issued, sold, bought, moved = (
            row.get(name) or _ZERO for name in ("received", "issued", "sold", "bought", "moved")
        )
        found.append(Point(first_day, received, issued, sold, bought, stock, row.get("price"), row.get("cost")))
        stock = stock - moved if len(found) > 1 else before
    return found[::-1]


def _tables(span: Span) -> dict[str, sql.Identifier]:
    period, table = ("month", "monthly") if span is Span.MONTHS else ("date", "daily")
    of = {stream: sql.Identifier(f"ml_{stream}_{table}") for stream in ("inventory", "sales", "procurement")}
    return {"period": sql.Identifier(period), **of}
