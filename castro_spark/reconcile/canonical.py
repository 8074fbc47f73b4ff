"""Checksums of events by product: equal in Spark and in PostgreSQL exactly where the events are equal.

An event's canonical text is every column but the source position, as PostgreSQL writes it too
(sinks/postgres/checksums): decimals plain, with all their decimals; instants as microseconds since 1970; columns
divided by a control character, which checked texts cannot hold, and nulls told by another one. Its hash is 60 bits of
the text's MD5; sums of hashes do not depend on an order.
"""

from __future__ import annotations

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from castro_spark.streams.declaration import POSITION_COLUMN, FieldType, StreamDeclaration

SEPARATOR, NULL = "\x1f", "\x1e"
HASH_DIGITS = 15  # hexadecimal: 60 bits, which a bigint holds in PostgreSQL as in Spark


def compared_columns(stream: StreamDeclaration) -> tuple[str, ...]:
    """What is compared of an event: all of it but where it stood in its source."""
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

    A sum that has no room is null. Spark must write decimals plain, as it does where spark.sql.ansi.enabled is true.
    """
    return events.groupBy("product_code").agg(
        F.count("*").alias("rows"),
        F.try_sum("quantity").alias("quantity"),
        F.try_sum("value_total").alias("value_total"),
        F.sum(row_hash(stream)).alias("hash"),
    )
