"""Jobs that answer at once load neither Spark nor Arrow."""

import subprocess
import sys

import pytest

from tests.system import ROOT

HEAVY = {"pyspark", "py4j", "pyarrow", "pandas", "numpy"}


@pytest.mark.parametrize("job", ["status", "stop", "incidents", "outbox", "retraining", "dashboard"])
def test_it_loads_no_spark(job: str) -> None:
    code = f"import sys, jobs.{job}; print(*sorted({HEAVY!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == ""
