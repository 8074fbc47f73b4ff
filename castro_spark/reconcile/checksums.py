"""PostgreSQL's side of the checksums by product (reconcile/canonical defines them)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from psycopg2 import sql

from castro_spark.reconcile.canonical import HASH_DIGITS, NULL, SEPARATOR, compared_columns
from castro_spark.sinks.postgres.connection import Connection, statement
from castro_spark.streams.declaration import FieldType, StreamDeclaration

_PRODUCTS_A_QUERY = 2000
_BITS = 4 * HASH_DIGITS


@dataclass(frozen=True)
class Checksum:
    """A product's events of one day: their count, and the sums of quantities, values and hashes."""

    rows: int
    quantity: Decimal | None
    value_total: Decimal | None
    hash: Decimal


def row_hash(stream: StreamDeclaration) -> sql.Composed:
    """The hash of an event `e` (bigint)."""
    instants = {f.column for f in stream.fields if f.type is FieldType.TIMESTAMP}

    def text(column: str) -> sql.Composed:
        form = "(extract(epoch FROM e.{}) * 1000000)::bigint::text" if column in instants else "e.{}::text"
        return sql.SQL("coalesce({}, {})").format(sql.SQL(form).format(sql.Identifier(column)), sql.Literal(NULL))

    parts = sql.SQL(", ").join([sql.Literal(SEPARATOR), *(text(column) for column in compared_columns(stream))])
    return sql.SQL("('x' || left(md5(convert_to(concat_ws({}), 'UTF8')), {}))::bit({})::bigint").format(
        parts, sql.Literal(HASH_DIGITS), sql.SQL(str(_BITS))
    )


def products_of(connection: Connection, stream: StreamDeclaration, day: date) -> set[str]:
    """The products with a daily row on the day."""
    with connection, connection.cursor() as cursor:
        query = sql.SQL("SELECT product_code FROM {} WHERE date = %s").format(sql.Identifier(stream.daily_table))
        cursor.execute(query, (day,))
        return {code for (code,) in cursor.fetchall()}


def checksums(
    connection: Connection, stream: StreamDeclaration, day: date, products: Sequence[str]
) -> dict[str, Checksum]:
    """The checksums of those `products` that have events on the day. Uses the index by product, not a full scan."""
    query = statement("reconcile/checksums.sql", hash=row_hash(stream), events=sql.Identifier(stream.events_table))
    by_product = {}
    for start in range(0, len(products), _PRODUCTS_A_QUERY):
        with connection, connection.cursor() as cursor:
            cursor.execute(query, {"products": list(products[start : start + _PRODUCTS_A_QUERY]), "day": day})
            by_product.update({code: Checksum(*sums) for code, *sums in cursor.fetchall()})
    return by_product
