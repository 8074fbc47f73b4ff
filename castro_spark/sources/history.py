"""The warehouse as a source of past records: a stream's events, in chunks, month by month."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from castro_spark.counted import counted
from castro_spark.errors import MappingError
from castro_spark.features.calendar import with_calendar
from castro_spark.local_day import start_of_day
from castro_spark.parse import ParseRules
from castro_spark.parse.history import CHECKED_COLUMNS, HISTORY_COLUMNS, history_records
from castro_spark.parse.identity import Kinds
from castro_spark.sections.streams import HistorySettings
from castro_spark.sections.warehouse import TableMapping
from castro_spark.session import session_beside
from castro_spark.sources.folders import listed, remove
from castro_spark.sources.hive import read_table, reading
from castro_spark.streams.declaration import IdentityKind, StreamDeclaration

log = logging.getLogger(__name__)
_TASKS_A_CHUNK = 4  # one file per task, so that the executors stage a chunk in parallel
_SESSION = {"spark.sql.adaptive.enabled": "true", "spark.sql.shuffle.partitions": "64"}


@dataclass(frozen=True)
class Months:
    """The business days `first` to `last` of a stream, except what an interrupted run has done.

    `done`: the months that are done (first days), each with when the run that did it began. Rows changed since then,
    less `overlap` (a warehouse commits out of order), are read again: a correction may have moved an event to a month
    that is done.
    """

    first: date
    last: date
    zone: ZoneInfo
    done: Mapping[date, datetime] = field(default_factory=dict)
    overlap: timedelta = timedelta(days=1)

    def holds(self, happened: Column) -> Column:
        """Whether an instant is within `first` to `last`; ignores `done`."""
        after = start_of_day(self.last + timedelta(days=1), self.zone)
        return (happened >= F.lit(start_of_day(self.first, self.zone))) & (happened < F.lit(after))


class WarehouseHistory:
    """A stream's records (parse.history.HISTORY_COLUMNS) from its warehouse table, in chunks of about `chunk_records`,
    month by month.

    These are all identities that have any row with its business date in the months: each as its newest row, in the
    month of that row. So a correction that moves an event out of the months takes effect too. The warehouse is read
    once, when this object is created, and only partitions that can hold such rows; the chunks are stored in `spill`
    until `close`. Raises as kinds_of does, and SourceUnreadable if the table cannot be read, which is not the same as
    no rows.
    """

    def __init__(
        self,
        spark: SparkSession,
        rules: ParseRules,
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
        records = newest_concerned(rows, rules, mapping, history, months)
        file_rows = max(1, math.ceil(chunk_records / _TASKS_A_CHUNK))
        log.info("reading %s since %s", mapping.source, since.date())
        with reading(mapping.source):
            (
                records.select(*HISTORY_COLUMNS, *CHECKED_COLUMNS, "month")
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
        self.records, self.kinds = 0, Kinds()  # their number, and their kinds of identity
        if self._chunks:
            spilled = self._spark.read.parquet(spill)
            self.records, self.kinds = spilled.count(), self._kinds(spilled, rules, mapping)
        log.info("%s: %d events in %d chunks", mapping.source, self.records, self.chunks)

    def _kinds(self, spilled: DataFrame, rules: ParseRules, mapping: TableMapping) -> Kinds:
        try:
            return kinds_of(spilled, rules.stream, mapping)
        except BaseException:
            self.close()
            raise

    @property
    def chunks(self) -> int:
        """The number of chunks."""
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
    rules: ParseRules,
    mapping: TableMapping,
    history: HistorySettings,
    concerned: Callable[[Column], Column] | None = None,
) -> DataFrame:
    """Mapped rows -> their history_records, according to the history settings; `concerned` selects the identities."""
    with reading(mapping.source):
        return history_records(
            rows, rules, changed=mapping.watermark, key=history.key, row_key=mapping.key, deleted=history.deleted,
            concerned=concerned,
        )  # fmt: skip


def kinds_of(checked: DataFrame, stream: StreamDeclaration, mapping: TableMapping) -> Kinds:
    """The kinds of identity of history_records (`checked`: CHECKED_COLUMNS).

    Raises MappingError if two rows share an identity, or if rows need a natural key and the mapping lacks its columns.
    """
    with reading(mapping.source):
        kinds, rows, twice = checked.agg(
            F.collect_set("kind"), F.count("shared"), F.min("shared")
        ).collect()[0]  # fmt: skip
    if rows:
        raise MappingError(
            f"table {mapping.source}: {counted(rows, 'event')} of stream {stream.name} would be two rows or"
            f" more each: rows {twice} ({', '.join(mapping.key)}) have the same identity",
            "if the rows have ids that the stream's records have too, name their columns"
            f" (streams.{stream.name}.history.key); else name further columns of the natural key"
            f" (streams.{stream.name}.natural_key)",
        )
    lacking = [c for c in stream.natural_key if c not in mapping.columns]
    if IdentityKind.NATURAL.value in kinds and lacking:
        raise MappingError(
            f"table {mapping.source}: some rows have no id, and the mapping has no column {', '.join(lacking)}, of the"
            " natural key",
            "add it (warehouse.tables in the settings), or correct the rows",
        )
    return frozenset(map(IdentityKind, kinds))


def newest_concerned(
    rows: DataFrame, rules: ParseRules, mapping: TableMapping, history: HistorySettings, months: Months
) -> DataFrame:
    """Mapped rows -> history_records of the identities with a row in the months, and `month` (date, its first day)."""
    records = records_of(rows, rules, mapping, history, months.holds)
    dated = with_calendar(records, months.zone.key, "happened").select(
        *HISTORY_COLUMNS, *CHECKED_COLUMNS, F.trunc("date", "month").alias("month")
    )
    if not months.done:
        return dated
    since = min(months.done.values()) - months.overlap
    return dated.where(~F.col("month").isin(*months.done) | (F.col("timestamp") >= F.lit(since)))


class ChangedRecords:
    """History_records of mapped rows, few enough for the driver. The warehouse is read once.

    `kinds`: their kinds of identity. Raises as kinds_of does.
    """

    def __init__(self, rows: DataFrame, rules: ParseRules, mapping: TableMapping, history: HistorySettings) -> None:
        self._mapping = mapping
        records = records_of(rows, rules, mapping, history)
        self._records = records.select(*HISTORY_COLUMNS, *CHECKED_COLUMNS).persist()
        try:
            self.kinds = kinds_of(self._records, rules.stream, mapping)
        except BaseException:
            self.close()
            raise

    def chunks(self, chunk_records: int) -> Iterable[pa.Table]:
        """Tables with HISTORY_COLUMNS, about `chunk_records` rows each."""
        with reading(self._mapping.source):
            chunks = math.ceil(self._records.count() / chunk_records)
            for number in range(chunks):
                chunk = self._records.where(F.pmod("partition", F.lit(chunks)) == number)
                yield chunk.select(*HISTORY_COLUMNS).toArrow()

    def close(self) -> None:
        """Releases the cached rows."""
        self._records.unpersist()
