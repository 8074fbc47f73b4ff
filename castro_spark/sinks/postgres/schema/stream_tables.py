"""The columns that a stream's declaration requires of its tables, and which ones an existing database lacks.

A declaration may change after its tables were created. `migrate` handles that as follows:

- A new field becomes a nullable column, even if the field is required: existing events have no value. Parse rejects
  new records without it.
- A new measure becomes a column with the sums of the existing events.
- The column of a field that became optional, or was removed, stays and becomes nullable.
- A changed type is refused: the operator decides what happens to the values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import psycopg2.extensions
from psycopg2 import sql

from castro_spark.errors import TypeChanged
from castro_spark.sinks.postgres.connection import statement
from castro_spark.sinks.postgres.schema.working_tables import (
    SHARED_SLOTS,
    events_table,
    plan_table,
    rejects_table,
    warehouse_rows_table,
)
from castro_spark.streams.declaration import POSITION_COLUMN, FieldType, Measure, StreamDeclaration

Cursor = psycopg2.extensions.cursor
# Types in format_type's spelling, so that declaration and catalog compare as text.
_TYPES = {
    FieldType.TEXT: "text",
    FieldType.DECIMAL: "numeric(18,6)",
    FieldType.TIMESTAMP: "timestamp with time zone",
    FieldType.DATE: "date",
}
_DERIVED_TYPES = {
    "event_id": "text",
    "value_total": "numeric(38,12)",
    "date": "date",
    "month": "smallint",
    "quarter": "smallint",
    "day_of_week": "smallint",
    "is_weekend": "boolean",
    POSITION_COLUMN: "bytea",
}
_SUMS = {"transactions": "bigint", "volume": "numeric", "value": "numeric"}
Existing = dict[str, tuple[str, bool]]  # a table's columns: type, and whether an INSERT must provide it
_PERIODS = {"date": "e.date", "month": "date_trunc('month', e.date)::date"}


@dataclass(frozen=True)
class Column:
    """A column's type, and whether it is NOT NULL."""

    type: str
    required: bool = False

    def definition(self, name: str) -> sql.Composed:
        collation = ' COLLATE "C"' if self.type == "text" else ""  # codes: fast to compare, the same in every locale
        ending = " NOT NULL" if self.required else ""
        return sql.Identifier(name) + sql.SQL(f" {self.type}{collation}{ending}")


@dataclass(frozen=True)
class Table:
    """A table and the `columns` that its writers fill. Those in `declared` may be added and removed."""

    name: sql.Identifier
    columns: Mapping[str, Column]
    declared: frozenset[str]
    period: str = ""  # of an aggregate: the column of its period
    internal: bool = False  # a working table: it has further columns beside `columns`

    @property
    def title(self) -> str:
        return ".".join(self.name.strings)


@dataclass(frozen=True)
class Change:
    """One schema change: what the table lacks, what `migrate` reports after it, and the statement."""

    lacks: str
    done: str
    statement: sql.Composed


def stream_tables(stream: StreamDeclaration) -> list[Table]:
    """The stream's tables whose columns depend on its declaration."""
    fields = {f.column: Column(_TYPES[f.type], f.required) for f in stream.fields}
    every = {name: fields.get(name) or Column(_DERIVED_TYPES[name], True) for name in stream.event_columns}
    nullable = {name: Column(column.type) for name, column in every.items()}
    measures = {m.name: Column("numeric", True) for m in stream.measures}
    tables = [Table(sql.Identifier(stream.events_table), every, frozenset(fields))]
    for name, period in ((stream.daily_table, "date"), (stream.monthly_table, "month")):
        columns = {
            "product_code": Column("text", True),
            period: Column("date", True),
            **{column: Column(kind, True) for column, kind in _SUMS.items()},
            **measures,
            stream.last_price: Column("numeric(18,6)"),
            "revision": Column("bigint", True),
        }
        tables.append(Table(sql.Identifier(name), columns, frozenset(measures), period))
    working = [events_table(stream, slot) for slot in SHARED_SLOTS]
    working += [warehouse_rows_table(stream), plan_table(stream)]
    return tables + [Table(name, nullable, frozenset(nullable), internal=True) for name in working]


