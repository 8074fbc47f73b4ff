"""The archive as a source: what sinks/delta has appended, read back as it came."""

from __future__ import annotations

from pyspark.sql import DataFrame, SparkSession


def read_archive(spark: SparkSession, folder: str) -> DataFrame:
    """A stream's archived records, all of them, as of now (docs/data.md tells the columns)."""
    return spark.read.format("delta").load(folder)
