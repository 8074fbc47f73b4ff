"""A Celery worker as the Django application has one: the contract's tasks, which note each run and take effect once.

The effect is guarded by `cause`, in the manner that docs/design/outbox.md describes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import redis
from celery import Celery, Task

TASKS = ("send_data_quality_alert", "analyze_critical_product", "retrain_classification_model")
ROOT = Path(__file__).resolve().parents[2]

app = Celery("django_application", broker=os.environ.get("TEST_BROKER", "memory://"))
app.conf.update(task_acks_late=True, broker_connection_retry_on_startup=True, worker_hijack_root_logger=False)


def _run(task: Task, **kwargs: Any) -> None:
    store = redis.Redis.from_url(os.environ["TEST_STORE"], decode_responses=True)
    store.rpush("runs", json.dumps({"task": task.name, "id": task.request.id, "kwargs": kwargs}))
    if store.set(f"done:{kwargs['cause']}", task.request.id, nx=True):
        store.rpush("effects", kwargs["cause"])


for _name in TASKS:
    app.task(_run, name=_name, bind=True)


class CeleryWorker:
    """A worker's process on a Redis broker, started by `start`."""

    def __init__(self, broker: str, store: str, password: str, folder: Path) -> None:
        self._env = {**os.environ, "TEST_BROKER": _with_password(broker, password), "TEST_STORE": _with_password(store, password)}
        self.store = redis.Redis.from_url(self._env["TEST_STORE"], decode_responses=True)
        self._log = folder / "worker.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        command = [sys.executable, "-m", "celery", "-A", "tests.servers.celery_worker", "worker", "--pool", "solo", "--loglevel", "INFO",
                   "--without-gossip", "--without-mingle", "--without-heartbeat"]  # fmt: skip
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(command, env=self._env, cwd=ROOT, stdout=log, stderr=log)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(10)

    def runs(self) -> list[dict[str, Any]]:
        return [json.loads(run) for run in self.store.lrange("runs", 0, -1)]

    def effects(self) -> list[str]:
        return list(self.store.lrange("effects", 0, -1))

    def log(self) -> str:
        return self._log.read_text()[-3000:]


def _with_password(url: str, password: str) -> str:
    parts = urlsplit(url)
    return f"redis://:{quote(password)}@{parts.netloc}{parts.path}"
