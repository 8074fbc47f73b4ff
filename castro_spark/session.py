"""Creates the jobs' SparkSession. spark-submit sets the master and the jars."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pyspark import SparkConf, SparkContext
from pyspark.errors import PySparkRuntimeError
from pyspark.sql import SparkSession

from castro_spark.errors import KerberosRefused
from castro_spark.jvm.meanwhile import import_meanwhile, initialize_meanwhile
from castro_spark.kerberos.login import log_in
from castro_spark.sections.servers import KerberosSettings
from castro_spark.settings import Settings

ZONE = "UTC"  # time zone of every JVM: ORC and text store local times, which Java reads in the JVM's zone
# Session settings for reading Hive.
HIVE_READING = {
    # An overflowing number must never become null, and a missing file must never mean no rows.
    "spark.sql.ansi.enabled": "true",
    "spark.sql.files.ignoreMissingFiles": "false",
    "spark.sql.files.ignoreCorruptFiles": "false",
    # Hive's own reader, if used, reads subfolders.
    "mapreduce.input.fileinputformat.input.dir.recursive": "true",
    "hive.mapred.supports.subdirectories": "true",
    # Dates before 1900 from a writer with the old calendar raise an error, instead of being read as other dates.
    "spark.sql.parquet.datetimeRebaseModeInRead": "EXCEPTION",
    "spark.sql.parquet.int96RebaseModeInRead": "EXCEPTION",
}
# Session settings for Delta Lake.
DELTA = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}

# What Spark redacts in its UI, event logs and plans. The setting REPLACES Spark's default, so it includes the default.
_REDACTED = "(?i)secret|password|passwd|passphrase|token|access[.]?key|credential|jaas|keystore[.]key|dsn"


def spark_session(
    job: str, settings: Settings | None = None, *, delta: bool = False, master: str | None = None
) -> SparkSession:
    """A session named after the job, with the settings that the jobs rely on; JVM and cluster settings are in conf/.

    `settings`: for the login (kerberos), which is checked before the JVM starts.
    `delta`: the job reads or writes the archive. Otherwise Delta's rules do not slow down planning.
    `master` wins over the settings, for a job that needs the JVM only.
    """
    builder = _builder(job, settings)
    if master is not None:
        builder = builder.master(master)
    for name, value in (DELTA if delta else {}).items():
        builder = builder.config(name, value)
    return _started(builder)


def hive_session(job: str, embedded_dir: str | None = None, settings: Settings | None = None) -> SparkSession:
    """A session that reads Hive: the cluster's (hive-site.xml decides), or the embedded one in `embedded_dir`.

    The embedded metastore serves one JVM at a time. `settings`: as of spark_session.
    """
    builder = _builder(job, settings).enableHiveSupport()
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
    """A separate session on the same SparkContext; `settings` override those for a stream's small batches."""
    session = spark.newSession()
    for name, value in settings.items():
        session.conf.set(name, value)
    return session


def embedded_hive(folder: Path) -> dict[str, str]:
    """Spark's settings for an embedded metastore (Derby) that writes only to `folder`."""
    return {
        "spark.sql.catalogImplementation": "hive",
        "spark.sql.warehouse.dir": folder.joinpath("tables").as_uri(),
        "spark.hadoop.javax.jdo.option.ConnectionURL": f"jdbc:derby:;databaseName={folder / 'metastore'};create=true",
        "spark.hadoop.datanucleus.schema.autoCreateAll": "true",
        "spark.hadoop.hive.metastore.schema.verification": "false",
        "spark.hadoop.hive.exec.scratchdir": str(folder / "scratch"),
    }


def _builder(job: str, settings: Settings | None) -> SparkSession.Builder:
    if settings is not None and not _has_jvm():
        log_in(settings.kerberos, settings.kafka, os.environ)
        _start_jvm(settings.kerberos)
    return (
        SparkSession.builder.appName(f"castro_spark {job}")
        .config("spark.sql.session.timeZone", "UTC")
        # A batch's result is returned in one Arrow batch.
        .config("spark.sql.execution.arrow.pyspark.enabled", "true")
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", "20000")
        # Limits a task's memory, in the JVM and in Python, whatever the size of a record.
        .config("spark.sql.execution.arrow.maxBytesPerBatch", str(4 << 20))
        # Records polled beyond a batch's end are cached for the next batch; they may be large, so evict them early.
        .config("spark.kafka.consumer.fetchedData.cache.timeout", "3s")
        .config("spark.kafka.consumer.fetchedData.cache.evictorThreadRunInterval", "1s")
        # Checkpoints are small and the ledger is authoritative: a checksum file for each would only cost time.
        .config("spark.sql.streaming.checkpoint.fileChecksum.enabled", "false")
        .config("spark.sql.streaming.minBatchesToRetain", "10")
        .config("spark.sql.adaptive.enabled", "false")
        .config("spark.redaction.regex", redaction())
    )


def _start_jvm(kerberos: KerberosSettings) -> None:
    context: Any = SparkContext
    # The first call of the JVM converts an argument, and PySpark imports this for it, and pandas with it.
    import_meanwhile("pyspark.testing.utils")
    try:
        context._ensure_initialized()
        initialize_meanwhile(context._jvm)
    except PySparkRuntimeError as error:
        if kerberos.method == "simple" or error.getCondition() != "JAVA_GATEWAY_EXITED":
            raise
        raise KerberosRefused(
            "Spark's JVM ended at its start, where it logs in; its own words are above",
            "if they tell of a login: docs/kerberos.md; with kinit installed (krb5-user) mistakes are told before",
        ) from None


def _has_jvm() -> bool:
    context: Any = SparkContext
    return context._gateway is not None


def redaction() -> str:
    """The redaction regex: the cluster's own, and what the jobs must redact in any case."""
    context: Any = SparkContext
    context._ensure_initialized()  # starts the JVM, which has spark-submit's configuration
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
    """Sets the time zone of the driver's JVM to UTC, whatever the host's is. Executors: conf/spark-cluster.conf."""
    zones: Any = spark.sparkContext._jvm.java.util.TimeZone  # type: ignore[union-attr]
    zones.setDefault(zones.getTimeZone(ZONE))
