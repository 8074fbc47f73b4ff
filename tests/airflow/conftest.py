"""A real Airflow, in an environment of its own: installed from requirements/airflow.txt when a test first needs it."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from castro_spark.local.stack import castro_home
from tests.system import ROOT

_LOCK = ROOT / "requirements" / "airflow.txt"
FOLDER = ROOT / "conf" / "airflow"


class Airflow:
    """An Airflow with a database (SQLite) in a folder, and our DAGs."""

    def __init__(self, python: Path, folder: Path) -> None:
        self._python, self._folder = python, folder
        # Nothing of the jobs' own environment: Airflow's has other versions of the same packages.
        own = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "VIRTUAL_ENV")}
        self.env = {
            **own, "AIRFLOW_HOME": str(folder), "AIRFLOW__CORE__DAGS_FOLDER": str(FOLDER), "PYTHONPATH": str(FOLDER),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False", "PATH": f"{python.parent}:{os.environ['PATH']}",
        }  # fmt: skip
        subprocess.run([str(python.parent / "airflow"), "db", "migrate"], check=True, env=self.env, capture_output=True, timeout=600)

    def parse(self) -> dict[str, Any]:
        """What run_dag.py tells of the DAGs."""
        return self._last_line(self.start({}, "parse"))

    def run(self, dag_id: str, env: Mapping[str, str], conf: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Runs a DAG to its end; `log` is what it logged."""
        return self._last_line(self.start(env, "run", dag_id, json.dumps(conf or {})))

    def start(self, env: Mapping[str, str], *words: str) -> subprocess.Popen[str]:
        command = [str(self._python), str(Path(__file__).with_name("run_dag.py")), *words]
        return subprocess.Popen(
            command, env=self.env | dict(env), cwd=self._folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )

    @staticmethod
    def _last_line(process: subprocess.Popen[str]) -> dict[str, Any]:
        log = process.communicate(timeout=800)[0]
        assert process.returncode == 0, log
        told: dict[str, Any] = json.loads(log.splitlines()[-1])
        return {**told, "log": log}


@pytest.fixture(scope="session")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Airflow:
    return Airflow(_python(), tmp_path_factory.mktemp("airflow"))


def _python() -> Path:
    """The Python of Airflow's environment, made anew unless it is there with these very packages."""
    home = castro_home() / "airflow"
    python, stamp = home / "bin" / "python", home / "castro-stamp"
    with (castro_home() / "airflow.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if stamp.exists() and stamp.read_text() == _LOCK.read_text():
            return python
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(home)], check=True)
        uv = shutil.which("uv")
        install = [uv, "pip", "install", "--python", str(python)] if uv else [str(python), "-m", "pip", "install", "--no-input"]
        done = subprocess.run([*install, "--quiet", "--require-hashes", "-r", str(_LOCK)], check=False, capture_output=True, text=True)
        assert done.returncode == 0, f"Airflow is not installed:\n{done.stdout}{done.stderr}"
        stamp.write_text(_LOCK.read_text())
    return python
