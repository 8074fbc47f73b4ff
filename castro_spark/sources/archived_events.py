"""The archive as a source of events: what a stream's records amount to, as of any version of the table."""

from __future__ import annotations

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from castro_spark.features.value import value_total
from castro_spark.parse.reasons import DELETE, EVENT
from castro_spark.streams.declaration import CALENDAR_COLUMNS, POSITION_COLUMN, StreamDeclaration


def archived_events(records: DataFrame, stream: StreamDeclaration) -> DataFrame:
    """Archived records -> one row for each event that exists after them: the stream's event columns.

    Of one identity the record with the greatest source position counts, in whatever order they were archived; none
    below its last delete. A column that a change did not send keeps the value of the record before it.
    """
    by_event = Window.partitionBy("event_id")
    deleted = F.max(F.when(F.col("outcome") == DELETE, F.col(POSITION_COLUMN))).over(by_event)
    lives = F.col("_deleted").isNull() | (F.col(POSITION_COLUMN) > F.col("_deleted"))
    known = records.where(F.col("outcome").isin(EVENT, DELETE)).withColumn("_deleted", deleted)
    living = known.where((F.col("outcome") == EVENT) & lives)
    of_time = ("timestamp", *CALENDAR_COLUMNS)
    sent_with = {name: "timestamp" if name in of_time else name for name in (*stream.columns, *CALENDAR_COLUMNS)}
    newest = living.groupBy("event_id").agg(
        F.max(POSITION_COLUMN).alias(POSITION_COLUMN),
        *[_last_sent(name, field).alias(name) for name, field in sent_with.items()],
    )
    required = [f.column for f in stream.fields if f.required]
    valued = newest.withColumn("value_total", value_total(F.col("quantity"), F.col(stream.price)))
    return valued.dropna(subset=required).select(*stream.event_columns)


def _last_sent(column: str, field: str) -> Column:
    """The newest value of a column among the records that sent its field (null counts as sent)."""
    sent = ~F.coalesce(F.array_contains("kept", field), F.lit(False))
    return F.max_by(F.when(sent, F.struct(column)), F.when(sent, F.col(POSITION_COLUMN)))[column]
