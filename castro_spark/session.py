"""The SparkSession of the jobs. The master and the jars are spark-submit's affair."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pyspark import SparkConf, SparkContext
from pyspark.sql import SparkSession

ZONE = "UTC"  # of every JVM: ORC and text hold wall clocks, which Java reads in the JVM's own zone
# What reading Hive needs of a session.
HIVE_READING = {
    # A number that does not fit, or a file that is gone, must never become a null, or no rows.
    "spark.sql.ansi.enabled": "true",
    "spark.sql.files.ignoreMissingFiles": "false",
    "spark.sql.files.ignoreCorruptFiles": "false",
    # Hive's own reader, where it is used, goes into subfolders.
    "mapreduce.input.fileinputformat.input.dir.recursive": "true",
    "hive.mapred.supports.subdirectories": "true",
    # Dates before 1900 that an old writer wrote in another calendar are an error with words, not other dates.
    "spark.sql.parquet.datetimeRebaseModeInRead": "EXCEPTION",
    "spark.sql.parquet.int96RebaseModeInRead": "EXCEPTION",
}
# What Delta Lake needs of a session.
DELTA = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}

# What Spark hides in its pages, event logs and plans. The setting REPLACES Spark's default, so that is here too.
_REDACTED = "(?i)secret|password|passwd|passphrase|token|access[.]?key|credential|jaas|keystore[.]key|dsn"


def spark_session(job: str, *, delta: bool = False) -> SparkSession:
    """A session named after the job, with what the jobs rely on; JVM and cluster settings are in conf/.

    `delta`: it reads or writes the archive too. Else Delta's rules are left out of all planning.
    """
    builder = _builder(job)
    for name, value in (DELTA if delta else {}).items():
        builder = builder.config(name, value)
    return _started(builder)


def hive_session(job: str, embedded_dir: str | None = None) -> SparkSession:
    """A session that reads Hive: the cluster's (hive-site.xml decides), or the embedded one in `embedded_dir`.

    The embedded metastore serves one JVM at a time.
    """
    builder = _builder(job).enableHiveSupport()
    for key, value in HIVE_READING.items():
        builder = builder.config(key, value)
    if embedded_dir is None:
        return _started(builder)
    folder = Path(embedded_dir).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    for key, value in embedded_hive(folder).items():
        builder = builder.config(key, value)
    spark = _started(builder)
    context: Any = spark.sparkContext
    context._jvm.java.lang.System.setProperty("derby.stream.error.file", str(folder / "derby.log"))
    return spark


def session_beside(spark: SparkSession, settings: Mapping[str, str]) -> SparkSession:
    """A session of its own on the same Spark, with these settings over those of a stream's small batches."""
    beside = spark.newSession()
    for name, value in settings.items():
        beside.conf.set(name, value)
    return beside


def embedded_hive(folder: Path) -> dict[str, str]:
    """Spark's settings for an embedded metastore (Derby) with everything it writes in `folder`."""
    return {
        "spark.sql.catalogImplementation": "hive",
        "spark.sql.warehouse.dir": folder.joinpath("tables").as_uri(),
        "spark.hadoop.javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={folder / 'metastore'};create=true",
        "spark.hadoop.datanucleus.schema.autoCreateAll": "true",
        "spark.hadoop.hive.metastore.schema.verification": "false",
        "spark.hadoop.hive.exec.scratchdir": str(folder / "scratch"),
    }


def _builder(job: str) -> SparkSession.Builder:
    return (
        SparkSession.builder.appName(f"castro_spark {job}")
        .config("spark.sql.session.timeZone", "UTC")
        # Results of a batch come back in one piece of Arrow.
        .config("spark.sql.execution.arrow.pyspark.enabled", "true")
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", "20000")
        # What a task has in hand at once, in the JVM and in Python, whatever the size of a record.
        .config("spark.sql.execution.arrow.maxBytesPerBatch", str(4 << 20))
        # What a poll brought beyond a batch's end waits for the next one; it may be large, so not for minutes.
        .config("spark.kafka.consumer.fetchedData.cache.timeout", "10s")
        .config("spark.kafka.consumer.fetchedData.cache.evictorThreadRunInterval", "5s")
        # Checkpoints are small and the ledger decides: a second file with each one's checksum only costs time.
        .config("spark.sql.streaming.checkpoint.fileChecksum.enabled", "false")
        .config("spark.sql.streaming.minBatchesToRetain", "10")
        .config("spark.sql.adaptive.enabled", "false")
        .config("spark.redaction.regex", redaction())
    )


def redaction() -> str:
    """What the cluster's configuration hides, and what the jobs must hide in any case."""
    context: Any = SparkContext
    context._ensure_initialized()  # the JVM, which knows what spark-submit was given
    set_before = SparkConf().get("spark.redaction.regex", "")
    if not set_before or _REDACTED in set_before:
        return set_before or _REDACTED
    return f"{_REDACTED}|{set_before}"


def _started(builder: SparkSession.Builder) -> SparkSession:
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    pin_zone(spark)
    return spark


def pin_zone(spark: SparkSession) -> None:
    """Makes UTC the zone of the driver's JVM, whatever the host's is. Executors: conf/spark-cluster.conf."""
    zones: Any = spark.sparkContext._jvm.java.util.TimeZone  # type: ignore[union-attr]
    zones.setDefault(zones.getTimeZone(ZONE))
