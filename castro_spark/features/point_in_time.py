"""Point-in-time features: what was known of a product at the time of a prediction.

A label is an instant of a product for which a model is trained. It may only be joined to features known at that time: a
later row leaks the future into the training data, and the model fails in production.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import timedelta

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F
from pyspark.sql import types as T

from castro_spark.errors import UsageError
from castro_spark.features.aggregates import newest_events
from castro_spark.streams.declaration import POSITION_COLUMN, StreamDeclaration

_MICROSECOND = timedelta(microseconds=1)


def as_of(
    labels: DataFrame,
    features: DataFrame,
    *,
    key: str = "product_code",
    label_time: str = "label_time",
    feature_time: str = "known_at",
    columns: Sequence[str] | None = None,
    ties: Sequence[str] = (),
    max_age: timedelta | None = None,
    prefix: str = "",
) -> DataFrame:
    """Joins each label to the newest feature row of its `key` that was known at its time.

    The row of a label (k, t) is the greatest, by (`feature_time`, *`ties`), of the features with key = k and
    feature_time <= t: an equal time counts as known. A row older than `max_age`, in elapsed time, is ignored; a row of
    exactly that age counts.

    In: labels with `key` and `label_time` (timestamp), features with `key` (of the same type) and `feature_time`
    (timestamp), both with any other columns. `columns` selects the features' columns; None: all but `key`.
    Out: every label row exactly once, including duplicates, in no particular order: its columns in their order and
    types, then `columns` named `prefix` + name, with their types, nullable. They are null if no row was known, if the
    label's key or time is null, and where the newest row itself is null: values of older rows are never filled in.
    Features without key or time never match.

    Ties of features with equal key and time are broken by `ties`, the greatest wins (null is smallest); then by the
    values of `columns` from left to right. So the result does not depend on the order of the input, and columns whose
    type has no order (map, variant) are not allowed.

    Raises UsageError, naming the column: a missing column, a duplicate result name, keys of different types, a time
    that is not a timestamp, a column without an order; also for empty `columns` and a negative `max_age`.

    >>> labels = spark.sql("SELECT 'P1' AS product_code, explode(array(TIMESTAMP'2025-03-01 11:59:59Z',"
    ...                    " TIMESTAMP'2025-03-01 12:00:00Z')) AS label_time")
    >>> history = running_features(events, stream("inventory"))
    >>> known = as_of(labels, history, columns=["volume_so_far"]).orderBy("label_time")
    >>> [row.volume_so_far for row in known.collect()]  # nothing a second before the first event
    [None, Decimal('10.000000')]
    """
    wanted = [c for c in features.columns if c != key] if columns is None else list(columns)
    _check_present("labels", labels, [key, label_time])
    _check_present("features", features, [key, feature_time, *ties, *wanted])
    _check_types(labels, features, key, {"labels": label_time, "features": feature_time})
    _check_ordered(features, [*ties, *wanted])
    _check_names(labels.columns, wanted, prefix)
    if max_age is not None and max_age < timedelta(0):
        raise UsageError(f"max_age is negative: {max_age}", "give the greatest age that still counts, or None")

    # Both sides form one table, sorted once, in which each label takes the last preceding feature: O(n log n) with one
    # shuffle and a running value as state. A join on feature_time <= label_time would first pair every label with all
    # earlier rows of its product. Each row is packed in a struct, so names cannot collide.
    known = F.struct(
        _column(feature_time).alias("at"),
        *[_column(c).alias(f"tie_{i}") for i, c in enumerate(ties)],
        F.struct(*[_column(c).alias(f"{prefix}{c}") for c in wanted]).alias("row"),
    )
    label_rows = labels.select(
        _column(key).alias("key"), _column(label_time).alias("time"), F.struct("*").alias("label")
    )
    feature_rows = (
        features.select(_column(key).alias("key"), _column(feature_time).alias("time"), known.alias("known"))
        # Otherwise they would match labels whose own key or time is null.
        .filter("key is not null and time is not null")
    )
    # At equal times, features come first, ordered by ties and values (the fields of `known`); labels, which have no
    # `known`, follow. Labels without a time come before everything.
    in_time = Window.partitionBy("key").orderBy(F.asc_nulls_first("time"), F.asc_nulls_last("known"))
    so_far = in_time.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    return (
        label_rows.unionByName(feature_rows, allowMissingColumns=True)
        .withColumn("known", F.last("known", ignorenulls=True).over(so_far))
        .filter("label is not null")
        .withColumn("known", _if_young_enough(max_age))
        .select("label.*", "known.row.*")
    )


def running_features(events: DataFrame, stream: StreamDeclaration) -> DataFrame:
    """Running totals of each product at each instant with an event; features for `as_of`.

    In: event_id, product_code, timestamp, quantity decimal(18,6), value_total decimal(38,12), the stream's price
    decimal(18,6), the source position; product_code and timestamp not null. Out, one row per product and instant:
    product_code, known_at (timestamp, the events' own), transactions_so_far (bigint), volume_so_far decimal(38,6),
    value_so_far decimal(38,12): count, sum of quantity and sum of value_total over the product's events with
    timestamp <= known_at, exact; and the stream's last price as in `daily`: the price of the newest of these events by
    timestamp, then source position. Events of the same instant are unordered: they form one row, which includes all of
    them. Each identity counts once, as of its newest source position (`newest_events`).

    >>> history = running_features(events, stream("inventory")).orderBy("known_at")
    >>> [(row.transactions_so_far, row.volume_so_far) for row in history.collect()]
    [(1, Decimal('10.000000')), (2, Decimal('14.000000'))]
    """
    in_instant = F.max_by(stream.price, F.struct(POSITION_COLUMN, "event_id"))
    instants = (
        newest_events(events)
        .groupBy("product_code", F.col("timestamp").alias("known_at"))
        .agg(
            F.count("*").alias("transactions"),
            F.sum("quantity").alias("volume"),
            F.sum("value_total").alias("value"),
            in_instant.alias(stream.last_price),
        )
    )
    in_time = Window.partitionBy("product_code").orderBy("known_at")
    so_far = in_time.rowsBetween(Window.unboundedPreceding, Window.currentRow)
    return instants.select(
        "product_code",
        "known_at",
        F.sum("transactions").over(so_far).alias("transactions_so_far"),
        F.sum("volume").over(so_far).cast("decimal(38,6)").alias("volume_so_far"),
        F.sum("value").over(so_far).cast("decimal(38,12)").alias("value_so_far"),
        stream.last_price,
    )


def _if_young_enough(max_age: timedelta | None) -> Column:
    if max_age is None:
        return F.col("known")
    # Not time - at: Spark subtracts timestamps as local times, which is off by an hour across a clock change.
    age = F.unix_micros("time") - F.unix_micros("known.at")
    return F.when(age <= max_age // _MICROSECOND, F.col("known"))


def _column(name: str) -> Column:
    """The column of exactly this name, also if the name contains a dot."""
    return F.col("`" + name.replace("`", "``") + "`")


def _check_present(side: str, frame: DataFrame, names: Collection[str]) -> None:
    for name in names:
        if name not in frame.columns:
            raise UsageError(f"{side} have no column {name!r}", f"they have: {', '.join(frame.columns)}")


def _check_types(labels: DataFrame, features: DataFrame, key: str, times: dict[str, str]) -> None:
    # Spark would cast implicitly: a date would become midnight in the session's time zone.
    of_label, of_feature = labels.schema[key].dataType, features.schema[key].dataType
    if of_label != of_feature:
        problem = f"column {key!r} is {of_label.simpleString()} in labels, {of_feature.simpleString()} in features"
        raise UsageError(problem, "cast one of them")
    for side, frame in (("labels", labels), ("features", features)):
        actual = frame.schema[times[side]].dataType
        if actual != T.TimestampType():
            problem = f"column {times[side]!r} of {side} is {actual.simpleString()}, not timestamp"
            raise UsageError(problem, "make it the instant at which the row was known; a day is known at its end")


def _check_ordered(features: DataFrame, names: Collection[str]) -> None:
    for name in names:
        actual = features.schema[name].dataType
        if not _has_order(actual):
            problem = f"column {name!r} of features is {actual.simpleString()}, which has no order to decide ties by"
            raise UsageError(problem, "leave it out of columns, or make it an array: array_sort of map_entries")


def _has_order(of: T.DataType) -> bool:
    if isinstance(of, T.StructType):
        return all(_has_order(f.dataType) for f in of)
    if isinstance(of, T.ArrayType):
        return _has_order(of.elementType)
    return not isinstance(of, (T.MapType, T.VariantType))


def _check_names(taken: Sequence[str], wanted: Sequence[str], prefix: str) -> None:
    if not wanted:
        raise UsageError("no columns of features are selected", "name at least one, or omit columns for all")
    seen = {name.lower() for name in taken}  # as Spark compares names
    for name in (f"{prefix}{c}" for c in wanted):
        if name.lower() in seen:
            raise UsageError(
                f"column {name!r} would be in the result twice",
                "give a prefix for the features' columns, or name in columns only those that labels do not have",
            )
        seen.add(name.lower())
