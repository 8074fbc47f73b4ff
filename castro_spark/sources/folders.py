"""Finds, lists and removes folders on any Hadoop file system."""

from __future__ import annotations

from typing import Any

from pyspark.sql import SparkSession

from castro_spark.jvm.java import java_class


def listed(spark: SparkSession, folder: str) -> list[str]:
    """The paths of a folder's entries, in no particular order."""
    system, path = located(spark, folder)
    return [str(status.getPath().toString()) for status in system.listStatus(path)]


def remove(spark: SparkSession, folder: str) -> None:
    """Removes a folder and its content, if it exists."""
    system, path = located(spark, folder)
    system.delete(path, True)


def located(spark: SparkSession, path_text: str) -> tuple[Any, Any]:
    """Hadoop's FileSystem and Path of a folder or file."""
    context: Any = spark.sparkContext
    path = java_class(context._jvm, "org.apache.hadoop.fs.Path")(path_text)
    return path.getFileSystem(context._jsc.hadoopConfiguration()), path
