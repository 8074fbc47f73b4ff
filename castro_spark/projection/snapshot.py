"""The rows that Redis must have for some products, each with its last commit, as of one database snapshot."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from psycopg2.extensions import ISOLATION_LEVEL_REPEATABLE_READ
from psycopg2.sql import Composed

from castro_spark.projection.rows import DAY, MONTH, Horizon, StreamRows, of_period
from castro_spark.sinks.postgres.connection import Connection
from castro_spark.sinks.redis.hashes import Fields, JsonFields
from castro_spark.streams.declaration import StreamDeclaration

# A product, its day or the month's first day, the fields (None: no row), and the revision of their last change.
PeriodRow = tuple[str, date, Fields | None, int]
# A product, when its newest event's row was written, the fields, and the last revision that touched the product.
NewestRow = tuple[str, datetime | None, Fields | None, int]


@dataclass
class Snapshot:
    """The products' rows as of `revision` of the writer `epoch`, without days and months too old for the cache."""

    epoch: int
    revision: int
    newest: list[NewestRow] = field(default_factory=list)
    daily: list[PeriodRow] = field(default_factory=list)
    monthly: list[PeriodRow] = field(default_factory=list)


def snapshot(
    connection: Connection, stream: StreamDeclaration, products: Sequence[str], day: date, horizon: Horizon
) -> Snapshot:
    """The products' newest events, and their rows of the day and of its month. Sets the session to read-only."""
    connection.set_session(isolation_level=ISOLATION_LEVEL_REPEATABLE_READ, readonly=True)
    with connection:
        rows = _with_newest(connection, stream, products)
        if day >= horizon.day:
            rows.daily = _periods(connection, stream, products, DAY, stream.daily_table, day)
        month = day.replace(day=1)
        if month >= horizon.month:
            rows.monthly = _periods(connection, stream, products, MONTH, stream.monthly_table, month)
    return rows


def product_snapshot(
    connection: Connection, stream: StreamDeclaration, product: str, horizon: Horizon, last: date
) -> Snapshot:
    """One product's newest event and its rows of every cached day up to `last` and every cached month, those without
    a row included. Runs in the caller's transaction, which must have one snapshot."""
    rows = _with_newest(connection, stream, [product])
    days = [horizon.day + timedelta(days=n) for n in range((last - horizon.day).days + 1)]
    months = [horizon.month]
    while (following := (months[-1] + timedelta(days=31)).replace(day=1)) <= last:
        months.append(following)
    rows.daily = _of_product(connection, stream, product, DAY, stream.daily_table, days)
    rows.monthly = _of_product(connection, stream, product, MONTH, stream.monthly_table, months)
    return rows


def _with_newest(connection: Connection, stream: StreamDeclaration, products: Sequence[str]) -> Snapshot:
    with connection.cursor() as cursor:
        cursor.execute("SELECT epoch, revision FROM castro.stream WHERE stream = %s", (stream.name,))
        rows = Snapshot(*(cursor.fetchone() or (0, 0)))
        cursor.execute(
            "SELECT product_code, revision FROM castro.touched WHERE stream = %s AND product_code = ANY(%s)",
            (stream.name, list(products)),
        )
        touched = dict(cursor.fetchall())
    newest = StreamRows(stream).newest(connection, products)
    rows.newest = [(code, at, _fields(told), touched.get(code, 0)) for code, at, told in newest]
    return rows


def _of_product(
    connection: Connection, stream: StreamDeclaration, product: str, period: str, table: str, days: Sequence[date]
) -> list[PeriodRow]:
    query = of_period("projection/product_periods.sql", period, table)
    return _read(connection, query, {"product": product, "stream": stream.name, "days": list(days)})


def _periods(
    connection: Connection, stream: StreamDeclaration, products: Sequence[str], period: str, table: str, first: date
) -> list[PeriodRow]:
    query = of_period("projection/snapshot_periods.sql", period, table)
    return _read(connection, query, {"products": list(products), "stream": stream.name, "first": first})


def _read(connection: Connection, query: Composed, parameters: Mapping[str, object]) -> list[PeriodRow]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return [(code, first, _fields(told), revision) for code, first, told, revision in cursor]


def _fields(told: JsonFields | None) -> Fields | None:
    """As Redis takes them apart: nulls are no fields."""
    return None if told is None else {name: text for name, text in json.loads(told).items() if text is not None}