def migration_parts(stream: StreamDeclaration) -> dict[str, sql.Composable]:
    """The fragments for the {names} in the migrations of one stream."""
    events, daily, *_, plan = stream_tables(stream)
    return {
        "events": sql.Identifier(stream.events_table),
        "events_newest": sql.Identifier(f"{stream.events_table}_newest"),
        "daily": sql.Identifier(stream.daily_table),
        "daily_by_date": sql.Identifier(f"{stream.daily_table}_by_date"),
        "monthly": sql.Identifier(stream.monthly_table),
        "monthly_by_month": sql.Identifier(f"{stream.monthly_table}_by_month"),
        **{f"staged_events_{slot}": events_table(stream, slot) for slot in SHARED_SLOTS},
        **{f"staged_rejects_{slot}": rejects_table(stream, slot) for slot in SHARED_SLOTS},
        "reconcile_rows": warehouse_rows_table(stream),
        "reconcile_plan": plan_table(stream),
        "field_columns": _definitions(events, stream.columns),
        "event_columns": _definitions(plan, stream.event_columns),
        "measure_columns": sql.SQL(" ").join(
            daily.columns[m.name].definition(m.name) + sql.SQL(",") for m in stream.measures
        ),
        "last_price": sql.Identifier(stream.last_price),
    }


def changes(cursor: Cursor, stream: StreamDeclaration) -> list[Change]:
    """What the stream's existing tables lack; raises TypeChanged for what cannot be added."""
    tables = {table.name.as_string(cursor): table for table in stream_tables(stream)}
    existing: dict[str, Existing] = {name: {} for name in tables}
    cursor.execute(statement("migrate/columns_of.sql"), {"tables": list(tables)})
    for table, column, kind, must_be_given in cursor.fetchall():
        existing[table][column] = (kind, must_be_given)
    conflicts = [text for name, table in tables.items() for text in _conflicts(table, existing[name])]
    if conflicts:
        raise TypeChanged(
            "\n".join(conflicts),
            "change the declaration back, or give the field another column, or convert the column in every table named"
            " here yourself while the stream is stopped; then run ./spark-submit.sh migrate again",
        )
    return [change for name, table in tables.items() for change in _changes(stream, table, existing[name])]


def _conflicts(table: Table, existing: Existing) -> Iterator[str]:
    for name, column in table.columns.items():
        if name not in existing:
            if name not in table.declared:
                yield f"table {table.title} lacks column {name}, which existing rows cannot get"
        elif existing[name][0] != column.type:
            yield (
                f"table {table.title}, column {name}: the stream's declaration says {column.type},"
                f" the table has {existing[name][0]}"
            )


def _changes(stream: StreamDeclaration, table: Table, existing: Existing) -> Iterator[Change]:
    measures = {m.name: m for m in stream.measures} if table.period else {}
    for name, column in table.columns.items():
        if name in existing:
            continue
        lacks = f"{table.title} lacks column {name}"
        if name in measures:
            done = f"{table.title}: column {name} added, with the sums of the existing events"
            yield Change(lacks, done, _add_measure(stream, table, measures[name]))
            continue
        note = "" if table.internal else ", null in existing events" + "; new ones must have it" * column.required
        added = _alter(table, "ADD COLUMN {}", Column(column.type).definition(name))
        yield Change(lacks, f"{table.title}: column {name} added{note}", added)
    if table.internal:
        return
    for name, (_, must_be_given) in existing.items():
        wanted = table.columns.get(name)
        if must_be_given and not (wanted and wanted.required):
            yield Change(
                f"{table.title} has a value for column {name} in every row, which the declaration does not require",
                f"{table.title}: column {name} is nullable now",
                _alter(table, "ALTER COLUMN {} DROP NOT NULL", sql.Identifier(name)),
            )


def _alter(table: Table, action: str, part: sql.Composable) -> sql.Composed:
    return sql.SQL("ALTER TABLE {} ").format(table.name) + sql.SQL(action).format(part)


def _add_measure(stream: StreamDeclaration, table: Table, measure: Measure) -> sql.Composed:
    return statement(
        "migrate/add_measure.sql",
        aggregate=table.name,
        events=sql.Identifier(stream.events_table),
        measure=sql.Identifier(measure.name),
        period=sql.Identifier(table.period),
        period_of_date=sql.SQL(_PERIODS[table.period]),
        summed=sql.Identifier(measure.of),
        where=sql.Identifier(measure.where),
        among=sql.SQL(", ").join(sql.Literal(value) for value in measure.among),
    )


def _definitions(table: Table, columns: tuple[str, ...]) -> sql.Composed:
    return sql.SQL(",\n    ").join(table.columns[name].definition(name) for name in columns)
