"""Java takes the archive of its classes, which is made once: a JVM that refuses it starts all the same, only later."""

from __future__ import annotations

import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from castro_spark.resources import castro_home
from tests import engine
from tests.system import ROOT, System

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel for what a process has mapped")


def _archives_of(process: psutil.Process) -> set[str]:
    mapped: set[str] = set()
    for one in [process, *process.children(recursive=True)]:
        with suppress(psutil.NoSuchProcess):  # the start's own programs come and go
            if "java" in one.name():
                mapped |= {m.path for m in one.memory_maps()}
    return {path for path in mapped if path.endswith(".jsa") and Path(path).is_relative_to(castro_home())}


def test_of_a_jvm_that_python_starts() -> None:
    engine.engine()
    assert _archives_of(psutil.Process())


def test_of_a_job(system: System) -> None:
    process = psutil.Process(system.start("stream").pid)
    deadline = time.monotonic() + 120
    while not (archives := _archives_of(process)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert archives
    system.wait_for("SELECT count(*) FROM castro.stream WHERE epoch > 0", 1)


def test_a_start_prepares_nothing_that_is_there(system: System) -> None:
    lock = castro_home() / "lock"  # whoever prepares opens it
    before = lock.stat().st_mtime_ns
    env = {name: value for name, value in system.env.items() if name != "SPARK_HOME"}
    command = [ROOT / "spark-submit.sh", "extract", "--help"]
    subprocess.run(command, check=True, env=env, capture_output=True, timeout=120)
    assert lock.stat().st_mtime_ns == before
