"""Rows of the warehouse as records: native envelopes with positions that stand before all that was ever streamed.

A row becomes the record that its source would have sent, and is parsed by what parses those, so that history is
checked, valued and dated by the same code. Its generation is -1: whatever Kafka brought, snapshots of change data
capture too, counts more, whichever came first; among rows of the warehouse the one that changed last counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from castro_spark.errors import SettingsError
from castro_spark.parse.records import DELETE, EVENT, REJECT, SOURCE_COLUMNS, ParseRules, parse_batch
from castro_spark.streams.declaration import Field, FieldType, StreamDeclaration

GENERATION = -1
HISTORY_COLUMNS = (*SOURCE_COLUMNS, "deleted")
_PLACES = 1 << 31  # partitions are 32 bits
_INSTANT = "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX"


def history_records(
    rows: DataFrame,
    stream: StreamDeclaration,
    *,
    changed: str,
    event_id: str | None,
    deleted: str | None,
    concerned: Callable[[Column], Column] | None = None,
) -> DataFrame:
    """Rows of a mapped warehouse table -> one record an identity: that of the row that changed last.

    With `concerned` (of the time that a row is about), only identities of which it is true for any row.

    In: the stream's columns (those it does not need may lack), `changed` (timestamp), and whatever `event_id` and
    `deleted` (Spark SQL) speak of. Out: HISTORY_COLUMNS (partition int, of the identity's hash; offset bigint, the
    microseconds of `changed`; timestamp, of `changed`; key binary, null; value binary, a native envelope; deleted
    boolean), and `happened` (timestamp): the event's own, or `changed` where it has none. Rows of one time are put in
    order by their contents. Raises SettingsError where a column that the stream needs is not among the rows'.
    """
    there = set(rows.columns)
    if lacking := [f.column for f in stream.fields if f.required and f.column not in there]:
        raise SettingsError(
            f"streams.{stream.name}.history: the table's mapping has no column {', '.join(lacking)}",
            "name its columns as the stream's are named (warehouse.tables in the settings)",
        )
    fields = {stream.event_id_field: F.expr(event_id).cast("string") if event_id else F.lit(None).cast("string")}
    fields |= {f.name: _text(f) for f in stream.fields if f.column in there}
    data = F.struct(*(value.alias(name) for name, value in fields.items()))
    natural = F.to_json(F.struct(*(F.col(name) for name in stream.identity)))
    records = rows.select(
        F.coalesce(fields[stream.event_id_field], natural).alias("identity"),
        F.coalesce(F.unix_micros(changed), F.lit(0)).alias("offset"),
        F.col(changed).alias("timestamp"),
        F.to_json(F.struct(F.lit(stream.envelope_tables[0]).alias("table"), data.alias("data"))).alias("value"),
        F.coalesce(F.expr(deleted) if deleted else F.lit(False), F.lit(False)).alias("deleted"),
        F.coalesce("timestamp", changed).alias("happened"),
    )
    order = F.struct("offset", "deleted", "value")
    wanted = concerned(F.col("happened")) if concerned else F.lit(True)
    newest = (
        records.groupBy("identity")
        .agg(F.max_by(F.struct("*"), order).alias("newest"), F.bool_or(wanted).alias("wanted"))
        .where("wanted")
        .select("newest.*")
    )
    return newest.select(
        F.pmod(F.xxhash64("identity"), F.lit(_PLACES)).cast("int").alias("partition"),
        "offset",
        "timestamp",
        F.lit(None).cast("binary").alias("key"),
        F.col("value").cast("binary").alias("value"),
        "deleted",
        "happened",
    )


def parse_history(batch: pa.RecordBatch, rules: ParseRules) -> Iterator[pa.RecordBatch]:
    """HISTORY_COLUMNS -> parsed records (parse_records), deletes among them.

    What came out as an event or delete is told to be of partition 0, so that outcomes are counted together; a reject
    keeps its own, by which quarantine knows it.
    """
    parsed = parse_batch(batch.select(list(SOURCE_COLUMNS)), rules)
    outcome = parsed.column("outcome")
    gone = pc.and_(pc.equal(outcome, EVENT), batch.column("deleted"))
    columns = {
        "outcome": pc.if_else(gone, DELETE, outcome),
        "partition": pc.if_else(pc.equal(outcome, REJECT), parsed.column("partition"), pa.scalar(0, pa.int32())),
    }
    for name, values in columns.items():
        parsed = parsed.set_column(parsed.schema.get_field_index(name), name, values)
    yield parsed


def _text(field: Field) -> Column:
    """A column as the text by which a record would tell it."""
    if field.type is FieldType.TIMESTAMP:
        return F.date_format(field.column, _INSTANT)
    return F.col(field.column).cast("string")
