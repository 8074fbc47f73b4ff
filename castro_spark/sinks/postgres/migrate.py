"""Numbered migrations: sql/postgres/001_... once, 002_... for each stream. Safe to repeat."""

from __future__ import annotations

from collections.abc import Iterable

from psycopg2 import sql

from castro_spark.errors import NotMigrated
from castro_spark.sinks.postgres.connection import Connection, statement
from castro_spark.sinks.postgres.working_tables import (
    SHARED_SLOTS,
    events_table,
    plan_table,
    rejects_table,
    warehouse_rows_table,
)
from castro_spark.streams.declaration import FieldType, StreamDeclaration

_WHOLE = ""  # the "stream" of what is applied once
_ONCE = ("001_castro_schema", "004_emptied", "006_deleted", "007_unknown_fields", "009_touched", "011_product_360",
         "030_extract", "040_backfilled_months", "050_reconcile",
         "006_projection")  # fmt: skip
_PER_STREAM = ("002_stream_tables", "003_staging_slots", "005_deletes", "010_touched_before", "020_backfill_slot",
               "051_reconcile_tables")  # fmt: skip
_OF_ONE_STREAM = {"inventory": ("008_inventory_values",)}
_TYPES = {
    FieldType.TEXT: 'text COLLATE "C"',
    FieldType.DECIMAL: "numeric(18,6)",
    FieldType.TIMESTAMP: "timestamptz",
    FieldType.DATE: "date",
}
_DERIVED_TYPES = {
    "event_id": 'text COLLATE "C"',
    "value_total": "numeric(38,12)",
    "date": "date",
    "is_weekend": "boolean",
    "position_major": "bigint",
    "position_minor": "bigint",
}


def wanted(streams: Iterable[StreamDeclaration]) -> list[tuple[str, str]]:
    """Every migration as (name, stream), in order."""
    of_streams = [(name, s.name) for s in streams for name in (*_PER_STREAM, *_OF_ONE_STREAM.get(s.name, ()))]
    return [(name, _WHOLE) for name in _ONCE] + of_streams


def applied(connection: Connection) -> set[tuple[str, str]]:
    """The migrations that the database has."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('castro_migrations.applied') IS NOT NULL")
        (exists,) = cursor.fetchone() or (False,)
        if not exists:
            return set()
        cursor.execute("SELECT name, stream FROM castro_migrations.applied")
        return {(name, stream) for name, stream in cursor.fetchall()}


def check_migrated(connection: Connection, stream: StreamDeclaration) -> None:
    """Raises NotMigrated unless everything that the stream needs is there."""
    missing = [name for name, of in wanted([stream]) if (name, of) not in applied(connection)]
    connection.rollback()
    if missing:
        raise NotMigrated(
            f"the database lacks {', '.join(missing)} of stream {stream.name}",
            "run ./spark-submit.sh migrate with the same settings",
        )


def migrate(connection: Connection, streams: Iterable[StreamDeclaration]) -> list[str]:
    """Applies what is missing, all in one transaction; returns the names of what it applied."""
    streams = list(streams)
    by_name = {s.name: s for s in streams}
    done = []
    with connection, connection.cursor() as cursor:
        # Two at once would create twice; the second waits here and then finds nothing to do.
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('castro_spark.migrate'))")
        cursor.execute("CREATE SCHEMA IF NOT EXISTS castro_migrations")
        cursor.execute(
            "CREATE TABLE IF NOT EXISTS castro_migrations.applied (name text, stream text,"
            " applied_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (name, stream))"
        )
        there = applied(connection)
        for name, of in wanted(streams):
            if (name, of) in there:
                continue
            parts = _parts(by_name[of]) if of else {}
            cursor.execute(statement(f"postgres/{name}.sql", **parts))
            cursor.execute("INSERT INTO castro_migrations.applied (name, stream) VALUES (%s, %s)", (name, of))
            done.append(f"{name} {of}".strip())
    return done


def _parts(stream: StreamDeclaration) -> dict[str, sql.Composable]:
    measures = [sql.SQL("{} numeric NOT NULL,").format(sql.Identifier(m.name)) for m in stream.measures]
    return {
        "stream": sql.Literal(stream.name),
        "events": sql.Identifier(stream.events_table),
        "events_newest": sql.Identifier(f"{stream.events_table}_newest"),
        "daily": sql.Identifier(stream.daily_table),
        "daily_by_date": sql.Identifier(f"{stream.daily_table}_by_date"),
        "monthly": sql.Identifier(stream.monthly_table),
        "monthly_by_month": sql.Identifier(f"{stream.monthly_table}_by_month"),
        "staged_events": sql.Identifier("castro", f"staged_{stream.name}_events"),
        "staged_rejects": sql.Identifier("castro", f"staged_{stream.name}_rejects"),
        **{f"staged_events_{slot}": events_table(stream, slot) for slot in SHARED_SLOTS},
        **{f"staged_rejects_{slot}": rejects_table(stream, slot) for slot in SHARED_SLOTS},
        "reconcile_rows": warehouse_rows_table(stream),
        "reconcile_plan": plan_table(stream),
        "field_columns": _columns(stream, stream.columns, not_null=True),
        "event_columns": _columns(stream, stream.event_columns, not_null=False),
        "measure_columns": sql.SQL(" ").join(measures),
        "last_price": sql.Identifier(stream.last_price),
    }


def _columns(stream: StreamDeclaration, columns: tuple[str, ...], *, not_null: bool) -> sql.Composed:
    required = {f.column for f in stream.fields if f.required}
    types = {f.column: _TYPES[f.type] for f in stream.fields} | _DERIVED_TYPES
    parts = []
    for column in columns:
        ending = " NOT NULL" if not_null and column in required else ""
        parts.append(sql.Identifier(column) + sql.SQL(f" {types.get(column, 'smallint')}{ending}"))
    return sql.SQL(",\n    ").join(parts)
