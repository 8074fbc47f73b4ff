"""The archive as a source: what sinks/delta has appended, read back as records."""

from __future__ import annotations

import logging
import math
from datetime import date
from typing import Any

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from castro_spark.errors import SourceError
from castro_spark.parse import DELETE, EVENT, REJECT, Reason
from castro_spark.session import session_beside
from castro_spark.sources.folders import listed, remove

log = logging.getLogger(__name__)

# What a source of past records gives: Spark's Kafka columns; of which life of which topic; and, where that is not now,
# the time that timestamps of the future are measured against.
PAST_COLUMNS = ("topic", "generation", "partition", "offset", "timestamp", "key", "value", "known_at")
_SESSION = {
    # Not a stream's small batches: as many tasks as the data asks for.
    "spark.sql.adaptive.enabled": "true",
    "spark.sql.shuffle.partitions": "64",
    "spark.databricks.delta.snapshotPartitions": "2",  # the table's own log is small
}
_FILES_A_CHUNK = 4  # each is a task's work, so that the executors stage a chunk in parallel


def read_archive(spark: SparkSession, folder: str) -> DataFrame:
    """A stream's archived records, all of them, as they are now (docs/data.md tells the columns).

    However often the result is read, it is this version of the table, as long as its files are kept.
    """
    delta: Any = spark.sparkContext._jvm.io.delta.tables.DeltaTable  # type: ignore[union-attr]
    java: Any = spark._jsparkSession
    if not delta.isDeltaTable(java, folder):
        raise SourceError(
            f"there is no archive in {folder}",
            "is archive.dir (CASTRO_ARCHIVE_DIR) the folder that the stream archives to?",
        )
    version = DataFrame(delta.forPath(java, folder).history(1), spark).first()
    assert version is not None
    return spark.read.format("delta").option("versionAsOf", version.version).load(folder)


class ArchivedRange:
    """The records that decide what the business days `first` to `last` hold, in chunks of some `chunk_records`.

    These are all records of each identity of which any record has its business date there, so that one that a
    correction moved in or out comes out right, or that arrived there without telling a date (a delete, say); and the
    rejects that arrived there. An identity is wholly in one chunk. Rejects for a time in the future are measured
    against the time when they were archived, so that they are rejects again.

    The archive is read as it is when this object is made; the chunks lie in `spill` until `close`.
    """

    def __init__(
        self, spark: SparkSession, folder: str, spill: str, first: date, last: date, chunk_records: int
    ) -> None:
        self._spark = session_beside(spark, _SESSION)
        self._spill = spill
        found = _deciding(read_archive(self._spark, folder), first, last)
        self.records = found.count()
        log.info("%d archived records decide about %s to %s; they are cut into chunks", self.records, first, last)
        self._folders: list[str] = []
        if self.records:
            # An identity's hash; of a reject, which has none, that of its place.
            place = F.concat_ws("/", "generation", "partition", "offset")
            chunks = math.ceil(self.records / chunk_records)
            chunk = F.pmod(F.xxhash64(F.coalesce("event_id", place)), F.lit(chunks))
            (
                found.select(*PAST_COLUMNS, chunk.alias("chunk"))
                .repartition("chunk")
                .write.mode("overwrite")
                .option("maxRecordsPerFile", max(1, chunk_records // _FILES_A_CHUNK))
                .partitionBy("chunk")
                .parquet(spill)
            )
            self._folders = sorted(f for f in listed(self._spark, spill) if "=" in f)

    @property
    def chunks(self) -> int:
        """How many there are."""
        return len(self._folders)

    def chunk(self, number: int) -> DataFrame:
        """The records (PAST_COLUMNS) of chunk `number`, from 0."""
        return self._spark.read.parquet(self._folders[number]).select(*PAST_COLUMNS)

    def close(self) -> None:
        """Removes the chunks."""
        remove(self._spark, self._spill)


def _deciding(archive: DataFrame, first: date, last: date) -> DataFrame:
    outcome = F.col("outcome")
    arrived = F.col("arrival_day").between(F.lit(first), F.lit(last))
    known = outcome.isin(EVENT, DELETE)
    concerned = F.col("date").between(F.lit(first), F.lit(last)) | (F.col("date").isNull() & arrived)
    identities = archive.where(known & concerned).select("event_id").distinct()
    rejected_for_time = F.col("reason") == Reason.TIMESTAMP_OUT_OF_RANGE.value
    columns: list[Column | str] = [
        *(name for name in PAST_COLUMNS if name not in ("timestamp", "known_at")),
        "event_id",
        F.col("record_timestamp").alias("timestamp"),
        F.when(rejected_for_time, F.col("archived_at")).alias("known_at"),
    ]
    events = archive.where(known).join(identities, "event_id", "left_semi").select(*columns)
    return events.unionByName(archive.where((outcome == REJECT) & arrived).select(*columns))
