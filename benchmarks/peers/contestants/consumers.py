"""The consumers of this room: a good plain one, for both jobs, and the row-by-row one of the source design."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from pathlib import Path

from benchmarks.peers.contestant import Contestant, Job
from benchmarks.peers.ground import Ground
from benchmarks.peers.loads import Kind


def _prepare(tables: tuple[str, ...], ground: Ground) -> None:
    ground.run_sql("tables_events.sql", "tables_consumer.sql", *tables)


def _start(module: str, hashes: bool, ground: Ground) -> subprocess.Popen[bytes]:
    environment = ground.environment
    redis = {
        "redis_url": environment["CASTRO_REDIS_URL"],
        "redis_password": Path(environment["CASTRO_REDIS_PASSWORD_FILE"]).read_text().strip(),
    }
    settings = ground.settings_file(
        {
            "bootstrap": ground.bootstrap, "topic": ground.topic, "dsn": ground.dsn(),
            "available_now": ground.available_now, **(redis if hashes else {}),
        }
    )  # fmt: skip
    return ground.popen([sys.executable, "-m", f"benchmarks.peers.consumers.{module}", str(settings)])


def _ready(ground: Ground) -> bool:
    return ground.said(b"consuming")


_PLAIN = (
    "one process at a time is taken on trust; Redis is not made good after a crash or a flush; no deletes, Debezium"
    " records, replay of rejects, books"
)
CONTESTANTS = (
    Contestant(
        "plain-events", "plain batched Python consumer", Job.EVENTS, partial(_prepare, ()),
        partial(_start, "plain", False), _ready, not_promised=_PLAIN,
    ),
    Contestant(
        "plain", "plain batched Python consumer", Job.WHOLE, partial(_prepare, ("tables_sums.sql",)),
        partial(_start, "plain", True), _ready, hashes=True, not_promised=_PLAIN,
    ),
    Contestant(
        "row-by-row", "row-by-row consumer of the source design", Job.EVENTS, partial(_prepare, ()),
        partial(_start, "row_by_row", False), _ready, most=20_000,
        kinds=(Kind.DRAIN, Kind.LIVE),
        not_promised="unusable records are dropped; a crash between row and offset repeats records",
    ),
)  # fmt: skip
