"""The SparkSession of the jobs. The master and the jars are spark-submit's affair."""

from __future__ import annotations

from pyspark.sql import SparkSession


def spark_session(job: str) -> SparkSession:
    """A session named after the job, with what the jobs rely on; JVM and cluster settings are in conf/."""
    spark = (
        SparkSession.builder.appName(f"castro_spark {job}")
        .config("spark.sql.session.timeZone", "UTC")
        # Results of a batch come back in one piece of Arrow.
        .config("spark.sql.execution.arrow.pyspark.enabled", "true")
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", "20000")
        # Checkpoints are small and the ledger decides: a second file with each one's checksum only costs time.
        .config("spark.sql.streaming.checkpoint.fileChecksum.enabled", "false")
        .config("spark.sql.streaming.minBatchesToRetain", "10")
        .config("spark.sql.adaptive.enabled", "false")
        .getOrCreate()
    )
    spark.sparkContext.setLogLevel("ERROR")
    return spark
