"""ml_product_360: rows computed from the streams' committed tables, a few products at a time.

Guarantee: each row reflects one consistent state of the committed tables, and a later refresh never writes an earlier
state. A refresh that crashes is redone by the next one, because `note_seen` runs last. A repeated refresh changes only
revision and updated_at.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timezone
from typing import Any

from psycopg2 import sql
from pydantic_core import to_json

from castro_spark.features.product_360 import ratios
from castro_spark.product_columns import COLUMNS, LONGEST, MASTER_COLUMNS, WINDOW_SUMS
from castro_spark.sinks.postgres.connection import Connection, names, statement
from castro_spark.sinks.postgres.product_360.master_data import MasterTables
from castro_spark.sinks.postgres.product_360.rows import Fields, by_column, fields_of

_FLOW_COLUMNS = {"in": "{}_in", "out": "{}_out", "sales": "{}", "purchase": "{}"}


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
        rows = [{**sums, **ratios(sums, as_of), "as_of": as_of} for sums in by_column(cursor, cursor.fetchall())]
        _upsert(cursor, rows, revision)
        written = {row["product_code"]: fields_of(row) for row in rows}
        removed = [code for code in products if code not in written]
        cursor.execute("DELETE FROM ml_product_360 WHERE product_code = ANY(%s)", (removed,))
        cursor.execute("UPDATE castro.product_360 SET revision = %s RETURNING now()", (revision,))
        (at,) = cursor.fetchone() or (datetime.now(timezone.utc),)
    return Refreshed(before, revision, at, [(code, written.get(code)) for code in products])


def _lock(cursor: Any) -> int:
    cursor.execute("SELECT revision FROM castro.product_360 FOR UPDATE")
    (revision,) = cursor.fetchone()
    return int(revision)


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
    values = names(COLUMNS, lambda c: sql.SQL("EXCLUDED.") + sql.Identifier(c))
    query = statement("product_360/upsert.sql", columns=names(COLUMNS), values=values)
    # As one JSON argument: to quote each of some fifty values a row took half of a refresh's Python.
    told = to_json([{column: row[column] for column in COLUMNS} for row in rows]).decode()
    cursor.execute(query, {"rows": told, "revision": revision})
