"""Spark's checkpoint folders of a stream, and the offsets that their logs tell.

Each run of a query has a folder of its own, named by the writer's epoch. A writer touches folders of its own and
earlier epochs only. So one that was frozen and wakes after it was fenced disturbs nothing of its successor's, and
its successor goes on with nothing that the other may still be writing.

A folder's `offsets/N` is written before batch N runs and `commits/N` after it. Read through Hadoop's file
system, so that HDFS and local folders are alike.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from castro_spark.errors import CastroError

_FOLDER = re.compile(r"(?:(\d+)-)?(\d+)")  # epoch and when it was begun; of earlier versions the latter alone


class Checkpoints:
    """The checkpoint folders of one stream, `root`/<stream>/<epoch>-<begun>."""

    def __init__(self, root: str, stream: str) -> None:
        self._folder = f"{root.rstrip('/')}/{stream}"

    def new(self, epoch: int) -> str:
        """The name of a folder that is not there yet."""
        return f"{self._folder}/{epoch}-{time.time_ns()}"

    def last(self, spark: SparkSession) -> str | None:
        """The newest folder, or None."""
        begun = self._begun(spark)
        return f"{self._folder}/{begun[max(begun)]}" if begun else None

    def remove_older(self, spark: SparkSession, than: str) -> None:
        """Removes the folders that were begun before `than`; never one of a later writer."""
        limit = _place(than.rpartition("/")[2])
        assert limit is not None
        for place, name in self._begun(spark).items():
            if place < limit:
                system, path = _path(spark, f"{self._folder}/{name}")
                system.delete(path, True)

    def reached(self, spark: SparkSession, checkpoint: str, topic: str) -> dict[int, int] | None:
        """The offsets up to which the checkpoint's batches are committed; None where it cannot tell."""
        done = [int(n) for n in _names(spark, f"{checkpoint}/commits") if n.isdigit()]
        return offsets_of_batch(spark, checkpoint, max(done), topic) if done else None

    def _begun(self, spark: SparkSession) -> dict[tuple[int, int], str]:
        places = ((_place(name), name) for name in _names(spark, self._folder))
        return {place: name for place, name in places if place is not None}


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
        system, path = _path(spark, f"{root.rstrip('/')}/.writable-{secrets.token_hex(8)}")  # streams ask side by side
        system.mkdirs(path)
        system.delete(path, True)
    except Py4JJavaError as error:
        words = str(error.java_exception.getMessage())
        raise CastroError(f"cannot write to {root}: {words}", f"mend {key} or its permissions") from None


def _place(name: str) -> tuple[int, int] | None:
    """A folder's epoch and when it was begun; None where it is none of ours."""
    match = _FOLDER.fullmatch(name)
    return (int(match[1] or 0), int(match[2])) if match else None


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
