"""A table of PostgreSQL as a DataFrame, for reading.

One task reads it by a server-side cursor, in one read-only transaction: the table as of one moment, in bounded memory,
whatever the streams commit meanwhile. The session is that of every job (connection.py): no JDBC driver is needed, and
the password is in no plan. As with JDBC each action reads anew; `cache()` keeps what was read.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from datetime import date

import pyarrow as pa
from psycopg2 import sql
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType

from castro_spark.errors import SourceError
from castro_spark.sections.servers import PostgresSettings
from castro_spark.sinks.postgres.connection import connect, names

_ROWS = 10_000  # a batch


def read_frame(
    spark: SparkSession,
    settings: PostgresSettings,
    table: str,
    types: Mapping[str, str],
    *,
    products: tuple[str, ...] = (),
    days: tuple[str, date | None, date | None] | None = None,
) -> DataFrame:
    """The columns `types` (with their Spark SQL types) of a table, of these products, or of all.

    `days`: a column of type date, and the first and last of its values (None: open).
    """
    ddl = ", ".join(f"`{name}` {type_}" for name, type_ in types.items())
    parsed = StructType.fromDDL(ddl)
    assert isinstance(parsed, StructType)
    schema = to_arrow_schema(parsed, timezone="UTC")

    def read(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for _ in batches:
            yield from _rows(settings, table, schema, products, days)

    return spark.range(1, numPartitions=1).mapInArrow(read, ddl)


def _rows(
    settings: PostgresSettings,
    table: str,
    schema: pa.Schema,
    products: tuple[str, ...],
    days: tuple[str, date | None, date | None] | None,
) -> Iterator[pa.RecordBatch]:
    with closing(connect(settings, "castro_spark read", long=True)) as connection:
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT to_regclass(%s) IS NULL", (table,))
            if cursor.fetchone() == (True,):
                raise SourceError(f"there is no table {table} in PostgreSQL", "run ./spark-submit.sh migrate")
        connection.set_session(readonly=True)
        with connection, connection.cursor("castro_read") as cursor:
            cursor.itersize = _ROWS
            cursor.execute(*_query(table, schema.names, products, days))
            while rows := cursor.fetchmany(_ROWS):
                columns = [
                    pa.array([bytes(v) if isinstance(v, memoryview) else v for v in values], field.type)
                    for values, field in zip(zip(*rows, strict=True), schema, strict=True)
                ]
                yield pa.RecordBatch.from_arrays(columns, names=schema.names)


def _query(
    table: str, columns: list[str], products: tuple[str, ...], days: tuple[str, date | None, date | None] | None
) -> tuple[sql.Composed, list[object]]:
    conditions: list[sql.Composable] = [sql.SQL("true")]
    parameters: list[object] = []
    if products:
        conditions.append(sql.SQL("product_code = ANY(%s)"))
        parameters.append(list(products))
    if days is not None:
        day, *bounds = days
        for compared, bound in zip((">=", "<="), bounds, strict=True):
            if bound is not None:
                conditions.append(sql.SQL("{} {} %s").format(sql.Identifier(day), sql.SQL(compared)))
                parameters.append(bound)
    query = sql.SQL("SELECT {} FROM {} WHERE {}").format(
        names(tuple(columns)), sql.Identifier(table), sql.SQL(" AND ").join(conditions)
    )
    return query, parameters
