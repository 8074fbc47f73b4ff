"""Tasks of castro_spark's own Celery worker, on a real Redis and PostgreSQL: what a job's end makes of them, one at a time."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from castro_spark.beat.outcome import End, Outcome
from castro_spark.beat.tasks import JobFailed, WrongUsage
from tests.databases.alerting import Alerting, wait_until
from tests.integration.schedulers.application import ROOT, BeatApp, gone

BROKER_DB = 12
_SOON = {"retry_minutes": 0.01, "limit_minutes": 2, "begin_within_minutes": 5}
_TASKS = dict.fromkeys(("extract_hadoop_data", "full_hadoop_sync", "sync_hadoop_batch", "monitor_data_quality"), _SOON)
_WAIT = f"exec {sys.executable} -c 'import time; time.sleep(600)'"
_DEAF = f"""{sys.executable} -c 'import time; time.sleep(600)' & echo $! >child
trap '' TERM
while true; do sleep 0.2; done"""


@pytest.fixture
def app(alerting: Alerting, tmp_path: Path) -> Iterator[BeatApp]:
    alerting.redis.execute_command("SELECT", BROKER_DB)
    alerting.redis.execute_command("FLUSHDB")
    broker = f"{alerting.redis_url.rpartition('/')[0]}/{BROKER_DB}"
    app = BeatApp(tmp_path, alerting.env, {"beat": {"grace_seconds": 2, "tasks": _TASKS}}, broker)
    yield app
    app.end()


def test_the_end_of_the_job_is_that_of_the_task(app: BeatApp) -> None:
    app.door("""case "$1 $3" in
        "extract incremental") seq 100000; echo "São Paulo: 3 tables done" >&2;;
        "extract full") echo "error: beat.yaml: no key x"; exit 2;;
        reconcile*) [[ -e again ]] || { touch again; echo "another reconcile of stream sales runs"; exit 1; };;
        quality*) echo "freshness: fail"; kill -KILL $$;;
    esac""")
    app.worker()
    wait_until(app.answers, 120, app.log)
    extract, full = app.send("extract_hadoop_data"), app.send("full_hadoop_sync")
    day, quality = app.send("sync_hadoop_batch", date="2026-01-31", force=True), app.send("monitor_data_quality")

    done = extract.get(timeout=120)
    assert (done["ran"], done["status"]) == (True, 0)
    assert done["words"].splitlines()[-1] == "São Paulo: 3 tables done"
    assert 3000 < len(done["words"]) <= 4000
    assert app.log().count("99999\n") == 1, "its output is in the worker's log"
    with pytest.raises(WrongUsage, match=r"extract --mode full: exit status 2. error: beat.yaml: no key x"):
        full.get(timeout=120)
    assert day.get(timeout=120)["ran"]
    with pytest.raises(JobFailed, match=r"quality: exit status 137. freshness: fail"):
        quality.get(timeout=120)
    reconcile = "reconcile --date 2026-01-31 --apply --force"
    assert sorted(app.called()) == ["extract --mode full", "extract --mode incremental", "quality", reconcile, reconcile]


@pytest.mark.long
def test_a_job_that_fails_again_and_again_is_retried_so_often(app: BeatApp) -> None:
    app.door("echo 'PostgreSQL does not answer'; exit 1")
    app.worker()
    with pytest.raises(JobFailed, match=r"extract --mode incremental: exit status 1. PostgreSQL does not answer"):
        app.send("extract_hadoop_data").get(timeout=120)
    assert app.called() == ["extract --mode incremental"] * 4


def test_one_run_of_a_task_at_a_time_on_all_workers(app: BeatApp) -> None:
    app.door("while [[ ! -e go ]]; do sleep 0.1; done; echo done")
    app.worker()
    app.worker()
    first = app.send("extract_hadoop_data")
    app.job()
    others = [app.send("extract_hadoop_data") for _ in range(3)]
    skipped = [other.get(timeout=120) for other in others]
    assert skipped == [{"ran": False, "status": None, "words": "not started: an earlier run of extract_hadoop_data goes on"}] * 3
    (app.folder / "go").touch()
    assert first.get(timeout=120) == {"ran": True, "status": 0, "words": "done"}
    assert app.send("extract_hadoop_data").get(timeout=120)["ran"], "the lock is free again"


def _kill_worker(app: BeatApp, worker: subprocess.Popen[bytes], job: psutil.Process) -> None:
    worker.kill()
    worker.wait(30)


def _kill_pool_process(app: BeatApp, worker: subprocess.Popen[bytes], job: psutil.Process) -> None:
    watch = job.parent()
    assert watch is not None
    os.kill(watch.ppid(), signal.SIGKILL)


def _stop_cold(app: BeatApp, worker: subprocess.Popen[bytes], job: psutil.Process) -> None:
    worker.send_signal(signal.SIGQUIT)
    worker.wait(60)


def _kill_watch(app: BeatApp, worker: subprocess.Popen[bytes], job: psutil.Process) -> None:
    os.kill(job.ppid(), signal.SIGKILL)


@pytest.mark.parametrize("kill", [_kill_worker, *(pytest.param(k, marks=pytest.mark.long) for k in (_kill_pool_process, _kill_watch, _stop_cold))])
def test_the_job_of_a_killed_process_ends(app: BeatApp, kill: Callable[..., None]) -> None:
    app.door(_WAIT)
    worker = app.worker()
    app.send("extract_hadoop_data")
    job = app.job()
    watch = job.parent()
    assert watch is not None
    app.door("echo again")
    kill(app, worker, job)
    assert gone(job, watch)
    if worker.poll() is not None:
        app.worker()
    wait_until(lambda: app.send("extract_hadoop_data").get(timeout=120)["words"] == "again", 120, app.log)


def test_a_revoked_task_ends_its_job(app: BeatApp) -> None:
    app.door(_WAIT)
    app.worker()
    result = app.send("sync_hadoop_batch", date="2026-01-31")
    job = app.job()
    app.revoke(result)
    assert gone(job)
    wait_until(lambda: result.state == "REVOKED", 60, app.log)


def watched(app: BeatApp, limit: float) -> subprocess.Popen[str]:
    """What watches a job, with this process as its worker."""
    words = [sys.executable, "-m", "castro_spark.beat.watch", "extract_hadoop_data", str(limit), "1"]
    return subprocess.Popen(
        [*words, "--", app.env["CASTRO_DOOR"], "extract"], env=app.env, cwd=ROOT, text=True,
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def test_a_job_that_takes_too_long_and_does_not_listen_is_killed_with_what_it_started(app: BeatApp) -> None:
    app.door(_DEAF)
    watch = watched(app, limit=0.5)
    job = app.job()
    wait_until(lambda: (app.folder / "child").exists() and (app.folder / "child").read_text())
    child = psutil.Process(int((app.folder / "child").read_text()))
    assert watch.stdout is not None
    assert Outcome.of_json(watch.stdout.read()) == Outcome(End.TIME_UP, 128 + signal.SIGKILL, "")
    assert gone(job, child)


def test_what_prevents_a_job_is_its_outcome(app: BeatApp) -> None:
    app.env["CASTRO_DOOR"] = str(app.folder / "nothing")
    out, _ = watched(app, limit=60).communicate(timeout=120)
    assert (Outcome.of_json(out).status, Outcome.of_json(out).words.partition(":")[0]) == (2, f"{app.env['CASTRO_DOOR']} cannot be started")
    app.door("exit 0")
    app.env["CASTRO_POSTGRES_DSN"] = "host=127.0.0.1 port=1 dbname=none user=none"
    out, _ = watched(app, limit=60).communicate(timeout=120)
    told = Outcome.of_json(out)
    assert (told.end, told.status, "Connection refused" in told.words) == (End.EXITED, 1, True)
    app.env["CASTRO_TIMEZONE"] = "Mars"
    out, _ = watched(app, limit=60).communicate(timeout=120)
    assert (Outcome.of_json(out).status, "IANA name" in Outcome.of_json(out).words) == (2, True)
    assert app.called() == []
