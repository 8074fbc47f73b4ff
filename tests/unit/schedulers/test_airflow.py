"""What Airflow is to run, without Airflow: words, verdicts on streams, and the end of a job whose worker was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import psutil
import pytest

from castro_spark.observe.instance import trouble
from castro_spark.sinks.postgres.operations.instances import SILENT_SECONDS
from castro_spark.streams import all_streams

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "conf" / "airflow"
sys.path.insert(0, str(FOLDER))
import castro_schedule as schedule  # noqa: E402

NOW = datetime(2026, 3, 1, 12, tzinfo=timezone.utc)


def test_the_streams_are_all_there() -> None:
    assert tuple(sorted(all_streams())) == schedule.STREAMS


def test_words_reach_the_job_as_they_are_and_empty_ones_not_at_all(tmp_path: Path) -> None:
    door = tmp_path / "the door"
    door.write_text("#!/usr/bin/env bash\nprintf '<%s>' \"$@\"\n")
    door.chmod(0o755)
    words = ("reconcile", "", "--date", "$(touch hacked) 'x\" *", "")
    command, env = schedule.command_line(words)
    env |= {"CASTRO_WATCHED_PYTHON": sys.executable, "CASTRO_WATCHED": str(FOLDER / "castro_watched.py")}
    env |= {"CASTRO_DOOR": str(door), "CASTRO_JOB_ENV": "cluster", "CASTRO_JOB_CONF_FILE": ""}
    done = subprocess.run(
        ["bash", "-c", command], check=True, cwd=tmp_path, env=os.environ | env, capture_output=True, text=True
    )
    assert done.stdout == "<reconcile><--date><$(touch hacked) 'x\" *><--env><cluster>"
    assert [path.name for path in tmp_path.iterdir()] == ["the door"]


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2026-03-02T02:59:59+00:00", "2026-02-28"),  # 23:59:59 of March 1 in São Paulo
        ("2026-03-02T03:00:00+00:00", "2026-03-01"),
        ("2018-02-18T02:30:00+00:00", "2018-02-16"),  # the hour that the clocks repeat: still the 17th
        ("2018-02-18T03:00:00+00:00", "2018-02-17"),
    ],
)
def test_the_business_day_is_a_local_one(moment: str, day: str) -> None:
    assert schedule.business_day(datetime.fromisoformat(moment)) == day


def _row(state: str, silent: float = 0) -> dict[str, Any]:
    return {
        "state": state, "state_since": NOW - timedelta(minutes=9), "reason": "topic_recreated", "error": "created again",
        "host": "node7", "pid": 4711, "silent_seconds": silent, "instance": "ab12",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        (None, schedule.Verdict.FINE),
        (_row("running"), schedule.Verdict.FINE),
        (_row("stopped", 9e9), schedule.Verdict.FINE),
        (_row("failed", 9e9), schedule.Verdict.PAGE),
        (_row("restarting"), schedule.Verdict.PAGE),
        (_row("running", SILENT_SECONDS + 1), schedule.Verdict.RESTART),
        (_row("restarting", SILENT_SECONDS + 1), schedule.Verdict.RESTART),
    ],
)
def test_a_silent_stream_is_restarted_and_a_failed_one_is_paged(
    row: dict[str, Any] | None, verdict: schedule.Verdict
) -> None:
    part = {"stream": "sales", "instance": row, "trouble": trouble(row)}  # as `status` writes it
    found = schedule.seen("sales", {"streams": [{"stream": "inventory", "trouble": "other"}, part]})
    assert (found.verdict, found.instance) == (verdict, "ab12" if row else "")
    assert str(part["trouble"]) in found.words or verdict is schedule.Verdict.FINE


def test_a_status_that_cannot_answer_is_paged() -> None:
    refused = {"stream": "sales", "topic": "t", "error": "PostgreSQL: connection refused"}
    assert schedule.seen("sales", {"streams": [refused]}) == schedule.Seen(
        schedule.Verdict.PAGE, "PostgreSQL: connection refused"
    )
    assert schedule.seen("sales", {}).verdict is schedule.Verdict.PAGE


_JOB = """
import signal, sys, time
from pathlib import Path
def stop(*_):
    Path("stopped").touch()
    sys.exit(0)
signal.signal(signal.SIGTERM, stop if sys.argv[1] == "willing" else signal.SIG_IGN)
Path("started").write_text(str(__import__("os").getpid()))
time.sleep(600)
"""
_WORKER = """
import os, subprocess, sys
os.environ["CASTRO_WATCHED_PIDS"] = str(os.getpid())
subprocess.run(sys.argv[1:], start_new_session=True)
"""


def _worker(folder: Path, kind: str) -> tuple[subprocess.Popen[bytes], psutil.Process, psutil.Process]:
    """A worker that runs a job; the job; and what watches it."""
    watched = [sys.executable, str(FOLDER / "castro_watched.py"), "--", sys.executable, "-c", _JOB, kind]
    env = {**os.environ, "CASTRO_WATCHED_GRACE": "2"}
    worker = subprocess.Popen([sys.executable, "-c", _WORKER, *watched], cwd=folder, env=env)
    _wait_for(lambda: (folder / "started").exists() and (folder / "started").read_text() != "")
    job = psutil.Process(int((folder / "started").read_text()))
    parent = job.parent()
    assert parent is not None
    return worker, job, parent


def _wait_for(condition: Any) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("kind", ["willing", "deaf"])
def test_the_job_of_a_killed_worker_ends(tmp_path: Path, kind: str) -> None:
    worker, job, watching = _worker(tmp_path, kind)
    worker.kill()
    worker.wait()
    _, left = psutil.wait_procs([job, watching], timeout=60)
    for process in left:
        process.kill()
    assert left == []
    assert (tmp_path / "stopped").exists() == (kind == "willing")


def test_a_task_that_airflow_ends_lets_its_job_stop_by_itself(tmp_path: Path) -> None:
    worker, job, watching = _worker(tmp_path, "willing")
    os.killpg(os.getpgid(watching.pid), signal.SIGTERM)  # as BashOperator does
    assert worker.wait(60) == 0
    assert not job.is_running()
    assert (tmp_path / "stopped").exists()


@pytest.mark.parametrize(
    ("code", "status"), [("raise SystemExit(2)", 2), ("import os; os.kill(os.getpid(), 9)", 128 + 9)]
)
def test_the_exit_status_is_the_jobs(code: str, status: int) -> None:
    command = [sys.executable, str(FOLDER / "castro_watched.py"), "--", sys.executable, "-c", code]
    assert subprocess.run(command, check=False).returncode == status
