"""A real beat and a real worker run real jobs by the one door, in hours of a minute."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from castro_spark.local import Stack
from tests.databases.alerting import wait_until
from tests.databases.small_warehouse import TRANSACTIONS, with_small_warehouse
from tests.integration.schedulers.application import ROOT, BeatApp
from tests.system import System

pytestmark = pytest.mark.long
_EACH_MINUTE = {"cron": "* * * * *", "begin_within_minutes": 1}
_TASKS = {
    "extract_hadoop_data": _EACH_MINUTE, "monitor_data_quality": _EACH_MINUTE,
    "full_hadoop_sync": {"cron": None},
    # Until the embedded Hive, which serves one job at a time, is free.
    "sync_hadoop_batch": {"cron": None, "retries": 30, "retry_minutes": 0.1},
}  # fmt: skip


@pytest.fixture
def made(stack: Stack, tmp_path: Path) -> Iterator[System]:
    """A system of all streams with a small warehouse of its own."""
    system = System(stack, tmp_path, ("inventory", "procurement", "sales"))
    system.migrate()
    yield with_small_warehouse(system)
    system.end()


def test_beat_has_extract_and_quality_run_and_a_task_by_name_reconciles(made: System, tmp_path: Path) -> None:
    folder = tmp_path / "celery"
    folder.mkdir()
    streams = yaml.safe_load(made.conf.read_text())["streams"]
    app = BeatApp(folder, made.env, {"streams": streams, "beat": {"tasks": _TASKS}}, made.env["CASTRO_REDIS_URL"])
    app.env["CASTRO_DOOR"] = str(ROOT / "spark-submit.sh")
    try:
        worker = app.worker()
        beat = app.start("beat", "--schedule", str(folder / "schedule"))
        made.wait_for("SELECT count(*) FROM castro.instance WHERE kind = 'extract' AND state = 'done'", 1, 400)
        made.wait_for("SELECT count(*) > 0 FROM castro.quality_result", True, 400)
        beat.send_signal(signal.SIGTERM)
        beat.wait(60)
        assert made.query("SELECT count(*) FROM ml_inventory_transactions") == [(TRANSACTIONS,)]
        done = app.send("sync_hadoop_batch", date="2026-01-31").get(timeout=400)
        assert (done["ran"], done["status"]) == (True, 0), app.log()
        assert "2026-01-31" in done["words"].splitlines()[-1]
        worker.send_signal(signal.SIGTERM)  # it lets what runs end
        wait_until(lambda: worker.poll() == 0, 300, app.log)
        assert made.query("SELECT count(*) FROM castro.instance WHERE kind = 'reconcile' AND state = 'done'") == [(1,)]
    finally:
        app.end()
