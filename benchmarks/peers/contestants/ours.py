"""castro_spark, by the door that its users take: ./spark-submit.sh stream. It always does the whole job."""

from __future__ import annotations

import subprocess
from functools import partial

from benchmarks.peers.contestant import Contestant, Job
from benchmarks.peers.ground import Ground
from benchmarks.peers.loads import Kind

_EPOCH = "SELECT coalesce(max(epoch), 0) FROM castro.stream WHERE stream = 'inventory'"  # each claim has a greater one


def _start(archive: bool, ground: Ground) -> subprocess.Popen[bytes]:
    ground.epoch = ground.system.query(_EPOCH)[0][0]
    options = ["--available-now"] if ground.available_now else []
    if archive and not ground.available_now:
        ground.environment["CASTRO_ARCHIVE_DIR"] = str(ground.folder / "archive")
    for stream in ground.system.topics:
        options += ["--stream", stream]
    door = str(ground.system.root / "spark-submit.sh")
    return ground.popen([door, "stream", "--json", *options, "--conf-file", str(ground.system.conf)])


def _ready(ground: Ground) -> bool:
    return bool(ground.system.query(_EPOCH)[0][0] > ground.epoch)


def _commits(ground: Ground) -> int:
    return int(ground.system.query("SELECT coalesce(sum(revision), 0) FROM castro.stream")[0][0])


_MARKER = "castro:published:inventory"
CONTESTANTS = (
    Contestant(
        "ours", "castro_spark, whole job", Job.WHOLE, Ground.migrate, partial(_start, True), _ready, kinds=tuple(Kind),
        hashes=True, marker=_MARKER, batches=_commits,
    ),
    Contestant(
        "ours-no-archive", "castro_spark, whole job, no archive", Job.WHOLE, Ground.migrate, partial(_start, False),
        _ready, kinds=(Kind.LIVE, Kind.IDLE), hashes=True, marker=_MARKER, batches=_commits,
        not_promised="no archive of the records",
    ),
)  # fmt: skip
