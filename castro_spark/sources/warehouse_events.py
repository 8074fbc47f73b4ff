"""The warehouse as a source of events: a stream's history, read through the stream's own parser."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.compute as pc
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from castro_spark.parse import EVENT, ParseRules, parsed_types
from castro_spark.parse.history import HISTORY_COLUMNS, parse_history
from castro_spark.sections.streams import HistorySettings
from castro_spark.sections.warehouse import TableMapping
from castro_spark.session import HIVE_READING, session_beside
from castro_spark.sources.history import records_of
from castro_spark.sources.hive import read_table


def warehouse_events(
    spark: SparkSession, rules: ParseRules, mapping: TableMapping, history: HistorySettings
) -> DataFrame:
    """One row for each event of the stream's mapped table: the stream's event columns; deleted and unusable rows have
    none. `spark` needs Hive support. An action on the result fails if two rows of the table share an identity."""
    spark = session_beside(spark, HIVE_READING)  # a notebook's own session may read with other rules
    rows = read_table(spark, mapping, None, ZoneInfo(rules.timezone)).rows
    records = records_of(rows, rules, mapping, history)
    words = F.concat(F.lit(f"table {mapping.source}: rows with the same identity: "), "shared")
    value = F.when(F.col("shared").isNotNull(), F.raise_error(words).cast("binary")).otherwise(F.col("value"))

    def parse(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            for parsed in parse_history(batch, rules):
                events = parsed.filter(pc.equal(parsed.column("outcome"), EVENT))
                yield events.select(list(rules.stream.event_columns))

    types = parsed_types(rules.stream)
    schema = ", ".join(f"`{name}` {types[name]}" for name in rules.stream.event_columns)
    return records.withColumn("value", value).select(*HISTORY_COLUMNS).mapInArrow(parse, schema)
