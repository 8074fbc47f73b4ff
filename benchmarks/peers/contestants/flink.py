"""Flink SQL with its JDBC sink, in one JVM: events, and the sums by product and day, exact under corrections.

Flink has no sink for Redis among its connectors. The sums are kept in its state (on the heap) and upserted.
"""

from __future__ import annotations

import subprocess
from functools import partial
from pathlib import Path

from benchmarks.peers.artefacts import FLINK_JOB, flink_jars, java
from benchmarks.peers.contestant import Contestant, Job
from benchmarks.peers.ground import Ground
from castro_spark.local.process import write_private

_ROOM = Path(__file__).parent.parent
_JVM = [
    "-Xmx2g",
    "-Duser.timezone=America/Sao_Paulo",  # the sink binds local times
    "--add-opens=java.base/java.util=ALL-UNNAMED", "--add-opens=java.base/java.lang=ALL-UNNAMED",
    "--add-opens=java.base/java.time=ALL-UNNAMED", "--add-opens=java.base/java.net=ALL-UNNAMED",
]  # fmt: skip
_CHECKPOINT_MILLISECONDS = {True: "5000", False: "1000"}  # of a backlog, and live


def _prepare(sums: bool, ground: Ground) -> None:
    ground.run_sql("tables_events.sql", *(["tables_sums.sql"] if sums else []))
    flink_jars()  # fetched before anything is measured


def _start(sums: bool, ground: Ground) -> subprocess.Popen[bytes]:
    to = ground.dsn()
    flush = "1 s" if ground.available_now else "50 ms"
    jdbc = (
        f"'connector' = 'jdbc', 'url' = 'jdbc:postgresql://{to['host']}:{to['port']}/{to['dbname']}"
        f"?reWriteBatchedInserts=true', 'username' = '{to['user']}', 'password' = '{to['password']}',"
        f" 'sink.buffer-flush.max-rows' = '5000', 'sink.buffer-flush.interval' = '{flush}'"
    )
    named = {
        "@topic@": ground.topic, "@bootstrap@": ground.bootstrap, "@jdbc@": jdbc,
        "@bounded@": "'scan.bounded.mode' = 'latest-offset'," if ground.available_now else "",
    }  # fmt: skip
    parts = ("tables", "sums") if sums else ("tables",)
    text = "".join((_ROOM / "sql" / f"flink_{part}.sql").read_text() for part in parts)
    for name, value in named.items():
        text = text.replace(name, value)
    file = ground.folder / "flink.sql"
    write_private(file, text)
    interval = _CHECKPOINT_MILLISECONDS[ground.available_now]
    checkpoints = str(ground.folder / "checkpoints")
    return ground.popen([java(), *_JVM, "-cp", flink_jars(), FLINK_JOB.stem, str(file), checkpoints, interval])


def _ready(ground: Ground) -> bool:
    return ground.said(b"consuming")


_NOT_PROMISED = "at least once, made good by the upsert; unusable records are dropped without a word"
CONTESTANTS = (
    Contestant(
        "flink-events", "Flink SQL, JDBC sink", Job.EVENTS, partial(_prepare, False), partial(_start, False), _ready,
        not_promised=_NOT_PROMISED,
    ),
    Contestant(
        "flink", "Flink SQL, JDBC sink", Job.WHOLE, partial(_prepare, True), partial(_start, True), _ready,
        without="Redis", not_promised=f"{_NOT_PROMISED}; the sums are those of its own state",
    ),
)  # fmt: skip
