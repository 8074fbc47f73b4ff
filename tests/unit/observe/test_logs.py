"""The log as JSON: one object a line, with the fields of the work; errors too, and no secrets."""

from __future__ import annotations

import json
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from io import StringIO

import pytest

from castro_spark.process import logs
from castro_spark.process.component import run_id
from tests.system import ROOT


@pytest.fixture
def output(monkeypatch: pytest.MonkeyPatch) -> Iterator[StringIO]:
    """The log of a process of its own, as JSON."""
    monkeypatch.setattr(os, "environ", dict(os.environ))
    root, stream = logging.getLogger(), StringIO()
    before, level = root.handlers, root.level
    root.handlers = [logging.StreamHandler(stream)]
    root.setLevel(logging.INFO)
    logs.log_as_json("stream")
    yield stream
    root.handlers = before
    root.setLevel(level)


def test_each_line_has_the_fields_of_its_work(output: StringIO) -> None:
    log = logging.getLogger("castro_spark.x")
    with logs.log_fields(stream="inventory"), logs.log_fields(batch_id=7):
        log.info("%d offsets\nare \"committed\"", 3, extra={"revision": 9})
        with ThreadPoolExecutor(1) as other:
            other.submit(log.warning, "of another thread").result()
    try:
        raise ValueError("a defect")
    except ValueError:
        log.exception("ended")
    first, second, third = map(json.loads, output.getvalue().splitlines())
    assert first.pop("time").endswith("+00:00")
    assert first == {
        "level": "INFO", "logger": "castro_spark.x", "message": '3 offsets\nare "committed"', "job": "stream",
        "run": run_id(), "stream": "inventory", "batch_id": 7, "revision": 9,
    }  # fmt: skip
    assert (second["message"], "stream" in second) == ("of another thread", False)
    assert "stream" not in third and "ValueError: a defect" in third["trace"]
    assert os.environ[logs.FORMAT_VARIABLE] == "json"


def test_a_job_that_fails_says_so_in_json_without_its_secrets() -> None:
    env = {
        **os.environ, "CASTRO_LOG_FORMAT": "json", "CASTRO_POSTGRES_DSN": "host=127.0.0.1 port=1 dbname=x user=x",
        "CASTRO_POSTGRES_PASSWORD": "canary-password",
    }  # fmt: skip
    command = [sys.executable, "jobs/quarantine.py", "list"]
    done = subprocess.run(command, check=False, cwd=ROOT, env=env, capture_output=True, text=True, timeout=60)
    (line,) = map(json.loads, done.stderr.splitlines())
    assert (done.returncode, line["level"], line["job"]) == (1, "ERROR", "quarantine list")
    assert "Connection refused" in line["message"]
    assert "canary" not in done.stderr + done.stdout
