"""Finds, lists and removes folders on any Hadoop file system."""

from __future__ import annotations

from pathlib import Path
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


def local_folder(spark: SparkSession, folder: str) -> Path | None:
    """The folder's path on this machine; None if it is on another file system than that of local files."""
    system, path = located(spark, folder)
    return Path(path.toUri().getPath()) if system.getUri().getScheme() == "file" else None


def located(spark: SparkSession, path_text: str) -> tuple[Any, Any]:
    """Hadoop's FileSystem and Path of a folder or file."""
    context: Any = spark.sparkContext
    path = java_class(context._jvm, "org.apache.hadoop.fs.Path")(path_text)
    return path.getFileSystem(context._jsc.hadoopConfiguration()), path
