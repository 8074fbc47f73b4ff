"""Reads from PostgreSQL the rows that Redis is to hold of a stream's products.

PostgreSQL makes a hash's fields of a row, as one JSON object of texts, and Redis takes it apart: Python only passes it
on, since at thousands of rows a second making dictionaries and JSON of them was a sixth of all its work. entries.py
maps the rows to keys and expiries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from psycopg2 import sql

from castro_spark.sinks.postgres.connection import Connection, names, statement
from castro_spark.sinks.redis.hashes import JsonFields
from castro_spark.streams.declaration import FieldType, StreamDeclaration

NEWEST, DAY, MONTH = "newest", "date", "month"  # kinds of keys; the last two are also column names
AGGREGATE_FIELDS = ("transactions", "volume", "value")  # of a daily or monthly hash


@dataclass
class Rows:
    """Rows to publish; the fields are None if the row no longer exists."""

    newest: list[tuple[str, datetime | None, JsonFields | None]] = field(default_factory=list)  # product, updated_at
    daily: list[tuple[str, date, JsonFields | None]] = field(default_factory=list)  # product, date
    monthly: list[tuple[str, date, JsonFields | None]] = field(default_factory=list)  # product, first day


@dataclass(frozen=True)
class Horizon:
    """The oldest day and month (its first day) that are still cached."""

    day: date
    month: date

    @classmethod
    def of(cls, today: date, daily_days: int, monthly_days: int) -> Horizon:
        """A day is cached for `daily_days` days after it, a month for `monthly_days` days after its last day."""
        month = (today - timedelta(days=monthly_days)).replace(day=1)
        return cls(today - timedelta(days=daily_days), month)


@dataclass(frozen=True)
class Key:
    """A requested key, whatever last changed its row: its kind, product, and the first day of its period."""

    kind: str
    product_code: str
    first_day: date | None = None


class StreamRows:
    """Reads the rows of one stream. Each call runs in the caller's transaction, and so sees its snapshot."""

    def __init__(self, stream: StreamDeclaration) -> None:
        self._stream = stream
        self._newest = statement(
            "projection/newest_of_products.sql",
            texts=_texts(stream, (*stream.event_columns, "created_at", "updated_at")),
            events=sql.Identifier(stream.events_table),
        )
        periods = {DAY: stream.daily_table, MONTH: stream.monthly_table}
        self._changed = {kind: of_period("projection/changed_periods.sql", kind, t) for kind, t in periods.items()}
        self._requested = {kind: of_period("projection/requested_periods.sql", kind, t) for kind, t in periods.items()}

    def changed(self, connection: Connection, products: Sequence[str], since: int, horizon: Horizon) -> Rows:
        """The rows of `products` that commits after revision `since` changed, within the horizon."""
        with connection.cursor() as cursor:
            known = {"products": list(products), "stream": self._stream.name, "since": since}
            cursor.execute(self._changed[DAY], {**known, "oldest": horizon.day})
            daily = cursor.fetchall()
            cursor.execute(self._changed[MONTH], {**known, "oldest": horizon.month})
            monthly = cursor.fetchall()
        return Rows(self.newest(connection, products), daily, monthly)

    def requested(self, connection: Connection, keys: Sequence[Key]) -> Rows:
        """The rows of these keys, whatever last changed them."""
        of_kind: dict[str, list[Key]] = {kind: [k for k in keys if k.kind == kind] for kind in (NEWEST, DAY, MONTH)}
        aggregates: dict[str, list[tuple[str, date, JsonFields | None]]] = {}
        with connection.cursor() as cursor:
            for kind, query in self._requested.items():
                products = [k.product_code for k in of_kind[kind]]
                cursor.execute(query, {"products": products, "days": [k.first_day for k in of_kind[kind]]})
                aggregates[kind] = cursor.fetchall()
        newest = self.newest(connection, [k.product_code for k in of_kind[NEWEST]])
        return Rows(newest, aggregates[DAY], aggregates[MONTH])

    def newest(
        self, connection: Connection, products: Sequence[str]
    ) -> list[tuple[str, datetime | None, JsonFields | None]]:
        """The newest event of each product, with the time its row was last written."""
        with connection.cursor() as cursor:
            cursor.execute(self._newest, {"products": list(products)})
            return cursor.fetchall()


def of_period(path: str, period: str, table: str) -> sql.Composed:
    """The statement in that file, for the rows `t` of the days (or months) in `table`; their fields are NULL without
    a row, or without transactions."""

    def pair(column: str) -> sql.Composable:
        return sql.SQL("{}, trim_scale(t.{})::text").format(sql.Literal(column), sql.Identifier(column))

    return statement(
        path,
        table=sql.Identifier(table),
        period=sql.Identifier(period),
        period_name=sql.Literal(period),
        fields=sql.SQL("CASE WHEN t.transactions > 0 THEN json_build_object({})::text END").format(
            names(AGGREGATE_FIELDS, pair)
        ),
    )


def _texts(stream: StreamDeclaration, columns: tuple[str, ...]) -> sql.Composed:
    times = {f.column for f in stream.fields if f.type is FieldType.TIMESTAMP} | {"created_at", "updated_at"}
    decimals = {f.column for f in stream.fields if f.type is FieldType.DECIMAL} | {"value_total"}

    def as_text(column: str) -> sql.Composable:
        form = "e.{}::text"
        if column in times:
            form = "to_char(e.{}, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"')"
        elif column in decimals:
            form = "trim_scale(e.{})::text"
        return sql.SQL(form + " AS {}").format(sql.Identifier(column), sql.Identifier(column))

    return names(columns, as_text)
