"""What the place of a stream's checkpoint costs: HDFS, a local disk, or memory (tmpfs); client mode, a small Hadoop.

Runs alternate between the places, so that each ratio compares what was measured in one go. Figures of a batch are
Spark's own, from its event log; that of an event is from when it was sent until its row's transaction began to commit.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime, timezone
from pathlib import Path

from castro_spark.local import Stack
from tests.builders import event, native
from tests.cluster.conftest import SUBMIT, package
from tests.cluster.hadoop import Hadoop
from tests.system import System

_CONSUMED = "SELECT coalesce(sum(next_offset), 0)::int FROM castro.offset_ledger"
_LATENCY = """
    SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY 1000 * extract(epoch FROM created_at - "timestamp"))::float
    FROM ml_inventory_realtime WHERE event_id LIKE 'E%'"""
_PARTS = ("triggerExecution", "walCommit", "commitOffsets", "addBatch")
_WARM_UP_BATCHES = 20
_STEP_SECONDS = 0.05
_MEMORY = "/dev/shm"
_STARTED_SECONDS, _ENDED_SECONDS = 600, 300  # on a busy machine; what is measured lies between


def measure(
    stack: Stack, hadoop: Hadoop, folder: Path, checkpoints: str, rate: int, seconds: float
) -> dict[str, float]:
    """One run of a stream in client mode with its checkpoint below that URI: medians in milliseconds."""
    folder.mkdir()
    system = System(stack, folder)
    system.migrate()
    events = folder / "events"
    events.mkdir()
    for name in ("SPARK_SUBMIT_OPTS", "CASTRO_CLASS_PATH_FOLDER", "CASTRO_MASTER"):
        system.env.pop(name, None)
    logged = {"enabled": "true", "compress": "false", "dir": events.as_uri()}
    options = [word for key, value in logged.items() for word in ("--conf", f"spark.eventLog.{key}={value}")]
    system.env |= {
        "HADOOP_CONF_DIR": str(hadoop.folder / "conf"), "SPARK_LOCAL_IP": "127.0.0.1",
        "CASTRO_SPARK_SUBMIT_ARGS": f"{SUBMIT} {shlex.join(options)}",
        "CASTRO_CHECKPOINT_DIR": f"{checkpoints}/{system.database}",
    }  # fmt: skip
    process = system.start("stream", "--env", "cluster")
    warm = [native(event(id_evento=f"W{n}")) for n in range(500)]
    system.produce(warm)
    system.wait_for(_CONSUMED, len(warm), _STARTED_SECONDS)
    sent, begun = 0, time.monotonic()
    while (elapsed := time.monotonic() - begun) < seconds:
        due = int(elapsed * rate) - sent
        now = datetime.now(timezone.utc).isoformat()
        system.produce([native(event(id_evento=f"E{sent + n}", data_movimentacao=now)) for n in range(due)])
        sent += due
        time.sleep(_STEP_SECONDS)
    system.wait_for(_CONSUMED, len(warm) + sent, _ENDED_SECONDS)
    process.terminate()
    assert process.wait(_ENDED_SECONDS) == 0, system.log(process)
    found: dict[str, list[float]] = defaultdict(list)
    for durations in list(_batches(events))[_WARM_UP_BATCHES:]:
        for part in _PARTS:
            found[part].append(durations[part])
    [(latency,)] = system.query(_LATENCY)
    system.end()
    return {"batches": len(found["addBatch"]), "event": latency, **{p: statistics.median(found[p]) for p in _PARTS}}


def _batches(events: Path) -> Iterator[dict[str, float]]:
    """The milliseconds of each batch, by part; idle triggers are none."""
    for file in sorted(path for path in events.rglob("*") if path.is_file()):
        for line in file.read_text(encoding="utf-8").splitlines():
            if "QueryProgressEvent" in line:
                progress = json.loads(line)["progress"]
                progress = json.loads(progress) if isinstance(progress, str) else progress
                if "addBatch" in progress["durationMs"]:  # not by rows: Spark counts none that the driver itself reads
                    yield progress["durationMs"]


def main() -> None:
    """Prints each run, and the ratios of the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--rate", type=int, default=200, help="events a second")
    parser.add_argument("--seconds", type=float, default=30)
    asked = parser.parse_args()
    runs: dict[str, list[dict[str, float]]] = defaultdict(list)
    with (
        tempfile.TemporaryDirectory() as name,
        tempfile.TemporaryDirectory(dir=_MEMORY) as memory,
        Stack(Path(name) / "stack", die_with_parent=True) as stack,
    ):
        hadoop = Hadoop()
        try:
            env = {"HADOOP_CONF_DIR": str(hadoop.folder / "conf"), "SPARK_LOCAL_IP": "127.0.0.1"}
            package(f"{hadoop.uri}/castro/stage", os.environ | env)
            places = {"hdfs": f"{hadoop.uri}/castro", "disk": Path(name).as_uri(), "memory": Path(memory).as_uri()}
            for number in range(asked.rounds):
                for place in list(places)[:: 1 if number % 2 == 0 else -1]:
                    folder = Path(name) / f"{place}-{number}"
                    run = measure(stack, hadoop, folder, places[place], asked.rate, asked.seconds)
                    runs[place].append(run)
                    print(place, json.dumps(run), flush=True)
        finally:
            hadoop.stop()
    for part in (*_PARTS, "event"):
        medians = {place: statistics.median(run[part] for run in runs[place]) for place in places}
        told = ", ".join(f"{place} {median:.0f} ms" for place, median in medians.items())
        print(f"{part}: {told}; hdfs / disk {medians['hdfs'] / max(medians['disk'], 0.5):.2f}")


if __name__ == "__main__":
    main()
