"""Checkpoint folders: a writer touches those of its own and earlier epochs only."""

from __future__ import annotations

from pathlib import Path

from pyspark.sql import SparkSession

from castro_spark.streaming.checkpoint import Checkpoints, writing_settings


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
    assert list(writing_settings(spark, f"{tmp_path}/1-2")) == ["spark.sql.streaming.checkpointFileManagerClass"]
    assert writing_settings(spark, "hdfs://127.0.0.1:9000/checkpoints/1-2") == {}
