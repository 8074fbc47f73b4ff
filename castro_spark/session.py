"""The SparkSession of the jobs. The master and the jars are spark-submit's affair."""

from __future__ import annotations

from pyspark.sql import SparkSession

# What Delta Lake needs of a session.
_DELTA = {
    "spark.sql.extensions": "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
}


def spark_session(job: str, *, delta: bool = False) -> SparkSession:
    """A session named after the job, with what the jobs rely on; JVM and cluster settings are in conf/.

    `delta`: it reads or writes the archive too. Else Delta's rules are left out of all planning.
    """
    builder = (
        SparkSession.builder.appName(f"castro_spark {job}")
        .config("spark.sql.session.timeZone", "UTC")
        # Results of a batch come back in one piece of Arrow.
        .config("spark.sql.execution.arrow.pyspark.enabled", "true")
        .config("spark.sql.execution.arrow.maxRecordsPerBatch", "20000")
        # Checkpoints are small and the ledger decides: a second file with each one's checksum only costs time.
        .config("spark.sql.streaming.checkpoint.fileChecksum.enabled", "false")
        .config("spark.sql.streaming.minBatchesToRetain", "10")
        .config("spark.sql.adaptive.enabled", "false")
    )
    for name, value in (_DELTA if delta else {}).items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    return spark
