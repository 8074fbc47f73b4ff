"""kill -9 of the archive at its steps and at any moment, without checkpoints, and two writers: each record once."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from castro_spark.local.stack import castro_home
from tests import archive
from tests.archive import folder
from tests.builders import native, random_events
from tests.system import ROOT, System

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
TABLE = "castro_spark.sinks.delta:ArchiveTable"
STEPS = {
    "before its first append": f"{TABLE}.append:1",
    "appended, before it knows": f"{TABLE}.read:3",
    "after an append": f"{TABLE}.append:2:after",
    "in its maintenance, between compaction and vacuum": f"{TABLE}.vacuum:1",
}
Places = list[tuple[int, int]]


def send(system: System, count: int, seed: int | str = 1) -> Places:
    return system.produce(native(e) for e in random_events(random.Random(seed), count))


def assert_each_once(system: System, sent: Places) -> None:
    assert archive.places(folder(system)) == sorted(sent)
    ends = {p: 1 + max((o for q, o in sent if q == p), default=-1) for p in range(3)}
    assert archive.positions(folder(system)) == ends


def wait_until_archived(system: System, sent: Places, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 90
    while not (folder(system) / "_delta_log").exists() or len(archive.places(folder(system))) < len(sent):
        assert time.monotonic() < deadline, system.log(process)
        time.sleep(0.5)


@pytest.mark.parametrize("step", STEPS)
def test_killed_at(archived: System, step: str) -> None:
    archived.configure({"archive": {"max_offsets_per_trigger": 200, "maintenance_minutes": 0}})
    sent = send(archived, 1000)
    archived.env |= {"PYTHONPATH": str(Path(__file__).parent / "killer"), "CASTRO_TEST_KILL": STEPS[step]}
    for _ in range(2):
        assert archived.start("stream", "--available-now").wait(120) == -signal.SIGKILL
        shutil.rmtree(archived.folder / "checkpoints", ignore_errors=True)
    del archived.env["CASTRO_TEST_KILL"]
    archived.drain()
    assert_each_once(archived, sent)


def test_killed_at_any_moment(archived: System) -> None:
    archived.configure({"archive": {"max_offsets_per_trigger": 100, "trigger_seconds": 0.1, "maintenance_minutes": 0.05}})
    seed = random.randrange(10**6)
    print("seed", seed)
    chance = random.Random(seed)
    sent: Places = []
    commits = 0
    for life in range(4):
        stream = archived.start("stream")
        end = time.monotonic() + 40
        while time.monotonic() < end:
            sent += send(archived, 150, f"{seed} {len(sent)}")
            done = len(archive.operations(folder(archived))) if (folder(archived) / "_delta_log").exists() else 0
            if done >= commits + 2:  # it works again: from here on a kill is at any moment of its work
                break
            time.sleep(0.5)
        time.sleep(chance.uniform(0, 3))
        process = psutil.Process(stream.pid)
        victim = process if life % 2 else next(c for c in process.children() if c.name() == "java")
        os.kill(victim.pid, signal.SIGKILL)
        if victim is not process:
            os.kill(process.pid, signal.SIGKILL)
        stream.wait(30)
        shutil.rmtree(archived.folder / "checkpoints", ignore_errors=True)
        commits = len(archive.operations(folder(archived)))
    archived.configure({})
    archived.drain()
    assert_each_once(archived, sent)
    assert commits >= 8


def test_a_second_instance_waits_for_the_first_even_a_stopped_one(archived: System) -> None:
    archived.configure({"archive": {"trigger_seconds": 0.1}})
    first = archived.start("stream")
    sent = send(archived, 100)
    wait_until_archived(archived, sent, first)
    first.send_signal(signal.SIGSTOP)
    second = archived.start("stream")
    sent += send(archived, 100, 2)
    archived.wait_for("SELECT sum(next_offset)::bigint FROM castro.offset_ledger", len(sent))
    deadline = time.monotonic() + 60
    while "is archived by another process: this one waits" not in archived.log(second):
        assert time.monotonic() < deadline, archived.log(second)
        time.sleep(0.5)
    assert len(archive.places(folder(archived))) == 100
    first.send_signal(signal.SIGCONT)
    sent += send(archived, 100, 3)  # the first notices at its next batch that it is fenced, and ends
    assert first.wait(60) == 1
    wait_until_archived(archived, sent, second)
    archived.stop(second)
    assert_each_once(archived, sent)


def test_of_two_that_append_to_the_same_commit_one_is_refused(tmp_path: Path) -> None:
    jars = ",".join(str(jar) for name in ("spark", "delta") for jar in (castro_home() / "jars" / name).glob("*.jar"))
    arguments = [sys.executable, "-m", "tests.recovery.two_writers", str(tmp_path / "table")]
    submit = f"--master local[2] --jars '{jars}' pyspark-shell"
    environ = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1", "PYTHONPATH": str(ROOT), "PYSPARK_SUBMIT_ARGS": submit}
    done = subprocess.run(arguments, check=False, capture_output=True, text=True, timeout=240, cwd=ROOT, env=environ)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "held" in done.stdout
