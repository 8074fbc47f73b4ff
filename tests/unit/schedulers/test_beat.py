"""What Celery Beat is to run, without its processes: hours, words, bounds, and settings that are refused."""

from __future__ import annotations

import importlib
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import yaml
from celery import Celery

from castro_spark.beat import tasks
from castro_spark.beat.door import settings
from castro_spark.beat.outcome import End, Outcome
from castro_spark.beat.schedule import configure
from castro_spark.errors import SettingsError
from castro_spark.settings import Settings, load_settings
from tests.system import ROOT

sys.path.insert(0, str(ROOT / "conf" / "airflow"))
import castro_schedule as airflow

ZONE = ZoneInfo("America/Sao_Paulo")
CHANNEL = {"celery": {"type": "celery", "broker": "redis://broker:6379/0"}}
DAGS = {
    "castro_extract": "extract_hadoop_data", "castro_full_refresh": "full_hadoop_sync",
    "castro_reconcile": "sync_hadoop_batch", "castro_quality": "monitor_data_quality",
}  # fmt: skip


def load(folder: Path, beat: Mapping[str, Any], channels: Mapping[str, Any] = CHANNEL) -> Settings:
    conf = folder / "beat.yaml"
    conf.write_text(yaml.safe_dump({"alerts": {"channels": channels}, "beat": beat}))
    return load_settings(conf_file=conf, environ={"CASTRO_ALERTS_CELERY_PASSWORD": "s3cr/t"})


def configured(loaded: Settings) -> Celery:
    app = Celery("test", set_as_current=False)
    configure(app, loaded)
    return app


def test_hours_retries_and_limits_are_those_of_the_dags(tmp_path: Path) -> None:
    ours = load(tmp_path, {}).beat.tasks.by_name()
    dags = {DAGS[job.dag_id]: job for job in airflow.JOBS if job.cron}
    assert {name: (t.cron, t.retries, t.retry_minutes, t.limit_minutes) for name, t in ours.items()} == {
        name: (j.cron, j.retries, j.retry_delay / timedelta(minutes=1), j.timeout and j.timeout / timedelta(minutes=1))
        for name, j in dags.items()
    }


@pytest.mark.parametrize(
    ("after", "runs"),
    [
        ("2026-03-01T12:00:00+00:00", "2026-03-02T02:00:00-03:00"),
        ("2026-03-02T04:59:00+00:00", "2026-03-02T02:00:00-03:00"),
        ("2018-11-03T12:00:00+00:00", "2018-11-04T02:00:00-02:00"),  # that night the clocks went forward
    ],
)
def test_the_full_refresh_is_at_two_local_time(tmp_path: Path, after: str, runs: str) -> None:
    app = configured(load(tmp_path, {}))
    schedule = app.conf.beat_schedule["full_hadoop_sync"]["schedule"]
    schedule.nowfun = lambda: datetime.fromisoformat(after).astimezone(ZONE)
    begun, wait, _ = schedule.remaining_delta(schedule.now())
    assert begun + wait == datetime.fromisoformat(runs)


@pytest.mark.parametrize(("minutes", "due"), [(5, True), (9 * 60, False)])
def test_a_run_that_beat_missed_for_long_is_not_made_up_for(tmp_path: Path, minutes: int, due: bool) -> None:
    app = configured(load(tmp_path, {}))
    schedule = app.conf.beat_schedule["full_hadoop_sync"]["schedule"]
    two = datetime(2026, 3, 2, 2, tzinfo=ZONE)
    schedule.nowfun = lambda: two + timedelta(minutes=minutes)
    assert schedule.is_due(two - timedelta(days=1)).is_due is due


def test_each_task_calls_the_door_with_words_that_the_job_accepts(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[Sequence[str]] = []

    def run(task: str, command: Sequence[str], limit: float, grace: float) -> Outcome:
        called.append(command)
        return Outcome(End.EXITED, 0, "")

    settings.cache_clear()
    monkeypatch.setattr(tasks, "run", run)
    monkeypatch.setenv("CASTRO_DOOR", "/door")
    monkeypatch.setenv("CASTRO_BEAT_ENV", "cluster")
    for task in (tasks.extract_hadoop_data, tasks.full_hadoop_sync, tasks.sync_hadoop_batch, tasks.monitor_data_quality):
        task.apply().get()
    tasks.sync_hadoop_batch.apply(kwargs={"date": "2026-01-31", "force": True}).get()
    settings.cache_clear()
    for path, job, *words in called:
        assert (path, words[-2:]) == ("/door", ["--env", "cluster"])
        importlib.import_module(f"jobs.{job}").main.make_context(job, words)  # raises if an option is not known
    yesterday = (datetime.now(timezone.utc).astimezone(ZONE).date() - timedelta(days=1)).isoformat()
    assert [" ".join(words[1:-2]) for words in called] == [
        "extract --mode incremental", "extract --mode full", f"reconcile --date {yesterday} --apply", "quality",
        "reconcile --date 2026-01-31 --apply --force",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("beat", "channels", "problem"),
    [
        ({}, {}, "beat.channel: alerts.channels has no channel celery of type celery"),
        ({"channel": "log"}, CHANNEL, "beat.channel: alerts.channels has no channel log of type celery"),
        ({"tasks": {"full_hadoop_sync": {"cron": "0 25 * * *"}}}, CHANNEL, "beat.tasks.full_hadoop_sync.cron: 0 25"),
        ({"tasks": {"full_hadoop_sync": {"cron": "every night"}}}, CHANNEL, "beat.tasks.full_hadoop_sync.cron: Value error, must be minute"),
        ({"tasks": {"full_sync": {"cron": "0 2 * * *"}}}, CHANNEL, "beat.tasks.full_sync: "),
    ],
)
def test_settings_that_are_wrong_are_named(
    tmp_path: Path, beat: Mapping[str, Any], channels: Mapping[str, Any], problem: str
) -> None:
    with pytest.raises(SettingsError, match=problem):
        configured(load(tmp_path, beat, channels))


def test_a_task_may_be_left_to_others(tmp_path: Path) -> None:
    app = configured(load(tmp_path, {"tasks": {"sync_hadoop_batch": {"cron": None}}}))
    assert sorted(app.conf.beat_schedule) == ["extract_hadoop_data", "full_hadoop_sync", "monitor_data_quality"]


def test_the_password_reaches_the_broker_and_no_report(tmp_path: Path) -> None:
    app = configured(load(tmp_path, {}))
    assert app.connection_for_read().password == "s3cr/t"
    assert app.backend.connparams["password"] == "s3cr/t"
    assert "s3cr" not in app.conf.humanize(with_defaults=True) + app.bugreport()


def test_living_tasks_are_never_given_to_another_worker(tmp_path: Path) -> None:
    app = configured(load(tmp_path, {}))
    longest = max(t.limit_minutes * 60 for t in load(tmp_path, {}).beat.tasks.by_name().values())
    assert app.conf.broker_transport_options["visibility_timeout"] > longest


def test_nothing_heavy_is_imported() -> None:
    code = (
        "import sys, castro_spark.beat.tasks, castro_spark.beat.watch;"
        " print(*sorted({'pyspark', 'py4j', 'pyarrow', 'pandas', 'numpy'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == ""
