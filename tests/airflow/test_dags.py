"""The DAGs in a real Airflow: parsed, run against real servers, and their ends when a job or a worker fails."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from castro_spark.local import Stack
from tests.airflow.conftest import Airflow
from tests.databases.small_warehouse import with_small_warehouse
from tests.system import ROOT, System

pytestmark = pytest.mark.cluster


def _door(folder: Path, then: str) -> dict[str, str]:
    """The variables that make the DAGs call a door of ours, which notes its words in `called` and then does this."""
    door = folder / "door.sh"
    door.write_text(f'#!/usr/bin/env bash\necho "$*" >>{folder}/called\n{then}\n')
    door.chmod(0o755)
    return {"AIRFLOW_VAR_CASTRO_DOOR": str(door), "AIRFLOW_VAR_CASTRO_PAGE_COMMAND": f"cat >>{folder}/paged"}


def test_the_dags_are_parsed_without_a_warning_and_import_nothing_heavy(airflow: Airflow) -> None:
    told = airflow.parse()
    assert (told["warnings"], told["heavy"]) == ([], [])
    dags = told["dags"]
    assert {name: dag["schedule"] for name, dag in dags.items()} == {
        "castro_extract": "*/5 * * * *", "castro_full_refresh": "0 2 * * *", "castro_reconcile": "30 4 * * *",
        "castro_quality": "2-59/5 * * * *", "castro_backfill": None, "castro_watch": "*/2 * * * *",
        "castro_stream_inventory": None, "castro_stream_procurement": None, "castro_stream_sales": None,
    }  # fmt: skip
    assert all(dag["max_active_runs"] == 1 and not dag["catchup"] for dag in dags.values())
    assert {dag["zone"] for dag in dags.values() if dag["schedule"]} == {"America/Sao_Paulo"}
    assert all(all(dag["timeouts"]) for name, dag in dags.items() if not name.startswith("castro_stream"))


def test_wrong_settings_are_not_retried_and_a_person_is_paged(airflow: Airflow, tmp_path: Path) -> None:
    env = _door(tmp_path, "exit 2")
    done = airflow.run("castro_backfill", env, {"stream": "sales", "from": "2026-01-01", "to": "2026-01-31"})
    assert (done["state"], done["tasks"]) == ("failed", {"backfill": ["failed", 1]})
    words = "backfill --stream sales --from 2026-01-01 --to 2026-01-31 --env cluster\n"
    assert (tmp_path / "called").read_text() == words
    assert "exit status 2: wrong usage or settings" in (tmp_path / "paged").read_text()


def test_parameters_are_checked_before_anything_is_started(airflow: Airflow, tmp_path: Path) -> None:
    wrong = {"stream": "orders", "from": "2026-01-01", "to": "yesterday"}
    process = airflow.start(_door(tmp_path, "exit 0"), "run", "castro_backfill", json.dumps(wrong))
    assert "ParamValidationError" in process.communicate(timeout=600)[0]
    assert process.returncode != 0
    assert not (tmp_path / "called").exists()


def test_a_failed_stream_is_paged_and_the_others_are_looked_at(airflow: Airflow, tmp_path: Path) -> None:
    (tmp_path / "status.json").write_text('{"streams": [{"stream": "sales", "trouble": "ended: topic re-created"},'
                                          ' {"stream": "inventory", "trouble": null}, {"stream": "procurement"}]}')  # fmt: skip
    done = airflow.run("castro_watch", _door(tmp_path, f"cat {tmp_path}/status.json; exit 1"))
    states = {name: state for name, (state, _) in done["tasks"].items()}
    assert (states["look_inventory"], states["restart_inventory"]) == ("success", "skipped")
    assert (states["look_sales"], states["restart_sales"]) == ("failed", "upstream_failed")
    assert "stream sales should run, but does not: ended: topic re-created" in (tmp_path / "paged").read_text()


def test_the_job_of_a_killed_worker_ends(airflow: Airflow, tmp_path: Path) -> None:
    env = _door(tmp_path, f"echo $$ >{tmp_path}/pid; exec {sys.executable} -c 'import time; time.sleep(600)'")
    worker = airflow.start(env, "run", "castro_quality")
    deadline = time.monotonic() + 300
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        assert worker.poll() is None and time.monotonic() < deadline
        time.sleep(0.2)
    job = psutil.Process(int((tmp_path / "pid").read_text()))
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    _, left = psutil.wait_procs([job], timeout=60)
    for process in left:
        process.kill()
    assert left == []


@pytest.fixture
def made(stack: Stack, tmp_path: Path) -> Iterator[System]:
    """A system of all streams with a small warehouse of its own."""
    system = System(stack, tmp_path, ("inventory", "procurement", "sales"))
    system.migrate()
    yield with_small_warehouse(system)
    system.end()


def test_extract_reconcile_and_quality_run(airflow: Airflow, made: System) -> None:
    """By the door as it is, on real servers: the rows are there, and each job's own record of its end."""
    variables = {
        "AIRFLOW_VAR_CASTRO_DOOR": str(ROOT / "spark-submit.sh"), "AIRFLOW_VAR_CASTRO_ENV": "local",
        "AIRFLOW_VAR_CASTRO_CONF_FILE": str(made.conf),
    }  # fmt: skip
    castro = {name: value for name, value in made.env.items() if name.startswith(("CASTRO_", "SPARK_"))}
    env = castro | variables
    assert airflow.run("castro_extract", env)["state"] == "success"
    assert made.query("SELECT count(*) FROM ml_inventory_transactions") == [(90,)]
    assert airflow.run("castro_reconcile", env, {"date": "2026-01-31"})["state"] == "success"
    quality = airflow.run("castro_quality", env)  # which fails where it finds the data wanting
    assert made.query("SELECT count(*) > 0 FROM castro.quality_result") == [(True,)], quality["log"]
    ended = made.query("SELECT kind, state FROM castro.instance WHERE kind IN ('extract', 'reconcile', 'quality') ORDER BY kind")
    assert ended == [("extract", "done"), ("quality", "done"), ("reconcile", "done")]
