"""kill -9 of the archive at its steps and at any moment, without checkpoints, and two writers: each record once."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import psutil
import pytest

from castro_spark.errors import ArchiveFailed
from castro_spark.local import Stack
from castro_spark.parse import ParseRules
from castro_spark.session import spark_session
from castro_spark.sinks.delta import Archived, ArchiveTable
from castro_spark.streams import stream
from tests import archive, engine
from tests.archive import folder
from tests.builders import event, native, random_events
from tests.databases.alerting import wait_until
from tests.system import System

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
INVENTORY = stream("inventory")
NOW = datetime(2026, 1, 31, 12, tzinfo=timezone.utc)
RULES = ParseRules(INVENTORY, "America/Sao_Paulo", NOW, timedelta(days=1), 1 << 20, 0)
TABLE = "castro_spark.sinks.delta:ArchiveTable"
STEPS = {  # where it dies, and how often in a row
    "before its first append": (f"{TABLE}.append:1", 1),
    "appended, before it knows": (f"{TABLE}.read:3", 2),
    "after an append": (f"{TABLE}.append:2:after", 1),
    "in its maintenance, between compaction and vacuum": (f"{TABLE}.vacuum:1", 2),
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


@pytest.fixture(scope="module")
def chain(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[System, Places]]:
    """One system whose processes die at one step after the other, and what was sent to it."""
    system = System(stack, tmp_path_factory.mktemp("archive_killed"))
    system.env["CASTRO_ARCHIVE_DIR"] = str(system.folder / "archive")
    system.configure({"archive": {"max_offsets_per_trigger": 200, "maintenance_minutes": 0}})
    system.migrate()
    yield system, []
    system.end()


@pytest.mark.parametrize(
    "step", [pytest.param(step, marks=[] if step == "after an append" else pytest.mark.long) for step in STEPS]
)
def test_killed_at(chain: tuple[System, Places], step: str) -> None:
    system, sent = chain
    place, times = STEPS[step]
    system.env |= {"PYTHONPATH": str(Path(__file__).parent / "killer"), "CASTRO_TEST_KILL": place}
    for _ in range(times):
        sent += send(system, 600, f"{step} {len(sent)}")
        assert system.start("stream", "--available-now").wait(120) == -signal.SIGKILL
        shutil.rmtree(system.folder / "checkpoints", ignore_errors=True)
    del system.env["CASTRO_TEST_KILL"]
    system.drain()
    assert_each_once(system, sent)


@pytest.mark.long
def test_killed_at_any_moment(archived: System) -> None:
    archived.configure({"archive": {"max_offsets_per_trigger": 100, "trigger_seconds": 0.1, "maintenance_minutes": 0.05}})
    seed = random.randrange(10**6)
    print("seed", seed)
    chance = random.Random(seed)
    sent: Places = []
    commits = []
    for life in range(2):
        stream = archived.start("stream")
        sent += send(archived, 1_500, f"{seed} {life}")  # more batches than it finishes before it is killed
        wanted = archive_commits(archived) + 2
        wait_until(lambda wanted=wanted: archive_commits(archived) >= wanted, 150, lambda stream=stream: archived.log(stream))
        time.sleep(chance.uniform(0, 3))  # it works again: from here on a kill is at any moment of its work
        process = psutil.Process(stream.pid)
        victim = process if life % 2 else next(c for c in process.children() if c.name() == "java")
        os.kill(victim.pid, signal.SIGKILL)
        if victim is not process:
            os.kill(process.pid, signal.SIGKILL)
        stream.wait(30)
        shutil.rmtree(archived.folder / "checkpoints", ignore_errors=True)
        commits.append(archive_commits(archived))
    archived.configure({})
    archived.drain()
    assert_each_once(archived, sent)
    assert commits[-1] >= 4, commits


def archive_commits(system: System) -> int:
    log = folder(system) / "_delta_log"
    return len(archive.operations(folder(system))) if log.exists() else 0


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
    """The second writer must be refused, whatever it was stopped at before."""
    name = str(tmp_path / "table")
    with engine.default_session():
        spark = spark_session("test", delta=True)
    first, second = (ArchiveTable(spark, INVENTORY, name) for _ in range(2))
    begun = append(first, Archived("t", "id", 0), 2, "first")
    assert (first.read(), second.read()) == (begun, begun)
    append(first, begun, 5, "first")
    for end in (5, 4, 9):  # cut as the first one's batch, shorter, longer
        with pytest.raises(ArchiveFailed, match="written by another process"):
            append(second, begun, end, "second")
    held = second.read()
    assert held is not None
    append(second, held, 7, "second")
    offsets = sorted(r.offset for r in second.session.read.format("delta").load(name).collect())
    assert offsets == list(range(7))


def append(table: ArchiveTable, held: Archived, end: int, writer: str) -> Archived:
    offsets = range(held.positions.get(0, 0), end)
    types = "partition int, offset bigint, timestamp timestamp, key binary, value binary, headers array<struct<key: string, value: binary>>"
    rows = [(0, offset, NOW, None, native(event()), None) for offset in offsets]
    records = table.session.createDataFrame(rows, types)
    return table.append(records, 1, RULES, replace(held, positions={0: end}, writer=writer))
