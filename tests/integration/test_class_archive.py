"""Java takes the archive of its classes: a JVM that refuses it starts all the same, only later."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import psutil
import pytest

from castro_spark.resources import castro_home
from tests import engine
from tests.system import System

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks the kernel for what a process has mapped")


def _archives_of(process: psutil.Process) -> set[str]:
    family = [process, *process.children(recursive=True)]
    mapped = {m.path for one in family if "java" in one.name() for m in one.memory_maps()}
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
