r"""Rows as lines of PostgreSQL's COPY text format, made by Spark's own functions.

The JVM renders each row to one string, so that Python only moves bytes: an Arrow column of such lines is,
but for its line ends, what COPY reads. The format: columns parted by tabs, null as \N, backslash escapes.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from castro_spark.parse import EVENT, REJECT
from castro_spark.streams.declaration import FieldType, StreamDeclaration

_NULL = "\\N"
REJECT_COLUMNS = ("partition", "offset", "record_micros", "key", "value", "reason", "detail")


def staged_lines(parsed: DataFrame, stream: StreamDeclaration) -> DataFrame:
    """Parsed records -> partition int, offset bigint, event string, reject string.

    `event` is the COPY line of an event (columns: `staged_columns(stream)`), `reject` that of a reject
    (REJECT_COLUMNS); both null where the record is skipped.
    """
    partition = F.col("partition").cast("string")
    event = _line([partition, *(_event_text(stream, column) for column in stream.event_columns)])
    reject = _line(
        [
            partition,
            F.col("offset").cast("string"),
            F.unix_micros("record_timestamp").cast("string"),
            _bytea("key"),
            _bytea("value"),
            _escaped(F.col("reason")),
            _escaped(F.col("detail")),
        ]
    )
    return parsed.select(
        "partition",
        "offset",
        F.when(F.col("outcome") == EVENT, event).alias("event"),
        F.when(F.col("outcome") == REJECT, reject).alias("reject"),
    )


def staged_columns(stream: StreamDeclaration) -> tuple[str, ...]:
    """The staging table's columns for an event's line; a timestamp is staged as UTC microseconds."""
    named = ("timestamp_micros" if c == "timestamp" else c for c in stream.event_columns)
    return ("source_partition", *named)


def _event_text(stream: StreamDeclaration, column: str) -> Column:
    if column == "timestamp":
        # Microseconds, because a timestamp's own text would depend on the session's time zone.
        return F.unix_micros(column).cast("string")
    texts = {"event_id", *(f.column for f in stream.fields if f.type is FieldType.TEXT)}
    return _escaped(F.col(column)) if column in texts else F.col(column).cast("string")


def _escaped(text: Column) -> Column:
    # Control characters, tab and line end among them, never get this far: parse rejects them.
    return F.replace(text, F.lit("\\"), F.lit("\\\\"))


def _bytea(column: str) -> Column:
    return F.concat(F.lit("\\\\x"), F.hex(column))


def _line(texts: Sequence[Column]) -> Column:
    return F.concat_ws("\t", *[F.coalesce(text, F.lit(_NULL)) for text in texts])
