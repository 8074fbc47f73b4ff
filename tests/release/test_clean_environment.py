"""The wheel alone, in an environment that its user may not change: the command, the jobs, the page, a notebook's functions."""

from __future__ import annotations

import json
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from castro_spark import __version__
from castro_spark.local import Stack
from castro_spark.local.process import free_port
from tests.builders import event, native
from tests.release.conftest import Clean
from tests.system import System

pytestmark = pytest.mark.long
NOTEBOOK = """
import castro_spark
settings = castro_spark.load_settings(conf_file={conf!r})
spark = castro_spark.local_spark()
events = castro_spark.read.events(spark, "inventory", settings=settings)
archived = castro_spark.read.events(spark, "inventory", source="archive", settings=settings)
assert sorted(events.collect()) == sorted(archived.collect())
(day,) = castro_spark.daily(events, castro_spark.stream("inventory")).collect()
print("told:", castro_spark.__file__, day.product_code, day.date, day.transactions, day.volume)
"""


def readable(system: System, clean: Clean) -> System:
    """The system's settings and secrets, for the user of the clean environment."""
    named = {name: system.env[name] for name in ("CASTRO_KAFKA_BOOTSTRAP_SERVERS", "CASTRO_POSTGRES_DSN", "CASTRO_REDIS_URL")}
    secrets = {
        name: Path(system.env[f"{name}_FILE"]).read_text().strip() for name in ("CASTRO_POSTGRES_PASSWORD", "CASTRO_REDIS_PASSWORD")
    }
    jars = ",".join(str(jar) for name in ("spark", "delta") for jar in sorted((clean.home / "jars" / name).glob("*.jar")))
    system.env = {
        **named, **secrets, "SPARK_LOCAL_IP": "127.0.0.1",
        "CASTRO_CHECKPOINT_DIR": str(clean.home / "checkpoints"), "CASTRO_ARCHIVE_DIR": str(clean.home / "archive"),
        "PYSPARK_SUBMIT_ARGS": f"--master local[2] --jars {jars} pyspark-shell",
    }  # fmt: skip
    system.conf = clean.home / f"{system.database}.yaml"
    system.configure({})
    return system


@pytest.fixture
def fresh(stack: Stack, clean: Clean, tmp_path: Path) -> Iterator[System]:
    """Servers with nothing on them."""
    system = readable(System(stack, tmp_path), clean)
    yield system
    system.end()


@pytest.fixture
def migrated(databases: Stack, clean: Clean, tmp_path: Path) -> Iterator[System]:
    """PostgreSQL with this version's schema, and Redis."""
    system = System(databases, tmp_path)
    system.migrate(topics=False)
    yield readable(system, clean)
    system.end()


def test_the_command_is_there_and_writes_nothing_beside_itself(clean: Clean) -> None:
    assert clean.run("castro-spark", "--version") == f"{__version__}\n"
    assert clean.run("python", "-m", "castro_spark", "--version") == f"{__version__}\n"
    assert "Jobs: backfill, cache" in clean.run("castro-spark", status=2)
    told = clean.run("python", "-c", "import castro_spark.features; print(castro_spark.features.__file__)")
    assert told.startswith(f"{clean.folder}/venv/lib/python3")
    trial = "import castro_spark, pathlib; pathlib.Path(castro_spark.__file__).with_name('x').touch()"
    assert "PermissionError" in clean.run("python", "-c", trial, status=1)


def test_from_nothing_to_a_notebook(clean: Clean, fresh: System) -> None:
    chosen = ["--stream", "inventory", "--conf-file", str(fresh.conf)]
    assert "run ./spark-submit.sh migrate" in clean.run("castro-spark", "status", *chosen, env=fresh.env, status=1)
    clean.run("castro-spark", "migrate", *chosen, env=fresh.env)
    fresh.produce([native(event(id_evento=f"E{n}", quantidade=str(n))) for n in (1, 2, 3)] + [b"no"], partition=0)
    clean.run("castro-spark", "stream", "--available-now", *chosen, env=fresh.env)
    told = clean.run("castro-spark", "status", "--json", *chosen, env=fresh.env)
    (stream,) = json.loads(told[told.index("{") : told.rindex("}") + 1])["streams"]
    assert stream["quarantined"] == {"not_json": 1}
    assert "ok" in clean.run("castro-spark", "validate", *chosen, env=fresh.env)
    env = {name: value for name, value in fresh.env.items() if name != "PYSPARK_SUBMIT_ARGS"}  # it finds the jars itself
    shown = clean.run("python", "-c", NOTEBOOK.format(conf=str(fresh.conf)), env=env)
    (line,) = (line for line in shown.splitlines() if line.startswith("told: "))
    _, module, *row = line.split()
    assert module.startswith(str(clean.folder))
    assert row == ["P1", "2024-05-01", "3", "6.000000"]


def test_the_page_is_served_from_the_wheel(clean: Clean, migrated: System) -> None:
    port = free_port()
    migrated.configure({"page": {"port": port}})
    command = [*clean.become, str(clean.bin / "castro-spark"), "dashboard", "--conf-file", str(migrated.conf)]
    with (migrated.folder / "page.log").open("wb") as log:
        page = subprocess.Popen(command, cwd=clean.home, env=clean.environment(migrated.env), stdout=log, stderr=log)
    try:
        for path, words in (("/", "<!doctype html>"), ("/static/page.css", "--"), ("/static/vendor/htmx.min.js", "htmx")):
            assert words in _get(f"http://127.0.0.1:{port}{path}", page, migrated.folder / "page.log").lower()
        page.send_signal(signal.SIGTERM)
        assert page.wait(60) == 0
    finally:
        page.kill()
        page.wait()


def _get(url: str, page: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(url, timeout=30) as answer:
                return str(answer.read().decode())
        except urllib.error.URLError:
            assert page.poll() is None and time.monotonic() < deadline, log.read_text()
            time.sleep(0.2)
