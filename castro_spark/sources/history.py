"""The warehouse as a source of past records: a stream's history, cut into chunks month by month."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from castro_spark.features.calendar import start_of_day, with_calendar
from castro_spark.mapping import TableMapping
from castro_spark.parse.history import HISTORY_COLUMNS, history_records
from castro_spark.session import session_beside
from castro_spark.settings import HistorySettings
from castro_spark.sources.folders import listed, remove
from castro_spark.sources.hive import read_table, reading
from castro_spark.streams.declaration import StreamDeclaration

log = logging.getLogger(__name__)
_TASKS_A_CHUNK = 4  # a file each, so that the executors stage a chunk in parallel
_SESSION = {"spark.sql.adaptive.enabled": "true", "spark.sql.shuffle.partitions": "64"}


@dataclass(frozen=True)
class Months:
    """The business days `first` to `last` of a stream, less the months (their first days) that are `done`."""

    first: date
    last: date
    zone: ZoneInfo
    done: Collection[date] = ()

    def holds(self, happened: Column) -> Column:
        """Whether an instant lies in the days."""
        after = start_of_day(self.last + timedelta(days=1), self.zone)
        return (happened >= F.lit(start_of_day(self.first, self.zone))) & (happened < F.lit(after))


class WarehouseHistory:
    """A stream's records (parse.history.HISTORY_COLUMNS) from its table in the warehouse, in chunks of some
    `chunk_records`, one month after the other.

    These are all identities of which any row has its business date in the months, each as its newest row has it, in
    the month of that row: so one that a correction moved out of the months comes out right too. The warehouse is read
    once, as it is when this object is made, and only partitions that can hold such rows; the chunks lie in `spill`
    until `close`. Raises SourceUnreadable where it cannot be read: that is not the same as no rows.
    """

    def __init__(
        self,
        spark: SparkSession,
        stream: StreamDeclaration,
        mapping: TableMapping,
        history: HistorySettings,
        months: Months,
        *,
        allowance: timedelta,
        spill: str,
        chunk_records: int,
    ) -> None:
        self._spark = session_beside(spark, _SESSION)
        self._spill = spill
        since = start_of_day(months.first, months.zone) - allowance
        rows = read_table(self._spark, mapping, since, months.zone).rows
        found = newest_concerned(rows, stream, mapping, history, months)
        file_rows = max(1, math.ceil(chunk_records / _TASKS_A_CHUNK))
        log.info("reading %s since %s", mapping.source, since.date())
        with reading(mapping.source):
            (
                found.select(*HISTORY_COLUMNS, "month")
                .repartition("month", F.pmod("offset", F.lit(_TASKS_A_CHUNK)))
                .write.mode("overwrite")
                .option("maxRecordsPerFile", file_rows)
                .partitionBy("month")
                .parquet(spill)
            )
        self._chunks: list[tuple[date, list[str]]] = []
        for folder in sorted(f for f in listed(self._spark, spill) if "=" in f):
            month = date.fromisoformat(unquote(folder).rpartition("=")[2])
            files = sorted(f for f in listed(self._spark, folder) if f.endswith(".parquet"))
            self._chunks += [(month, files[i : i + _TASKS_A_CHUNK]) for i in range(0, len(files), _TASKS_A_CHUNK)]
        self.records = self._spark.read.parquet(spill).count() if self._chunks else 0
        log.info("%s: %d events in %d chunks", mapping.source, self.records, self.chunks)

    @property
    def chunks(self) -> int:
        """How many there are."""
        return len(self._chunks)

    def chunk(self, number: int) -> DataFrame:
        """The records (HISTORY_COLUMNS) of chunk `number`, from 0."""
        return self._spark.read.parquet(*self._chunks[number][1]).select(*HISTORY_COLUMNS)

    def month(self, number: int) -> date:
        """The month (its first day) of chunk `number`."""
        return self._chunks[number][0]

    def ends_month(self, number: int) -> bool:
        """Whether chunk `number` is the last of its month."""
        return number + 1 == self.chunks or self.month(number + 1) != self.month(number)

    def close(self) -> None:
        """Removes the chunks."""
        remove(self._spark, self._spill)


def records_of(
    rows: DataFrame,
    stream: StreamDeclaration,
    mapping: TableMapping,
    history: HistorySettings,
    concerned: Callable[[Column], Column] | None = None,
) -> DataFrame:
    """Mapped rows -> their history_records, as conf says what their columns mean."""
    with reading(mapping.source):
        return history_records(
            rows, stream, changed=mapping.watermark, event_id=history.event_id, deleted=history.deleted,
            concerned=concerned,
        )  # fmt: skip


def newest_concerned(
    rows: DataFrame, stream: StreamDeclaration, mapping: TableMapping, history: HistorySettings, months: Months
) -> DataFrame:
    """Mapped rows -> history_records of the identities with a row in the months, and `month` (date, its first day)."""
    records = records_of(rows, stream, mapping, history, months.holds)
    dated = with_calendar(records, months.zone.key, "happened").select(
        *HISTORY_COLUMNS, F.trunc("date", "month").alias("month")
    )
    return dated.where(~F.col("month").isin(*months.done)) if months.done else dated


def changed_records(
    rows: DataFrame, stream: StreamDeclaration, mapping: TableMapping, history: HistorySettings, chunk_records: int
) -> Iterable[pa.Table]:
    """Mapped rows, few enough for the driver -> their history_records, some `chunk_records` at a time."""
    records = records_of(rows, stream, mapping, history).select(*HISTORY_COLUMNS).persist()
    try:  # the warehouse is read once, however many chunks there are
        with reading(mapping.source):
            chunks = math.ceil(records.count() / chunk_records)
            for number in range(chunks):
                yield records.where(F.pmod("partition", F.lit(chunks)) == number).toArrow()
    finally:
        records.unpersist()
