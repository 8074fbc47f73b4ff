"""castro_spark, by the door that its users take: ./spark-submit.sh stream. It always does the whole job."""

from __future__ import annotations

import subprocess

from benchmarks.peers.contestant import Contestant, Job
from benchmarks.peers.ground import Ground

_EPOCH = "SELECT coalesce(max(epoch), 0) FROM castro.stream WHERE stream = 'inventory'"  # each claim has a greater one


def _start(ground: Ground) -> subprocess.Popen[bytes]:
    ground.epoch = ground.system.query(_EPOCH)[0][0]
    options = ["--available-now"] if ground.available_now else []
    if not ground.available_now:
        ground.environment["CASTRO_ARCHIVE_DIR"] = str(ground.folder / "archive")
    for stream in ground.system.topics:
        options += ["--stream", stream]
    door = str(ground.system.root / "spark-submit.sh")
    return ground.popen([door, "stream", "--json", *options, "--conf-file", str(ground.system.conf)])


def _ready(ground: Ground) -> bool:
    return bool(ground.system.query(_EPOCH)[0][0] > ground.epoch)


CONTESTANTS = (
    Contestant(
        "ours", "castro_spark, whole job", Job.WHOLE, Ground.migrate, _start, _ready, hashes=True,
        marker="castro:published:inventory",
    ),
)  # fmt: skip
