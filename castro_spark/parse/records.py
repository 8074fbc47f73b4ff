"""Kafka rows -> one row a record with its outcome: an event, a reject with its reason, or skipped."""

from __future__ import annotations

from datetime import timedelta

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from castro_spark.features.calendar import with_calendar
from castro_spark.features.value import value_total
from castro_spark.parse import envelope, fields
from castro_spark.parse.identity import event_id
from castro_spark.parse.position import position_columns
from castro_spark.parse.reasons import Reason
from castro_spark.streams.declaration import Field, FieldType, StreamDeclaration

EVENT, REJECT, SKIP = "event", "reject", "skip"
RECORD_COLUMNS = ("partition", "offset", "record_timestamp", "key", "value")
_LONGEST_ID = 200
_DETAIL_LENGTH = 120


def parse_records(
    records: DataFrame,
    stream: StreamDeclaration,
    *,
    timezone: str,
    now: Column,
    future_allowance: timedelta,
    max_bytes: int,
    generation: Column,
) -> DataFrame:
    """Kafka rows -> parsed rows, one for one.

    In: key binary, value binary, partition int, offset bigint, timestamp timestamp (Spark's Kafka columns).
    `now` is the time that future timestamps are measured against, `generation` counts the topic's lives (int).
    Out: partition, offset, record_timestamp, key, value, outcome ('event', 'reject' or 'skip'), reason
    (a Reason's value) and detail (words) of a reject, and the stream's event columns, which count only
    where the outcome is 'event'. Nothing raises on bad data; the same rows give the same result again.
    """
    # Step by step, each a select of its own: what a later step names twice is then computed once.
    opened = _open_envelopes(records, stream, max_bytes, now)
    raw = opened.withColumns({_text_of(f): F.element_at("_data", F.lit(f.name)) for f in _all_fields(stream)})
    typed = raw.withColumns({f.column: _value(f, timezone) for f in _all_fields(stream)})
    reasons = [_named(f, _reason(f, timezone, F.col("_now"), future_allowance)) for f in _all_fields(stream)]
    verdict = F.when(_other_table(stream), F.lit(SKIP)).otherwise(F.coalesce("_problem", *reasons))
    judged = typed.withColumn("_verdict", verdict)
    derived = judged.withColumns(
        {
            "outcome": F.when(F.col("_verdict").isNull(), EVENT)
            .when(F.col("_verdict") == SKIP, SKIP)
            .otherwise(REJECT),
            "event_id": F.coalesce("event_id", event_id(stream)),
            "value_total": value_total(F.col("quantity"), F.col(stream.price)),
            **position_columns(generation),
        }
    )
    rejected = F.col("outcome") == REJECT
    return with_calendar(derived, timezone).select(
        *RECORD_COLUMNS,
        "outcome",
        F.when(rejected, F.split_part("_verdict", F.lit(" "), F.lit(1))).alias("reason"),
        F.when(rejected, _detail()).alias("detail"),
        *stream.event_columns,
    )


def _open_envelopes(records: DataFrame, stream: StreamDeclaration, max_bytes: int, now: Column) -> DataFrame:
    rows = records.select(
        "partition", "offset", F.col("timestamp").alias("record_timestamp"), "key", "value",
        envelope.usable_text(F.col("value"), max_bytes).alias("_text"), now.alias("_now"),
    )  # fmt: skip
    parsed = rows.withColumn("_documents", envelope.parsed_documents(F.col("_text"), stream))
    problem = envelope.envelope_problem(F.col("value"), F.col("_text"), F.col("_documents"), max_bytes)
    document = F.get("_documents", F.lit(0))
    return parsed.select(
        *RECORD_COLUMNS,
        "_text",
        "_now",
        problem.alias("_problem"),
        document["table"].alias("_table"),
        document["data"].alias("_data"),
    )


def _all_fields(stream: StreamDeclaration) -> tuple[Field, ...]:
    """The event id first, so that a record that has a bad one is known by it."""
    return (Field(stream.event_id_field, "event_id", required=False, max_length=_LONGEST_ID), *stream.fields)


def _text_of(field: Field) -> str:
    return f"_text_{field.column}"


def _value(field: Field, timezone: str) -> Column:
    text = F.col(_text_of(field))
    if field.type is FieldType.DECIMAL:
        return fields.decimal_value(text)
    if field.type is FieldType.TIMESTAMP:
        return fields.timestamp_value(text, timezone)
    return fields.text_value(text, required=field.required)


def _reason(field: Field, timezone: str, now: Column, allowance: timedelta) -> Column:
    text, value, required = F.col(_text_of(field)), F.col(field.column), field.required
    if field.type is FieldType.DECIMAL:
        return fields.decimal_reason(text, value, required=required, non_negative=field.non_negative)
    if field.type is FieldType.TIMESTAMP:
        return fields.timestamp_reason(
            text, value, required=required, timezone=timezone, now=now, allowance=allowance
        )
    record = F.col("_text")
    no_text = envelope.not_a_text(record, text, field.name) | envelope.lone_surrogate(record, text)
    return fields.text_reason(text, required=required, max_length=field.max_length, not_a_text=no_text)


def _named(field: Field, reason: Column) -> Column:
    """A verdict of a field: the reason's code, a blank, the field's name."""
    return F.concat(reason, F.lit(f" {field.name}"))


def _other_table(stream: StreamDeclaration) -> Column:
    """A tombstone, or a sound envelope of a table that this stream does not take."""
    other = F.col("_problem").isNull() & ~F.col("_table").isin(*stream.envelope_tables)
    return F.col("value").isNull() | other


def _detail() -> Column:
    """Words for a person: the field and what it holds, or how the record begins."""
    name = F.split_part("_verdict", F.lit(" "), F.lit(2))
    held = F.coalesce(_start(F.element_at(F.col("_data"), name)), F.lit("absent"))
    size = F.concat(F.octet_length("value").cast("string"), F.lit(" bytes"))
    return (
        F.when(name != "", F.concat(name, F.lit(": "), held))
        .when(F.col("_verdict") == Reason.TOO_LARGE.value, size)
        .otherwise(F.coalesce(_start(F.col("_text")), F.lit("not UTF-8")))
    )


def _start(text: Column) -> Column:
    return F.regexp_replace(F.substring(text, 1, _DETAIL_LENGTH), fields.CONTROL, "?")
