"""What Redis is to hold, read from PostgreSQL: the rows behind its keys, with every value as text.

Only rows are told here; which keys and TTLs they become is the Redis sink's affair.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from psycopg2 import sql

from castro_spark.sinks.postgres.connection import Connection, names, statement
from castro_spark.streams.declaration import FieldType, StreamDeclaration

Fields = dict[str, str]


@dataclass
class Projection:
    """Rows to publish; None where there is no such row any more."""

    newest: list[tuple[str, Fields | None]] = field(default_factory=list)  # product_code
    daily: list[tuple[str, date, Fields | None]] = field(default_factory=list)  # product_code, date
    monthly: list[tuple[str, date, Fields | None]] = field(default_factory=list)  # product_code, first day


@dataclass(frozen=True)
class Horizon:
    """The oldest day and month (its first day) that are still cached."""

    day: date
    month: date

    @classmethod
    def of(cls, today: date, daily_days: int, monthly_days: int) -> Horizon:
        """A day is cached up to `daily_days` after it, a month up to `monthly_days` after its last day."""
        month = (today - timedelta(days=monthly_days)).replace(day=1)
        return cls(today - timedelta(days=daily_days), month)


def aggregate_fields(transactions: int, volume: str, value: str) -> Fields | None:
    """The fields of a daily or monthly hash; None where nothing is left."""
    if transactions == 0:
        return None
    return {"transactions": str(transactions), "volume": volume, "value": value}


def newest_of_touched(connection: Connection, stream: StreamDeclaration) -> list[tuple[str, Fields | None]]:
    """The newest event of each product that the open transaction touched, which it has looked up."""
    query = statement("projection/newest_of_touched.sql", texts=_texts(stream))
    return list(_rows(connection, stream, query))


def changed_since(
    connection: Connection, stream: StreamDeclaration, revision: int, horizon: Horizon, chunk: int = 5000
) -> Iterator[Projection]:
    """All that commits after `revision` changed and that is still cached, in chunks (-1: everything)."""
    for table, period, oldest in (
        (stream.daily_table, "date", horizon.day),
        (stream.monthly_table, "month", horizon.month),
    ):
        query = statement(
            "projection/changed_periods.sql",
            table=sql.Identifier(table),
            period=sql.Identifier(period),
            period_name=sql.Literal(period),
        )
        with connection.cursor(f"castro_{period}") as cursor:
            cursor.execute(query, {"stream": stream.name, "oldest": oldest, "revision": revision})
            while rows := cursor.fetchmany(chunk):
                aggregated = [(r[0], r[1], aggregate_fields(*r[2:])) for r in rows]
                yield Projection(daily=aggregated) if period == "date" else Projection(monthly=aggregated)
    products = statement(
        "projection/changed_products.sql",
        stream=sql.Literal(stream.name),
        revision=sql.Literal(revision),
    )
    newest = list(newest_of(connection, stream, products))
    for start in range(0, len(newest), chunk):
        yield Projection(newest=newest[start : start + chunk])


def newest_of(
    connection: Connection, stream: StreamDeclaration, products: sql.Composable
) -> Iterator[tuple[str, Fields | None]]:
    """The newest event of each product that the query `products` gives."""
    events = sql.Identifier(stream.events_table)
    query = statement("projection/newest_of_products.sql", texts=_texts(stream), products=products, events=events)
    return _rows(connection, stream, query)


def _columns(stream: StreamDeclaration) -> tuple[str, ...]:
    return (*stream.event_columns, "created_at", "updated_at")


def _texts(stream: StreamDeclaration) -> sql.Composed:
    times = {f.column for f in stream.fields if f.type is FieldType.TIMESTAMP} | {"created_at", "updated_at"}
    decimals = {f.column for f in stream.fields if f.type is FieldType.DECIMAL} | {"value_total"}

    def as_text(column: str) -> sql.Composable:
        form = "e.{}::text"
        if column in times:
            form = "to_char(e.{}, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
        elif column in decimals:
            form = "trim_scale(e.{})::text"
        return sql.SQL(form).format(sql.Identifier(column))

    return names(_columns(stream), as_text)


def _rows(
    connection: Connection, stream: StreamDeclaration, query: sql.Composed
) -> Iterator[tuple[str, Fields | None]]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        for product_code, *texts in cursor:
            fields = {c: t for c, t in zip(_columns(stream), texts, strict=True) if t is not None}
            yield product_code, fields or None
