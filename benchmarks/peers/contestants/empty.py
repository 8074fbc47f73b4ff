"""The engine alone: Spark reads every record of a live load and drops it. Our latency stands beside it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pyspark

from benchmarks.peers.contestant import Contestant, Job
from benchmarks.peers.ground import PARTITIONS, Ground
from castro_spark.resources import castro_home
from tests.system import ROOT


def _prepare(_: Ground) -> None:
    """It has no tables."""


def _start(ground: Ground) -> subprocess.Popen[bytes]:
    told = {
        "conf": str(ground.system.conf), "folder": str(ground.folder), "topics": ground.system.topics,
        "partitions": PARTITIONS,
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


def _read(ground: Ground) -> list[tuple[int, float]]:
    """Inventory's event numbers, which the pacer deals out to the partitions, and when the batch of each was read."""
    file = ground.folder / "batches"
    done: dict[int, int] = dict.fromkeys(range(PARTITIONS), 0)
    found: list[tuple[int, float]] = []
    for line in file.read_text().splitlines() if file.exists() else []:
        at, ends = json.loads(line)
        for partition, end in ((int(p), int(e)) for p, e in ends.items()):
            found += [(offset * PARTITIONS + partition, at) for offset in range(done[partition], end)]
            done[partition] = end
    return found


def _ready(ground: Ground) -> bool:
    return ground.said(b"consuming")


CONTESTANTS = (
    Contestant(
        "empty", "an empty foreachBatch of Spark, for comparison", Job.NONE, _prepare, _start, _ready, drains=False,
        resumes=False, commits=_read, without="all of it", not_promised="it writes nothing",
    ),
)  # fmt: skip
