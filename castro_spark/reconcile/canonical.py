"""Checksums of events by product: equal in Spark and in PostgreSQL exactly if the events are equal.

An event's canonical text is every column except the source position, the same in PostgreSQL (reconcile/checksums):
decimals plain, with all their digits; instants as microseconds since 1970; columns separated by a control character,
which validated texts cannot contain; another one for null. Its hash is 60 bits of the text's MD5; sums of hashes do not
depend on the order.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from castro_spark.streams.declaration import POSITION_COLUMN, FieldType, StreamDeclaration

SEPARATOR, NULL = "\x1f", "\x1e"
HASH_DIGITS = 15  # hexadecimal: 60 bits, which fit in a bigint in PostgreSQL and in Spark


def compared_columns(stream: StreamDeclaration) -> tuple[str, ...]:
    """The compared columns of an event: all but its source position."""
    return tuple(column for column in stream.event_columns if column != POSITION_COLUMN)


def canonical_text(stream: StreamDeclaration) -> Column:
    """An event's columns as one text (string)."""
    instants = {f.column for f in stream.fields if f.type is FieldType.TIMESTAMP}

    def text(column: str) -> Column:
        value = F.unix_micros(column) if column in instants else F.col(column)
        return F.coalesce(value.cast("string"), F.lit(NULL))

    return F.concat_ws(SEPARATOR, *(text(column) for column in compared_columns(stream)))


def row_hash(stream: StreamDeclaration) -> Column:
    """The hash of an event's canonical text, decimal(20,0)."""
    digits = F.substring(F.md5(canonical_text(stream)), 1, HASH_DIGITS)
    return F.conv(digits, 16, 10).cast("decimal(20,0)")


def checksums(events: DataFrame, stream: StreamDeclaration) -> DataFrame:
    """Events -> product_code, rows (bigint), quantity, value_total and hash (decimals: the sums), a row a product.

    A sum that overflows is null. Spark must write decimals plain, as it does if spark.sql.ansi.enabled is true.
    """
    return events.groupBy("product_code").agg(
        F.count("*").alias("rows"),
        F.try_sum("quantity").alias("quantity"),
        F.try_sum("value_total").alias("value_total"),
        F.sum(row_hash(stream)).alias("hash"),
    )
