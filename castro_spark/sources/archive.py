"""The archive as a source: reads back the records that sinks/delta has appended."""

from __future__ import annotations

import logging
import math
from datetime import date
from typing import Any

from py4j.java_gateway import JavaPackage
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F

from castro_spark.errors import SourceError
from castro_spark.parse import DELETE, EVENT, REJECT, Reason
from castro_spark.session import session_beside
from castro_spark.sources.folders import listed, remove

log = logging.getLogger(__name__)

# Columns of past records: Spark's Kafka columns; the topic and its generation; and `known_at`, the reference time of
# the check for future timestamps (null: now).
PAST_COLUMNS = ("topic", "generation", "partition", "offset", "timestamp", "key", "value", "known_at")
_SESSION = {
    # Unlike a stream's small batches: as many tasks as the data needs.
    "spark.sql.adaptive.enabled": "true",
    "spark.sql.shuffle.partitions": "64",
    "spark.databricks.delta.snapshotPartitions": "2",  # the table's own log is small
}
_FILES_A_CHUNK = 4  # one task per file, so that the executors stage a chunk in parallel


def read_archive(spark: SparkSession, folder: str, version: int | None = None) -> DataFrame:
    """All archived records of a stream (docs/data.md lists the columns), as of the table's `version`; None: the newest.

    Repeated reads of the result return this version, until vacuum removes its files.
    """
    newest = archive_versions(spark, folder, 1 if version is None else None).agg(F.max("version")).collect()[0][0]
    if version is not None and not 0 <= version <= newest:
        raise SourceError(f"the archive in {folder} has no version {version}", f"its versions are 0 to {newest}")
    return spark.read.format("delta").option("versionAsOf", newest if version is None else version).load(folder)


def archive_versions(spark: SparkSession, folder: str, newest: int | None = None) -> DataFrame:
    """The versions of a stream's archive: version (bigint), committed_at (timestamp), operation (string).

    `newest`: only so many. Raises SourceError if there is no archive, or the session lacks Delta Lake.
    """
    delta: Any = spark.sparkContext._jvm.io.delta.tables.DeltaTable  # type: ignore[union-attr]
    if isinstance(delta, JavaPackage):
        raise SourceError(
            "the archive is a Delta table, and this Spark has no Delta Lake on its class path",
            "use local_spark() after ./spark-submit.sh prepare; on a cluster add its jars (--packages)",
        )
    if not delta.isDeltaTable(spark._jsparkSession, folder):
        raise SourceError(
            f"there is no archive in {folder}",
            "is archive.dir (CASTRO_ARCHIVE_DIR) the folder that the stream archives to?",
        )
    table = delta.forPath(spark._jsparkSession, folder)
    history = DataFrame(table.history() if newest is None else table.history(newest), spark)
    return history.select("version", F.col("timestamp").alias("committed_at"), "operation")


class ArchivedRange:
    """The records that determine the business days `first` to `last`, in chunks of about `chunk_records`.

    These are all records of each identity that has any record with its business date in the range, so that a correction
    into or out of the range takes effect, or any record without a date (a delete, say) that arrived in the range; and
    the rejects that arrived in the range. All records of an identity are in the same chunk. Rejects for a future
    timestamp are checked against the time they were archived, so that they are rejected again.

    The archive is read once, when this object is created; the chunks are stored in `spill` until `close`.
    """

    def __init__(
        self, spark: SparkSession, folder: str, spill: str, first: date, last: date, chunk_records: int
    ) -> None:
        self._spark = session_beside(spark, _SESSION)
        self._spill = spill
        records = _determining(read_archive(self._spark, folder), first, last)
        self.records = records.count()
        log.info("%d archived records determine %s to %s; they are cut into chunks", self.records, first, last)
        self._folders: list[str] = []
        if self.records:
            # By the identity's hash; a reject has no identity, so by the hash of its Kafka position.
            place = F.concat_ws("/", "generation", "partition", "offset")
            chunks = math.ceil(self.records / chunk_records)
            chunk = F.pmod(F.xxhash64(F.coalesce("event_id", place)), F.lit(chunks))
            (
                records.select(*PAST_COLUMNS, chunk.alias("chunk"))
                .repartition("chunk")
                .write.mode("overwrite")
                .option("maxRecordsPerFile", max(1, chunk_records // _FILES_A_CHUNK))
                .partitionBy("chunk")
                .parquet(spill)
            )
            self._folders = sorted(f for f in listed(self._spark, spill) if "=" in f)

    @property
    def chunks(self) -> int:
        """The number of chunks."""
        return len(self._folders)

    def chunk(self, number: int) -> DataFrame:
        """The records (PAST_COLUMNS) of chunk `number`, from 0."""
        return self._spark.read.parquet(self._folders[number]).select(*PAST_COLUMNS)

    def close(self) -> None:
        """Removes the chunks."""
        remove(self._spark, self._spill)


def _determining(archive: DataFrame, first: date, last: date) -> DataFrame:
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
