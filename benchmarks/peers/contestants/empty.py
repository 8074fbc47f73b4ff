"""The engine alone: Spark's micro-batches of a live load, and nothing done with them. Our cost stands beside theirs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import partial
from pathlib import Path

import pyspark

from benchmarks.peers.consumers.empty_batch import batches_file
from benchmarks.peers.contestant import Contestant, Job
from benchmarks.peers.ground import PARTITIONS, Ground
from benchmarks.peers.loads import Kind
from benchmarks.peers.pace import number_at
from castro_spark.resources import castro_home
from tests.system import ROOT


def _prepare(_: Ground) -> None:
    """It has no tables."""


def _start(reads: bool, ground: Ground) -> subprocess.Popen[bytes]:
    told = {
        "conf": str(ground.system.conf), "folder": str(ground.folder), "topics": ground.system.topics,
        "partitions": PARTITIONS, "reads": reads,
    }  # fmt: skip
    jars = ",".join(str(jar) for jar in (castro_home() / "jars" / "spark").glob("*.jar"))
    submit = (
        f"--master local[16] --properties-file {ROOT}/conf/spark-local.conf --jars {jars}"
        " --conf 'spark.driver.defaultJavaOptions=-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m'"
        " pyspark-shell"
    )
    environment = {
        **ground.environment, "PYSPARK_SUBMIT_ARGS": submit, "SPARK_HOME": str(Path(pyspark.__file__).parent),
        "SPARK_CONF_DIR": f"{ROOT}/conf", "SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable,
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
    }  # fmt: skip
    command = [sys.executable, "-m", "benchmarks.peers.consumers.empty_batch", str(ground.settings_file(told))]
    return ground.popen(command, environment)


def _taken(ground: Ground) -> list[tuple[int, float]]:
    """Inventory's event numbers, which the pacer deals out to the partitions, and when the batch of each ended."""
    done: dict[int, int] = dict.fromkeys(range(PARTITIONS), 0)
    found: list[tuple[int, float]] = []
    for line in _lines(ground, "inventory"):
        at, ends = json.loads(line)
        for partition, end in ((int(p), int(e)) for p, e in ends.items()):
            found += [(number_at(partition, offset, PARTITIONS), at) for offset in range(done[partition], end)]
            done[partition] = end
    return found


def _batches(ground: Ground) -> int:
    return sum(len(_lines(ground, stream)) for stream in ground.system.topics)


def _lines(ground: Ground, stream: str) -> list[str]:
    """Whole lines only: the last one may be being written."""
    file = batches_file(ground.folder, stream)
    return [line for line in file.read_text().splitlines(True) if line.endswith("\n")] if file.exists() else []


def _ready(ground: Ground) -> bool:
    return ground.said(b"consuming")


CONTESTANTS = tuple(
    Contestant(
        name, title, Job.NONE, _prepare, partial(_start, reads), _ready, kinds=(Kind.LIVE, Kind.IDLE), commits=_taken,
        batches=_batches, not_promised="it writes nothing",
    )
    for name, title, reads in (
        ("empty", "Spark, an empty foreachBatch", False),
        ("empty-reading", "Spark, a foreachBatch that only reads", True),
    )
)  # fmt: skip
