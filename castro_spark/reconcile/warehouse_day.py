"""The warehouse as the reference for one business day: a stream's events according to its newest rows.

Guarantee: one row per identity, parsed as the stream parses. The warehouse is read once and its rows are spilled to a
folder until `close`, so that all queries see the same rows. Raises SourceUnreadable if the warehouse cannot be read,
as distinct from having no rows.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from castro_spark.local_day import start_of_day
from castro_spark.parse import EVENT, REJECT, ParseRules, parsed_types
from castro_spark.parse.history import CHECKED_COLUMNS, HISTORY_COLUMNS, known_as, parse_history, uses
from castro_spark.reconcile.canonical import checksums
from castro_spark.sections.streams import HistorySettings
from castro_spark.sections.warehouse import TableMapping
from castro_spark.session import session_beside
from castro_spark.sources.folders import remove
from castro_spark.sources.history import Months, kinds_of, records_of
from castro_spark.sources.hive import read_table, reading
from castro_spark.streams.declaration import StreamDeclaration

log = logging.getLogger(__name__)
_SESSION = {
    "spark.sql.adaptive.enabled": "true",
    "spark.sql.shuffle.partitions": "64",
    "spark.sql.ansi.enabled": "true",  # decimals are written plain
}


class WarehouseDay:
    """The newest warehouse row of each identity with any row in `day`.

    Columns: outcome ('event', 'delete' or 'reject'), reason (of a reject), changed (timestamp: when the row last
    changed), CHECKED_COLUMNS, and the stream's event columns. A delete has the event's last values; a reject has
    event_id and product_code if it contains them.
    """

    def __init__(
        self,
        spark: SparkSession,
        stream: StreamDeclaration,
        mapping: TableMapping,
        history: HistorySettings,
        rules: ParseRules,
        day: date,
        *,
        zone: ZoneInfo,
        allowance: timedelta,
        spill: str,
    ) -> None:
        self._spark = session_beside(spark, _SESSION)
        self._stream, self._mapping, self._history, self._rules = stream, mapping, history, rules
        self._day, self._zone, self._spill, self._looked_up = day, zone, spill, f"{spill}.looked_up"
        self._in_day = Months(day, day, zone).holds
        log.info("reading %s of %s", mapping.source, day)
        rows = read_table(self._spark, mapping, start_of_day(day, zone) - allowance, zone).rows
        self._rows = self._spilled(self._parsed(rows, of_day=True), spill)
        self.kinds = kinds_of(self._rows, stream, mapping)  # of identity
        self._events = self._rows.where((F.col("outcome") == EVENT) & (F.col("date") == F.lit(day)))

    def checksums(self) -> pa.Table:
        """canonical.checksums of the day's events, one row per product."""
        return checksums(self._events, self._stream).toArrow()

    def unusable(self) -> dict[str, int]:
        """The number of rejected rows by reason."""
        rejects = self._rows.where(F.col("outcome") == REJECT).groupBy("reason").count()
        return {row["reason"]: row["count"] for row in rejects.collect()}

    def rows_of(self, products: Iterable[str]) -> DataFrame:
        """The day's events of these products, and every row that is not, or no longer, an event of the day."""
        known = self._spark.createDataFrame([(p,) for p in products], "product_code string")
        of_day = (F.col("outcome") == EVENT) & (F.col("date") == F.lit(self._day))
        wanted = self._rows.where(of_day).join(F.broadcast(known), "product_code", "left_semi")
        return wanted.select(*self._rows.columns).union(self._rows.where(~F.coalesce(of_day, F.lit(False))))

    def look_up(self, event_ids: Sequence[str]) -> DataFrame:
        """The rows of these identities in the whole table, whatever their day."""
        rows = read_table(self._spark, self._mapping, None, self._zone).rows
        if not uses(self._stream, self._history.key):  # the time is part of the natural key
            rows = rows.where(self._in_day(F.col("timestamp")))
        ids = self._spark.createDataFrame([(i,) for i in event_ids], "_id string")
        known = known_as(rows, self._rules, self._history.key, self._mapping.key)
        of_id = F.col("_known.identity") == F.col("_id")
        found = rows.withColumn("_known", known).join(F.broadcast(ids), of_id, "left_semi")
        return self._spilled(self._parsed(found.select(*rows.columns), of_day=False), self._looked_up)

    def close(self) -> None:
        """Removes the spilled rows."""
        for folder in (self._spill, self._looked_up):
            remove(self._spark, folder)

    def _spilled(self, rows: DataFrame, folder: str) -> DataFrame:
        with reading(self._mapping.source):
            rows.write.mode("overwrite").parquet(folder)
        return self._spark.read.parquet(folder)

    def _parsed(self, rows: DataFrame, *, of_day: bool) -> DataFrame:
        concerned = self._in_day if of_day else None
        records = records_of(rows, self._rules, self._mapping, self._history, concerned)
        rules = self._rules
        checked = ("identity", *CHECKED_COLUMNS)

        def parse(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in batches:
                for parsed in parse_history(batch, rules):
                    columns = [*parsed.columns, *(batch.column(name) for name in checked)]
                    yield pa.RecordBatch.from_arrays(columns, names=[*parsed.schema.names, *checked])

        types = parsed_types(self._stream) | dict.fromkeys(checked, "string")
        schema = ", ".join(f"`{name}` {type_}" for name, type_ in types.items())
        parsed = records.select(*HISTORY_COLUMNS, *checked).mapInArrow(parse, schema)
        # A reject is identified as far as its row allows.
        is_reject = F.col("outcome") == REJECT
        product = F.get_json_object(F.col("value").cast("string"), f"$.data.{self._product_field()}")
        of_reject = {"event_id": F.when(F.col("kind").isNotNull(), F.col("identity")), "product_code": product}
        return parsed.select(
            "outcome", "reason", F.col("record_timestamp").alias("changed"), *CHECKED_COLUMNS,
            *(
                F.coalesce(F.col(c), F.when(is_reject, of_reject[c])).alias(c) if c in of_reject else F.col(c)
                for c in self._stream.event_columns
            ),
        )  # fmt: skip

    def _product_field(self) -> str:
        return next(f.name for f in self._stream.fields if f.column == "product_code")
