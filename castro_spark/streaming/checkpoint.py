"""Spark's checkpoint folders of a stream, and the offsets that their logs tell.

A folder's `offsets/N` is written before batch N runs and `commits/N` after it. Read through Hadoop's file
system, so that HDFS and local folders are alike.
"""

from __future__ import annotations

import json
import time
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from castro_spark.errors import CastroError


class Checkpoints:
    """The checkpoint folders of one stream, `root`/<stream>/<begun>; the greatest name is the last one."""

    def __init__(self, root: str, stream: str) -> None:
        self._folder = f"{root.rstrip('/')}/{stream}"

    def new(self) -> str:
        """The name of a folder that is not there yet."""
        return f"{self._folder}/{time.time_ns()}"

    def last(self, spark: SparkSession) -> str | None:
        """The newest folder, or None."""
        begun = [name for name in _names(spark, self._folder) if name.isdigit()]
        return f"{self._folder}/{max(begun, key=int)}" if begun else None

    def remove_others(self, spark: SparkSession, keep: str) -> None:
        """Removes the folders that were left aside."""
        for name in _names(spark, self._folder):
            folder = f"{self._folder}/{name}"
            if name.isdigit() and folder != keep:
                system, path = _path(spark, folder)
                system.delete(path, True)

    def reached(self, spark: SparkSession, checkpoint: str, topic: str) -> dict[int, int] | None:
        """The offsets up to which the checkpoint's batches are committed; None where it cannot tell."""
        done = [int(n) for n in _names(spark, f"{checkpoint}/commits") if n.isdigit()]
        return offsets_of_batch(spark, checkpoint, max(done), topic) if done else None


def offsets_of_batch(spark: SparkSession, checkpoint: str, batch_id: int, topic: str) -> dict[int, int] | None:
    """Where batch `batch_id` ends, by partition: its part of the offset log; None where that is not there.

    These are the source's own ends, which also cover what holds no data (the marks of transactions).
    """
    system, path = _path(spark, f"{checkpoint}/offsets/{batch_id}")
    if not system.exists(path):
        return None
    jvm: Any = spark.sparkContext._jvm
    stream = system.open(path)
    try:
        text = jvm.org.apache.commons.io.IOUtils.toString(stream, "UTF-8")
    finally:
        stream.close()
    # The log's lines are its version, its metadata, then the offsets of each source as JSON.
    for line in text.splitlines()[2:]:
        try:
            offsets = json.loads(line)
        except ValueError:
            continue
        if isinstance(offsets, dict) and topic in offsets:
            return {int(p): o for p, o in offsets[topic].items()}
    return None


def check_writable(spark: SparkSession, root: str, key: str) -> None:
    """Raises CastroError unless a folder can be made under `root`, which is what the setting `key` says."""
    try:
        system, path = _path(spark, f"{root.rstrip('/')}/.writable")
        system.mkdirs(path)
        system.delete(path, True)
    except Py4JJavaError as error:
        words = str(error.java_exception.getMessage())
        raise CastroError(f"cannot write to {root}: {words}", f"mend {key} or its permissions") from None


def _names(spark: SparkSession, folder: str) -> list[str]:
    system, path = _path(spark, folder)
    if not system.exists(path):
        return []
    return [status.getPath().getName() for status in system.listStatus(path)]


def _path(spark: SparkSession, folder: str) -> tuple[Any, Any]:
    jvm: Any = spark.sparkContext._jvm
    path = jvm.org.apache.hadoop.fs.Path(folder)
    configuration = spark.sparkContext._jsc.hadoopConfiguration()
    return path.getFileSystem(configuration), path
