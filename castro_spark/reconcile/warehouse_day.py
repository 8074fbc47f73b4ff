"""The warehouse as what is true of one business day: a stream's events as its newest rows tell them.

Guarantee: one row an identity, parsed as the stream parses. The warehouse is read once and what it said lies in a
folder until `close`, so that all who ask get the same answer. Raises SourceUnreadable where it cannot be read: that is
not the same as no rows.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from castro_spark.features.calendar import start_of_day
from castro_spark.mapping import TableMapping
from castro_spark.parse import EVENT, REJECT, ParseRules, parsed_types
from castro_spark.parse.history import CHECKED_COLUMNS, HISTORY_COLUMNS, known_as, parse_history, uses
from castro_spark.reconcile.canonical import checksums
from castro_spark.session import session_beside
from castro_spark.settings import HistorySettings
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
    """What the warehouse says of the identities with any row in `day`, each as its newest row has it.

    Its rows (`said_columns`) are: outcome ('event', 'delete' or 'reject'), reason (of a reject), changed (timestamp:
    when the row last changed), and the stream's event columns; those of a delete are the event's last, and a reject has
    event_id and product_code where it tells them.
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
        self._rows = self._kept(self._said(rows, of_day=True), spill)
        self.kinds = kinds_of(self._rows, stream, mapping)  # how the rows are known
        self._events = self._rows.where((F.col("outcome") == EVENT) & (F.col("date") == F.lit(day)))

    def checksums(self) -> pa.Table:
        """features.canonical.checksums of the day's events, a row a product."""
        return checksums(self._events, self._stream).toArrow()

    def unusable(self) -> dict[str, int]:
        """How many rows cannot be used, by reason."""
        rejects = self._rows.where(F.col("outcome") == REJECT).groupBy("reason").count()
        return {row["reason"]: row["count"] for row in rejects.collect()}

    def said_of(self, products: Iterable[str]) -> DataFrame:
        """The day's events of these products, and all that is not an event of the day (any more)."""
        known = self._spark.createDataFrame([(p,) for p in products], "product_code string")
        of_day = (F.col("outcome") == EVENT) & (F.col("date") == F.lit(self._day))
        wanted = self._rows.where(of_day).join(F.broadcast(known), "product_code", "left_semi")
        return wanted.select(*self._rows.columns).union(self._rows.where(~F.coalesce(of_day, F.lit(False))))

    def look_up(self, event_ids: Sequence[str]) -> DataFrame:
        """What the whole table says of these identities, wherever their rows lie."""
        rows = read_table(self._spark, self._mapping, None, self._zone).rows
        if not uses(self._stream, self._history.key):  # the time is a part of the natural key
            rows = rows.where(self._in_day(F.col("timestamp")))
        ids = self._spark.createDataFrame([(i,) for i in event_ids], "_id string")
        known = known_as(rows, self._rules, self._history.key, self._mapping.key)
        of_id = F.col("_known.identity") == F.col("_id")
        found = rows.withColumn("_known", known).join(F.broadcast(ids), of_id, "left_semi")
        return self._kept(self._said(found.select(*rows.columns), of_day=False), self._looked_up)

    def close(self) -> None:
        """Removes what was kept."""
        for folder in (self._spill, self._looked_up):
            remove(self._spark, folder)

    def _kept(self, rows: DataFrame, folder: str) -> DataFrame:
        with reading(self._mapping.source):
            rows.write.mode("overwrite").parquet(folder)
        return self._spark.read.parquet(folder)

    def _said(self, rows: DataFrame, *, of_day: bool) -> DataFrame:
        concerned = self._in_day if of_day else None
        records = records_of(rows, self._rules, self._mapping, self._history, concerned)
        rules = self._rules
        told = ("identity", *CHECKED_COLUMNS)

        def parse(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            for batch in batches:
                for parsed in parse_history(batch, rules):
                    columns = [*parsed.columns, *(batch.column(name) for name in told)]
                    yield pa.RecordBatch.from_arrays(columns, names=[*parsed.schema.names, *told])

        types = parsed_types(self._stream) | dict.fromkeys(told, "string")
        schema = ", ".join(f"`{name}` {type_}" for name, type_ in types.items())
        parsed = records.select(*HISTORY_COLUMNS, *told).mapInArrow(parse, schema)
        # A record that cannot be used tells the event that it speaks of, where it can.
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
