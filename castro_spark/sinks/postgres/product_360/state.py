"""The state of ml_product_360: who refreshes it, what is to be refreshed, and which commits it includes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, datetime

import psycopg2.extensions
from psycopg2 import sql

from castro_spark.product_columns import LEVEL_COLUMNS, MASTER_COLUMNS
from castro_spark.sinks.postgres.connection import Connection, names, statement
from castro_spark.sinks.postgres.exclusive import try_lock
from castro_spark.sinks.postgres.product_360.master_data import MasterTables

NAME = "product_360"  # the view's name among the projections in Redis
STREAMS = ("inventory", "sales", "procurement")


@dataclass(frozen=True)
class Look:
    """The products to refresh, and each stream's and warehouse table's revision that the view covers afterwards."""

    products: list[str]
    seen: dict[str, int]


def is_migrated(connection: Connection) -> bool:
    """Whether the tables of all three streams exist."""
    tables = ["ml_product_360", *(f"ml_{stream}_daily" for stream in STREAMS)]
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT bool_and(to_regclass(name) IS NOT NULL) FROM unnest(%s) AS name", (tables,))
        (exist,) = cursor.fetchone() or (False,)
    return bool(exist)


def become_refresher(connection: Connection) -> bool:
    """Elects one refresher among several applications: True if this connection is it, until it closes."""
    with connection, connection.cursor() as cursor:
        return try_lock(cursor, NAME, "")


def look(connection: Connection, as_of: date, tables: MasterTables) -> Look:
    """What a refresh as of the local day `as_of` must process; the warehouse's tables are compared after an extract."""
    with connection, connection.cursor() as cursor:
        # Read before the products: a commit in between is processed twice rather than never.
        cursor.execute("SELECT stream, revision FROM castro.stream WHERE stream = ANY(%s)", (list(STREAMS),))
        seen = dict(cursor.fetchall())
        parameters = {"streams": list(STREAMS), "as_of": as_of}
        cursor.execute(statement("product_360/changed_products.sql"), parameters)
        products = {code for (code,) in cursor.fetchall()}
        extracted = _extracted(cursor, tables)
        cursor.execute("SELECT seen FROM castro.product_360")
        (included,) = cursor.fetchone() or ({},)
        if any(included.get(table) != revision for table, revision in extracted.items()):
            cursor.execute(_changed_master_data(tables))
            products.update(code for (code,) in cursor.fetchall())
        return Look(sorted(products), seen | extracted)


def _extracted(cursor: psycopg2.extensions.cursor, tables: MasterTables) -> dict[str, int]:
    """The revision of the last extract of each table; 0 of one that is there without an extract."""
    query = "SELECT target, revision FROM castro.extract_watermark WHERE target = ANY(%s)"
    cursor.execute(query, (list(tables.targets),))
    return dict.fromkeys(tables.targets, 0) | dict(cursor.fetchall())


def _changed_master_data(tables: MasterTables) -> sql.Composed:
    def of(row: str) -> sql.Composed:
        return names((*MASTER_COLUMNS, *LEVEL_COLUMNS), lambda c: sql.Identifier(row, c))

    return statement(
        "product_360/changed_master_data.sql",
        master_columns=names(tuple(MASTER_COLUMNS)),
        master=tables.master,
        levels=tables.levels,
        of_known=of("known"),
        of_view=of("v"),
    )


def note_seen(connection: Connection, seen: dict[str, int]) -> None:
    """Records that all rows include the commits and extracts up to `seen`."""
    with connection, connection.cursor() as cursor:
        cursor.execute("UPDATE castro.product_360 SET seen = %s, refreshed_at = now()", (json.dumps(seen),))


def state(connection: Connection) -> tuple[int, dict[str, int], datetime | None]:
    """(revision of the last refresh, the revision it covers of each stream and table, when it ended)."""
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT revision, seen, refreshed_at FROM castro.product_360")
        revision, seen, refreshed_at = cursor.fetchone() or (0, {}, None)
        return revision, seen, refreshed_at
