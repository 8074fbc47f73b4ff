"""Checkpoint folders: a writer touches those of its own and earlier epochs only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from castro_spark.errors import CheckpointLost
from castro_spark.streaming.checkpoint import Checkpoints, OffsetLog, writing_settings
from castro_spark.streaming.query import session_of_query


def test_an_earlier_writer_removes_nothing_of_a_later_one(spark: SparkSession, tmp_path: Path) -> None:
    old, new = (Checkpoints(str(tmp_path), "inventory") for _ in range(2))
    assert new.last(spark) is None
    for name in ("1751234567890123456", "1700-5", "ours.txt"):
        (tmp_path / "inventory" / name).mkdir(parents=True)
    folders = [Path(checkpoints.new(epoch)) for checkpoints, epoch in ((old, 1800), (new, 1900), (old, 1800))]
    for folder in folders:
        folder.mkdir()
    assert new.last(spark) == str(folders[1])  # of the latest writer, whatever was begun last
    old.remove_older(spark, str(folders[2]))  # it wakes in mid-start
    assert sorted(p.name for p in (tmp_path / "inventory").iterdir()) == [
        folders[2].name, folders[1].name, "ours.txt",
    ]  # fmt: skip
    new.remove_older(spark, str(folders[1]))
    assert {p.name for p in (tmp_path / "inventory").iterdir()} == {folders[1].name, "ours.txt"}


def test_spark_writes_local_checkpoints_without_starting_programs(spark: SparkSession, tmp_path: Path) -> None:
    checkpoint = tmp_path / "1-2"
    session = session_of_query(spark, str(checkpoint))
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "1.txt").write_text("a record\n", "utf-8")
    records = session.readStream.text(str(tmp_path / "records"))
    writing = records.writeStream.format("noop").option("checkpointLocation", str(checkpoint))
    assert writing.trigger(availableNow=True).start().awaitTermination(60)
    written = [file for file in checkpoint.rglob("*") if file.is_file()]
    assert checkpoint / "commits" / "0" in written
    # Hadoop's own file system for local files writes checksums besides, and has chmod set the permissions of each.
    assert [file for file in written if file.suffix == ".crc"] == []
    assert {file.stat().st_mode & 0o777 for file in written} == {0o644}
    assert writing_settings(spark, "hdfs://127.0.0.1:9000/checkpoints/1-2") == {}


@pytest.mark.parametrize("hadoop", [False, True])
def test_the_offset_log_tells_where_a_batch_ends(spark: SparkSession, tmp_path: Path, hadoop: bool) -> None:
    (tmp_path / "offsets").mkdir()
    offsets = {"castro.inventory.movements": {"0": 17, "11": 0}}
    (tmp_path / "offsets" / "3").write_text(f"v1\n{{}}\n-\n{json.dumps(offsets)}", "utf-8")
    checkpoint = str(tmp_path)
    if hadoop:  # any file system but that of local files
        context: Any = spark.sparkContext
        mounted = f"fs.viewfs.mounttable.{tmp_path.name}.link./checkpoint"
        context._jsc.hadoopConfiguration().set(mounted, tmp_path.as_uri())
        checkpoint = f"viewfs://{tmp_path.name}/checkpoint"
    log = OffsetLog(spark, checkpoint)
    assert log.of_batch(3, "castro.inventory.movements") == {0: 17, 11: 0}
    assert log.of_batch(3, "castro.sales.orders") is None
    assert log.of_batch(4, "castro.inventory.movements") is None


def test_an_offset_log_that_cannot_be_read_names_the_file(spark: SparkSession, tmp_path: Path) -> None:
    unreadable = tmp_path / "offsets" / "3"
    unreadable.mkdir(parents=True)
    with pytest.raises(CheckpointLost, match=f"{unreadable}, .*cannot be read: Is a directory"):
        OffsetLog(spark, str(tmp_path)).of_batch(3, "castro.inventory.movements")
