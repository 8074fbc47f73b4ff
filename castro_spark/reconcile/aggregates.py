"""Compares daily and monthly rows with the sums of their events, by product, one day or month at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from psycopg2 import sql

from castro_spark.sinks.postgres.connection import Connection, names, statement
from castro_spark.streams.declaration import StreamDeclaration

_PRODUCTS_A_QUERY = 2000


@dataclass(frozen=True)
class Period:
    """The daily or the monthly table: its kind, name, period column, and the period's length (SQL)."""

    kind: str
    table: str
    column: str
    length: str


@dataclass(frozen=True)
class Wrong:
    """A row that differs from its sums; `stored` and `expected` are its columns (None: no row)."""

    product_code: str
    kind: str
    class_: str  # missing, extra or different
    stored: dict[str, Any] | None
    expected: dict[str, Any] | None


def day_of(stream: StreamDeclaration) -> Period:
    """The daily table."""
    return Period("daily", stream.daily_table, "date", "1")


def month_of(stream: StreamDeclaration) -> Period:
    """The monthly table."""
    return Period("monthly", stream.monthly_table, "month", "interval '1 month'")


def wrong_rows(
    connection: Connection,
    stream: StreamDeclaration,
    period: Period,
    first: date,
    products: Sequence[str],
    *,
    of_daily: bool = False,
) -> list[Wrong]:
    """The rows of `products`, in the period that begins at `first`, that differ from the sums of their events.

    `of_daily`: from the sums of their daily rows, which is cheaper.
    """
    query = statement("reconcile/wrong_aggregates.sql", **_parts(stream, period, of_daily=of_daily))
    wrong: list[Wrong] = []
    for start in range(0, len(products), _PRODUCTS_A_QUERY):
        with connection, connection.cursor() as cursor:
            part = list(products[start : start + _PRODUCTS_A_QUERY])
            cursor.execute(query, {"products": part, "first": first})
            for code, class_, exists, stored, expected in cursor.fetchall():
                wrong.append(Wrong(code, period.kind, class_, stored if exists else None, expected))
    return wrong


def repair_statement(stream: StreamDeclaration, period: Period) -> sql.Composed:
    """Recomputes wrong rows from the events (sql/reconcile/repair_aggregates.sql)."""
    columns = stream.aggregate_columns
    return statement(
        "reconcile/repair_aggregates.sql",
        **_parts(stream, period, of_daily=False),
        kind=sql.Literal(period.kind),
        period_name=sql.Literal(period.column),
        columns=names(columns),
        replaced=names(columns, lambda c: sql.SQL("{0} = EXCLUDED.{0}").format(sql.Identifier(c))),
    )


def _parts(stream: StreamDeclaration, period: Period, *, of_daily: bool) -> dict[str, sql.Composable]:
    columns = stream.aggregate_columns
    table = {"aggregate": sql.Identifier(period.table), "period": sql.Identifier(period.column)}
    return {
        **table,
        "length": sql.SQL(period.length),
        "source": sql.Identifier(stream.daily_table if of_daily else stream.events_table),
        "sums": _sums_of_daily(stream) if of_daily else _sums_of_events(stream),
        "stored": names(columns, lambda c: sql.SQL("t.{}").format(sql.Identifier(c))),
        "expected": names(columns, lambda c: sql.SQL("x.{}").format(sql.Identifier(c))),
    }


def _sums_of_events(stream: StreamDeclaration) -> sql.Composed:
    sums: list[sql.Composable] = [
        sql.SQL("count(*) AS transactions, sum(e.quantity) AS volume, sum(e.value_total) AS value")
    ]
    for measure in stream.measures:
        among = sql.SQL(", ").join(sql.Literal(value) for value in measure.among)
        sums.append(
            sql.SQL("coalesce(sum(e.{of}) FILTER (WHERE e.{where} IN ({among})), 0) AS {name}").format(
                of=sql.Identifier(measure.of), where=sql.Identifier(measure.where), among=among,
                name=sql.Identifier(measure.name),
            )
        )  # fmt: skip
    newest = 'e.date DESC, e."timestamp" DESC, e.source_position DESC'
    return sql.SQL(", ").join([*sums, _last(stream.price, newest, stream.last_price)])


def _sums_of_daily(stream: StreamDeclaration) -> sql.Composed:
    sums = ("transactions", "volume", "value", *(m.name for m in stream.measures))
    summed = names(sums, lambda c: sql.SQL("sum(e.{0}) AS {0}").format(sql.Identifier(c)))
    return sql.SQL(", ").join([summed, _last(stream.last_price, "e.date DESC", stream.last_price)])


def _last(column: str, order: str, name: str) -> sql.Composed:
    return sql.SQL("(array_agg(e.{} ORDER BY {}))[1] AS {}").format(
        sql.Identifier(column), sql.SQL(order), sql.Identifier(name)
    )
