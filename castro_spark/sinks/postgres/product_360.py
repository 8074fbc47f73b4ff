"""ml_product_360: rows computed from the streams' committed tables, a few products at a time.

Guarantee: each row reflects one consistent state of the committed tables, and a later refresh never writes an earlier
state. A refresh that crashes is redone by the next one, because `note_seen` runs last. A repeated refresh changes only
revision and updated_at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timezone
from decimal import Decimal
from typing import Any

from psycopg2 import sql
from psycopg2.extras import execute_values

from castro_spark.features.product_360 import COLUMNS, LONGEST, WINDOW_SUMS, ratios
from castro_spark.product_columns import MASTER_COLUMNS
from castro_spark.sinks.postgres.connection import Connection, names, statement
from castro_spark.sinks.postgres.master_data import MasterTables

_FLOW_COLUMNS = {"in": "{}_in", "out": "{}_out", "sales": "{}", "purchase": "{}"}
Fields = dict[str, str]


@dataclass(frozen=True)
class Refreshed:
    """What one refresh wrote: each product's fields as text (None: its row was removed)."""

    before: int  # the previous refresh's revision
    revision: int
    at: datetime  # when the rows were written
    rows: list[tuple[str, Fields | None]]


def refresh(connection: Connection, products: Sequence[str], as_of: date, tables: MasterTables) -> Refreshed:
    """Recomputes the rows of `products`, in one transaction."""
    with connection, connection.cursor() as cursor:
        before = _lock(cursor)
        revision = max(before + 1, int(datetime.now(timezone.utc).timestamp() * 1000))  # newer even after a restore
        cursor.execute(_sums(tables), {"products": list(products), "as_of": as_of})
        rows = [{**sums, **ratios(sums, as_of), "as_of": as_of} for sums in _by_column(cursor, cursor.fetchall())]
        _upsert(cursor, rows, revision)
        written = {row["product_code"]: _fields(row) for row in rows}
        removed = [code for code in products if code not in written]
        cursor.execute("DELETE FROM ml_product_360 WHERE product_code = ANY(%s)", (removed,))
        cursor.execute("UPDATE castro.product_360 SET revision = %s RETURNING now()", (revision,))
        (at,) = cursor.fetchone() or (datetime.now(timezone.utc),)
    return Refreshed(before, revision, at, [(code, written.get(code)) for code in products])


def all_rows(connection: Connection, chunk: int = 2000) -> Iterator[list[tuple[str, datetime, Fields]]]:
    """Every row's product code, time of writing and fields as text, in chunks, within the caller's transaction."""
    with connection.cursor("castro_product_360") as cursor:
        cursor.execute(sql.SQL("SELECT {} FROM ml_product_360").format(names((*COLUMNS, "updated_at"))))
        while rows := cursor.fetchmany(chunk):
            yield [(row["product_code"], row["updated_at"], _fields(row)) for row in _by_column(cursor, rows)]


def _lock(cursor: Any) -> int:
    cursor.execute("SELECT revision FROM castro.product_360 FOR UPDATE")
    (revision,) = cursor.fetchone()
    return int(revision)


def _by_column(cursor: Any, rows: list[tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
    columns = [column.name for column in cursor.description]
    return (dict(zip(columns, row, strict=True)) for row in rows)


def _sums(tables: MasterTables) -> sql.Composed:
    def windows(*flows: str) -> sql.Composed:
        parts = [
            sql.SQL("coalesce(sum(d.{}) FILTER (WHERE d.date > %(as_of)s::date - {}), 0) AS {}").format(
                sql.Identifier(_FLOW_COLUMNS[w.flow].format(w.what)), sql.Literal(w.days), sql.Identifier(w.column)
            )
            for w in WINDOW_SUMS
            if w.flow in flows
        ]
        return sql.SQL(", ").join(parts)

    return statement(
        "product_360/sums.sql",
        columns=names(tuple(w.column for w in WINDOW_SUMS)),
        inventory=windows("in", "out"),
        sales=windows("sales"),
        procurement=windows("purchase"),
        longest=sql.Literal(LONGEST),
        master_columns=names(tuple(MASTER_COLUMNS), lambda c: sql.SQL("m.") + sql.Identifier(c)),
        master=tables.master,
        levels=tables.levels,
    )


def _upsert(cursor: Any, rows: Sequence[dict[str, Any]], revision: int) -> None:
    columns = (*COLUMNS, "revision")
    query = sql.SQL(
        "INSERT INTO ml_product_360 ({}) VALUES %s"
        " ON CONFLICT (product_code) DO UPDATE SET ({}) = ROW({}), updated_at = now()"
    ).format(names(columns), names(columns), names(columns, lambda c: sql.SQL("EXCLUDED.") + sql.Identifier(c)))
    values = [(*(row[c] for c in COLUMNS), revision) for row in rows]
    execute_values(cursor, query, values, page_size=500)


def _fields(row: dict[str, Any]) -> Fields:
    return {column: _text(row[column]) for column in COLUMNS if row[column] is not None}


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"  # as PostgreSQL writes it
    if isinstance(value, Decimal):
        return f"{value.normalize():f}" if value else "0"
    if isinstance(value, datetime):
        return value.astimezone(timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return str(value)
