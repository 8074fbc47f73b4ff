"""Daily and monthly aggregates of events, for batch jobs and notebooks.

The stream merges the same sums in its transaction (sql/commit/); a test verifies that both are equal. Each identity
counts once: of several rows with the same event_id, the one with the newest source position counts.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from castro_spark.streams.declaration import POSITION_COLUMN, Measure, StreamDeclaration

# The type of a sum, by the summed column.
SUM_TYPES = {"quantity": "decimal(38,6)", "value_total": "decimal(38,12)"}


def newest_events(events: DataFrame) -> DataFrame:
    """One row per event_id: the one with the greatest source_position. The columns are unchanged.

    `events` of these examples: E1 of 10 units, and E2 of 4.5 units, which was corrected to 4.

    >>> newest_events(events).select("event_id", "quantity").orderBy("event_id").collect()
    [Row(event_id='E1', quantity=Decimal('10.000000')), Row(event_id='E2', quantity=Decimal('4.000000'))]
    """
    position = F.col(POSITION_COLUMN)
    newest = events.groupBy("event_id").agg(F.max_by(F.struct("*"), position).alias("newest"))
    return newest.select("newest.*")


def daily(events: DataFrame, stream: StreamDeclaration) -> DataFrame:
    """Aggregates by product and local day, of events with with_calendar's columns.

    In: event_id, product_code, date, timestamp, quantity decimal(18,6), value_total decimal(38,12), the price, the
    source position, and the columns that the stream's measures use. Out, one row per key: product_code, date,
    transactions (bigint), volume decimal(38,6), value decimal(38,12), the measures (of quantity decimal(38,6), of
    value_total decimal(38,12)), and the last price: the price of the newest event by timestamp, then source position.

    >>> daily(events, stream("inventory")).select("date", "transactions", "volume", "volume_out").show()
    +----------+------------+---------+----------+
    |      date|transactions|   volume|volume_out|
    +----------+------------+---------+----------+
    |2025-03-01|           2|14.000000|  4.000000|
    +----------+------------+---------+----------+
    <BLANKLINE>
    """
    return _aggregate(events, ["product_code", "date"], stream)


def monthly(events: DataFrame, stream: StreamDeclaration) -> DataFrame:
    """Like `daily`, by product and local month; month (date) is the month's first day.

    >>> monthly(events, stream("inventory")).select("month", "transactions", "last_unit_cost").collect()
    [Row(month=datetime.date(2025, 3, 1), transactions=2, last_unit_cost=Decimal('3.000000'))]
    """
    by_month = events.withColumn("month", F.trunc("date", "month"))
    return _aggregate(by_month, ["product_code", "month"], stream)


def _aggregate(events: DataFrame, key: Sequence[str], stream: StreamDeclaration) -> DataFrame:
    newest = F.struct("timestamp", POSITION_COLUMN)
    return (
        newest_events(events)
        .groupBy(*key)
        .agg(
            F.count("*").alias("transactions"),
            F.sum("quantity").cast(SUM_TYPES["quantity"]).alias("volume"),
            F.sum("value_total").cast(SUM_TYPES["value_total"]).alias("value"),
            *[_measure(m) for m in stream.measures],
            F.max_by(stream.price, newest).alias(stream.last_price),
        )
        .select(*key, *stream.aggregate_columns)
    )


def _measure(measure: Measure) -> Column:
    among = F.col(measure.where).isin(*measure.among)
    return F.sum(F.when(among, F.col(measure.of)).otherwise(F.lit(0))).cast(SUM_TYPES[measure.of]).alias(measure.name)
