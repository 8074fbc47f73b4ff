"""The parts of the job, each alone, in a process that holds the topic's records in memory."""

from __future__ import annotations

import subprocess
import sys

from benchmarks.peers.contestant import Contestant, Job
from benchmarks.peers.ground import Ground
from benchmarks.peers.kinds.limits import FOUND
from benchmarks.peers.loads import Kind


def _start(ground: Ground) -> subprocess.Popen[bytes]:
    servers = ground.stack
    told = {
        "conf": str(ground.system.conf), "found": str(ground.folder / FOUND),
        "servers": {"PostgreSQL": servers.postgres.process.pid(), "Redis": servers.redis.process.pid()},
        "consumer": {
            "bootstrap": ground.bootstrap, "topic": ground.topic, "dsn": ground.dsn(), "available_now": True,
        },
    }  # fmt: skip
    return ground.popen([sys.executable, "-m", "benchmarks.peers.consumers.limits", str(ground.settings_file(told))])


def _ready(ground: Ground) -> bool:
    return ground.said(b"consuming")


CONTESTANTS = (
    Contestant(
        "limits", "the parts of castro_spark's job, each alone", Job.NONE, Ground.migrate, _start, _ready,
        kinds=(Kind.DRAIN,), parts=True, not_promised="nothing: it compares",
    ),
)  # fmt: skip
