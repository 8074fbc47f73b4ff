"""A stream's Spark checkpoint folders, and the offsets in their logs.

Each run of a query has its own folder, named after the writer's epoch. A writer touches only folders of its own and
earlier epochs. So a frozen writer that wakes up after it was fenced cannot damage its successor's checkpoint, and the
successor never reads a folder that the fenced writer may still be writing.

Spark writes a folder's `offsets/N` before batch N runs and `commits/N` after it. Access is through Hadoop's FileSystem,
so HDFS and local folders work alike; what is read or written for each micro-batch has a shorter way to local folders.
"""

from __future__ import annotations

import json
import re
import secrets
import time
from pathlib import Path
from typing import Any

from py4j.protocol import Py4JJavaError
from pyspark.sql import SparkSession

from castro_spark.errors import CastroError, CheckpointLost, KerberosRefused, KerberosUnavailable
from castro_spark.errors.kerberos import kerberos_trouble
from castro_spark.jvm.java import java_class
from castro_spark.sources.folders import local_folder, located, remove

_LOCAL_FILES = "com.globalmentor.apache.hadoop.fs.NakedLocalFileSystem"
_FOLDER = re.compile(r"(?:(\d+)-)?(\d+)")  # epoch and creation time; earlier versions wrote the creation time only


class Checkpoints:
    """The checkpoint folders of one stream, `root`/<stream>/<epoch>-<creation time in ns>."""

    def __init__(self, root: str, stream: str) -> None:
        self._folder = f"{root.rstrip('/')}/{stream}"

    def new(self, epoch: int) -> str:
        """The path of a folder that does not exist yet."""
        return f"{self._folder}/{epoch}-{time.time_ns()}"

    def last(self, spark: SparkSession) -> str | None:
        """The newest folder, or None."""
        folders = self._folders(spark)
        return f"{self._folder}/{folders[max(folders)]}" if folders else None

    def remove_older(self, spark: SparkSession, than: str) -> None:
        """Removes the folders that are older than `than`; never one of a later writer."""
        limit = _age(than.rpartition("/")[2])
        assert limit is not None
        for age, name in self._folders(spark).items():
            if age < limit:
                remove(spark, f"{self._folder}/{name}")

    def reached(self, spark: SparkSession, checkpoint: str, topic: str) -> dict[int, int] | None:
        """The offsets up to which the checkpoint's batches are committed; None if its log does not have them."""
        done = [int(n) for n in _names(spark, f"{checkpoint}/commits") if n.isdigit()]
        return OffsetLog(spark, checkpoint).of_batch(max(done), topic) if done else None

    def _folders(self, spark: SparkSession) -> dict[tuple[int, int], str]:
        ages = ((_age(name), name) for name in _names(spark, self._folder))
        return {age: name for age, name in ages if age is not None}


class OffsetLog:
    """The offset log of one checkpoint: where each of its batches ends."""

    def __init__(self, spark: SparkSession, checkpoint: str) -> None:
        self._spark = spark
        self._folder = f"{checkpoint}/offsets"
        # A local file is read without the JVM: each micro-batch asks, and each call of the JVM is a round trip.
        self._local = local_folder(spark, self._folder)

    def of_batch(self, batch_id: int, topic: str) -> dict[int, int] | None:
        """End offsets of batch `batch_id`, by partition; None if the log has no such batch. Raises CheckpointLost if a
        local log cannot be read.

        These are the source's own end offsets: they also cover offsets without data (transaction markers).
        """
        # The log's lines: its version, its metadata, then each source's offsets as JSON.
        for line in (self._text(str(batch_id)) or "").splitlines()[2:]:
            try:
                offsets = json.loads(line)
            except ValueError:
                continue
            if isinstance(offsets, dict) and topic in offsets:
                return {int(p): o for p, o in offsets[topic].items()}
        return None

    def _text(self, name: str) -> str | None:
        if self._local is not None:
            return _local_text(self._local / name)
        system, path = located(self._spark, f"{self._folder}/{name}")
        if not system.exists(path):
            return None
        jvm: Any = self._spark.sparkContext._jvm
        stream = system.open(path)
        try:
            return str(java_class(jvm, "org.apache.commons.io.IOUtils").toString(stream, "UTF-8"))
        finally:
            stream.close()


def _local_text(file: Path) -> str | None:
    try:
        return file.read_text("utf-8")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise CheckpointLost(
            f"{file}, which Spark has just written, cannot be read: {error.strerror}",
            "check the disk and the folder's permissions; the stream restarts at the ledger's offsets meanwhile",
        ) from None


def writing_settings(spark: SparkSession, checkpoint: str) -> dict[str, str]:
    """Settings of a session whose query writes this checkpoint: without starting programs, where it is a local folder.

    Spark's own choice starts chmod and stat for each file and its checksum: four programs a micro-batch and more, each
    some milliseconds of a core. This file system sets the permissions by Java's own calls, and writes no checksums.
    It is not cached, so the rest of the application keeps Hadoop's.
    """
    if local_folder(spark, checkpoint) is None:
        return {}
    manager = "org.apache.spark.sql.execution.streaming.checkpointing.FileSystemBasedCheckpointFileManager"
    settings = {"spark.sql.streaming.checkpointFileManagerClass": manager}
    context: Any = spark.sparkContext
    if context._jsc.hadoopConfiguration().getClassByNameOrNull(_LOCAL_FILES) is None:  # a class path of someone's own
        return settings
    return settings | {"fs.file.impl": _LOCAL_FILES, "fs.file.impl.disable.cache": "true"}


def check_writable(spark: SparkSession, root: str, key: str) -> None:
    """Raises CastroError unless a folder can be created under `root`, the value of the setting `key`."""
    try:
        system, path = located(spark, f"{root.rstrip('/')}/.writable-{secrets.token_hex(8)}")  # unique per stream
        system.mkdirs(path)
        system.delete(path, True)
    except Py4JJavaError as error:
        error_text = str(error.java_exception.getMessage())
        if trouble := kerberos_trouble(str(error)):
            told = KerberosUnavailable if trouble.passes else KerberosRefused
            raise told(f"cannot write to {root} ({key}): {trouble.problem} ({error_text})", trouble.remedy) from None
        raise CastroError(f"cannot write to {root}: {error_text}", f"correct {key} or its permissions") from None


def _age(name: str) -> tuple[int, int] | None:
    """A folder's epoch and creation time, which order the folders; None if it is not a checkpoint folder."""
    match = _FOLDER.fullmatch(name)
    return (int(match[1] or 0), int(match[2])) if match else None


def _names(spark: SparkSession, folder: str) -> list[str]:
    system, path = located(spark, folder)
    if not system.exists(path):
        return []
    return [status.getPath().getName() for status in system.listStatus(path)]
