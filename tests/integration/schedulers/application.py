"""castro_spark's Celery application on real servers: its worker, its beat, and a door of the test's own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import yaml
from celery import Celery
from celery.result import AsyncResult

from castro_spark.beat.schedule import configure
from castro_spark.settings import load_settings
from tests.databases.alerting import wait_until

ROOT = Path(__file__).resolve().parents[3]


class BeatApp:
    """`settings` are added to those that name the broker; `env` names the servers."""

    def __init__(self, folder: Path, env: Mapping[str, str], settings: Mapping[str, Any], broker: str) -> None:
        self.folder, self.conf = folder, folder / "beat.yaml"
        self.env = {**os.environ, **env, "CASTRO_BEAT_CONF_FILE": str(self.conf)}
        self.env["CASTRO_ALERTS_CELERY_PASSWORD"] = Path(env["CASTRO_REDIS_PASSWORD_FILE"]).read_text().strip()
        channels = {"celery": {"type": "celery", "broker": broker, "kinds": []}}
        self.conf.write_text(yaml.safe_dump({"alerts": {"channels": channels}, **settings}))
        self._app = Celery("test", set_as_current=False)
        configure(self._app, load_settings(conf_file=self.conf, environ=self.env))
        self._log = folder / "celery.log"
        self._started: list[subprocess.Popen[bytes]] = []

    def door(self, then: str) -> None:
        """A door that notes its words in `called`, its pid in `pid`, and then does this."""
        door = self.folder / "door.sh"
        door.write_text(f"#!/usr/bin/env bash\ncd {self.folder}\necho \"$*\" >>called\necho $$ >pid\n{then}\n")
        door.chmod(0o755)
        self.env["CASTRO_DOOR"] = str(door)

    def called(self) -> list[str]:
        """The words of each call of the door, without those that name the settings."""
        file = self.folder / "called"
        lines = file.read_text().splitlines() if file.exists() else []
        return [line.removesuffix(f" --conf-file {self.conf}") for line in lines]

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """`celery -A castro_spark.beat WORDS`."""
        command = [sys.executable, "-m", "celery", "-A", "castro_spark.beat", *words, "--loglevel", "INFO"]
        with self._log.open("ab") as log:
            process = subprocess.Popen(command, env=self.env, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)
        self._started.append(process)
        return process

    def worker(self) -> subprocess.Popen[bytes]:
        return self.start("worker", "--without-gossip", "--without-mingle")

    def answers(self) -> bool:
        """Whether a worker answers, as the container's health check asks (conf/docker/compose.yaml)."""
        command = [sys.executable, "-m", "celery", "-A", "castro_spark.beat", "inspect", "ping"]
        return subprocess.run(command, check=False, env=self.env, cwd=ROOT, capture_output=True).returncode == 0

    def send(self, task: str, **arguments: Any) -> AsyncResult:
        return self._app.send_task(task, kwargs=arguments)

    def revoke(self, result: AsyncResult) -> None:
        self._app.control.revoke(result.id, terminate=True)

    def job(self) -> psutil.Process:
        """The job, once it runs."""
        file = self.folder / "pid"
        wait_until(lambda: file.exists() and file.read_text().strip(), 120, self.log)
        return psutil.Process(int(file.read_text()))

    def log(self) -> str:
        return self._log.read_text(errors="replace")[-6000:] if self._log.exists() else ""

    def end(self) -> None:
        for process in self._started:
            try:
                family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
            except psutil.NoSuchProcess:
                family = []
            for member in family:
                member.kill()
            process.wait(30)


def gone(*processes: psutil.Process) -> bool:
    """Whether they end within a minute; kills what does not."""
    _, left = psutil.wait_procs(processes, timeout=60)
    for process in left:
        process.kill()
    return not left
