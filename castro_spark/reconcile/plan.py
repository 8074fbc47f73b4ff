"""The repair plan of a reconciliation: stages the warehouse's rows and compares them with the events by identity.

Rows and plan are in unlogged tables of the stream; one reconciliation of a stream runs at a time. The driver gets only
counts, examples, and the ids of events that only PostgreSQL has.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any

import pyarrow as pa
from psycopg2 import sql
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame

from castro_spark.reconcile.canonical import compared_columns
from castro_spark.sections.servers import PostgresSettings
from castro_spark.sinks.postgres.commit.staging import copy_rows, new_attempt
from castro_spark.sinks.postgres.connection import Connection, connect, names, statement
from castro_spark.sinks.postgres.schema.working_tables import plan_table, warehouse_rows_table
from castro_spark.sinks.postgres.warehouse.staging import raise_as_postgres
from castro_spark.streams.declaration import StreamDeclaration

_COUNTS_SCHEMA = "attempt bigint, rows bigint"


@dataclass(frozen=True)
class Planned:
    """The number of planned repairs by class, and of differences in flight."""

    classes: dict[str, int]
    in_flight: int

    @property
    def repairs(self) -> int:
        return sum(self.classes.values())


class Plan:
    """The repair plan for one day of a stream. `cutoff`: what changed after it, on either side, is in flight."""

    def __init__(
        self, settings: PostgresSettings, stream: StreamDeclaration, connection: Connection, day: date, cutoff: datetime
    ) -> None:
        self._settings = settings
        self._stream = stream
        self._connection = connection
        self._day, self._cutoff = day, cutoff
        self._attempts: list[int] = []
        self._rows = warehouse_rows_table(stream)
        self._plan = plan_table(stream)
        with connection, connection.cursor() as cursor:
            cursor.execute(sql.SQL("TRUNCATE {}, {}").format(self._rows, self._plan))

    def stage(self, warehouse_rows: DataFrame) -> int:
        """Copies warehouse rows (warehouse_day) into the stream's staging table; returns how many."""
        task = partial(_stage_partition, settings=self._settings, stream=self._stream)
        try:
            done = warehouse_rows.mapInArrow(task, _COUNTS_SCHEMA).collect()
        except PySparkException as error:
            raise_as_postgres(error)
            raise
        self._attempts += [row.attempt for row in done]
        with self._connection, self._connection.cursor() as cursor:
            cursor.execute(sql.SQL("ANALYZE {}").format(self._rows))
        return sum(row.rows for row in done)

    def compare(self, products: Sequence[str]) -> Planned:
        """Computes the plan from the staged rows; these products' events without a warehouse row are also extra."""
        parameters = {
            "attempts": self._attempts, "products": list(products), "day": self._day, "cutoff": self._cutoff,
            "stream": self._stream.name,
        }  # fmt: skip
        with self._connection, self._connection.cursor() as cursor:
            cursor.execute(sql.SQL("TRUNCATE {}").format(self._plan))
            # As in a commit: index lookups from the day's rows, however large the events table is.
            cursor.execute("SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off")
            cursor.execute(_plan(self._stream, self._rows, self._plan), parameters)
            cursor.execute(
                sql.SQL("SELECT class, in_flight, count(*) FROM {} GROUP BY class, in_flight").format(self._plan)
            )
            counts = cursor.fetchall()
        classes = {class_: count for class_, in_flight, count in counts if not in_flight}
        return Planned(classes, sum(count for _, in_flight, count in counts if in_flight))

    def unconfirmed(self) -> list[tuple[str, str]]:
        """(event id, product) of extra events without a row among the staged warehouse rows."""
        with self._connection, self._connection.cursor() as cursor:
            query = sql.SQL("SELECT event_id, product_code FROM {} WHERE NOT in_flight AND NOT confirmed")
            cursor.execute(query.format(self._plan))
            return list(cursor.fetchall())

    def examples(self, most: int) -> list[dict[str, Any]]:
        """The first repairs of the plan, for the report."""
        query = sql.SQL(
            "SELECT class, event_id, product_code, CASE WHEN class <> 'extra' THEN date END, held_date, differs"
            " FROM {} WHERE NOT in_flight ORDER BY number LIMIT %s"
        )
        with self._connection, self._connection.cursor() as cursor:
            cursor.execute(query.format(self._plan), (most,))
            keys = ("class", "event_id", "product_code", "date", "date_in_postgres", "differs")
            return [dict(zip(keys, row, strict=True)) for row in cursor.fetchall()]

    def close(self) -> None:
        """Empties both tables."""
        with self._connection, self._connection.cursor() as cursor:
            cursor.execute(sql.SQL("TRUNCATE {}, {}").format(self._rows, self._plan))


def _stage_partition(
    batches: Iterator[pa.RecordBatch], *, settings: PostgresSettings, stream: StreamDeclaration
) -> Iterator[pa.RecordBatch]:
    """One task: COPY of its rows in one transaction, under its own attempt number. Repeated: a new attempt."""
    attempt, rows = new_attempt(), 0
    columns = ("outcome", "changed", *stream.event_columns)
    table = warehouse_rows_table(stream)
    connection: Connection | None = None
    try:
        for batch in batches:
            if batch.num_rows:
                connection = connection or connect(settings, f"castro_spark {stream.name} reconcile staging")
                copy_rows(connection, batch.select(list(columns)), table, columns, attempt)
                rows += batch.num_rows
        if connection is not None:
            connection.commit()
    finally:
        if connection is not None:
            connection.close()
    if rows:
        schema = pa.schema([("attempt", pa.int64()), ("rows", pa.int64())])
        yield pa.RecordBatch.from_pylist([{"attempt": attempt, "rows": rows}], schema=schema)


def _plan(stream: StreamDeclaration, rows: sql.Identifier, plan: sql.Identifier) -> sql.Composed:
    compared = compared_columns(stream)
    columns = tuple(column for column in compared if column != "event_id")

    def of(alias: str, form: str = "{}") -> sql.Composed:
        return names(columns, lambda c: sql.SQL(form).format(sql.SQL(f"{alias}.{{}}").format(sql.Identifier(c))))

    def differing(column: str) -> sql.Composed:
        return sql.SQL("CASE WHEN p.{0} IS DISTINCT FROM (p.existing).{0} THEN {1} END").format(
            sql.Identifier(column), sql.Literal(column)
        )

    return statement(
        "reconcile/plan.sql",
        rows=rows,
        plan=plan,
        events=sql.Identifier(stream.events_table),
        columns=names(columns),
        warehouse_columns=of("s"),
        stored_columns=of("e"),
        warehouse_compared=of("s"),
        stored_compared=of("e"),
        differs=names(columns, differing),
    )
