"""The rows of ml_product_360 as they are published: fields as text, without Spark."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from decimal import Decimal
from typing import Any

import psycopg2.extensions
from psycopg2 import sql

from castro_spark.product_columns import COLUMNS
from castro_spark.sinks.postgres.connection import Connection, names

Fields = dict[str, str]


def all_rows(connection: Connection, chunk: int = 2000) -> Iterator[list[tuple[str, datetime, Fields]]]:
    """Every row's product code, time of writing and fields as text, in chunks, within the caller's transaction."""
    with connection.cursor("castro_product_360") as cursor:
        cursor.execute(sql.SQL("SELECT {} FROM ml_product_360").format(names((*COLUMNS, "updated_at"))))
        while rows := cursor.fetchmany(chunk):
            yield [(row["product_code"], row["updated_at"], fields_of(row)) for row in by_column(cursor, rows)]


def by_column(
    cursor: psycopg2.extensions.cursor, rows: list[tuple[Any, ...]]
) -> Iterator[dict[str, Any]]:
    """The rows as mappings from the names of the cursor's columns."""
    columns = [column.name for column in cursor.description or ()]
    return (dict(zip(columns, row, strict=True)) for row in rows)


def fields_of(row: Mapping[str, Any]) -> Fields:
    """The fields of product:360:{code}: each column that is not null."""
    return {column: _text(row[column]) for column in COLUMNS if row[column] is not None}


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"  # as PostgreSQL writes it
    if isinstance(value, Decimal):
        return f"{value.normalize():f}" if value else "0"
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return str(value)
