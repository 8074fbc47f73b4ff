"""Lists and removes folders on any Hadoop file system."""

from __future__ import annotations

from typing import Any

from pyspark.sql import SparkSession


def listed(spark: SparkSession, folder: str) -> list[str]:
    """The paths of a folder's entries, in no particular order."""
    system, path = _path(spark, folder)
    return [str(status.getPath().toString()) for status in system.listStatus(path)]


def remove(spark: SparkSession, folder: str) -> None:
    """Removes a folder and its content, if it exists."""
    system, path = _path(spark, folder)
    system.delete(path, True)


def _path(spark: SparkSession, folder: str) -> tuple[Any, Any]:
    context: Any = spark.sparkContext
    path = context._jvm.org.apache.hadoop.fs.Path(folder)
    return path.getFileSystem(context._jsc.hadoopConfiguration()), path
