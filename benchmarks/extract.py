"""Measures a full extract on this machine: rows/s, and the driver's peak memory at one and four times the rows.

    PYTHONPATH=. python benchmarks/extract.py [--rows N]

Spark's own JDBC writer is not measured beside it: PostgreSQL's JDBC driver is not among the project's jars.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import psutil

from castro_spark.local import Stack
from tests.system import ROOT, System

_MAKE = """
import sys
from pathlib import Path
from castro_spark.local.warehouse import append, create_tables
from castro_spark.local.warehouse_history import transactions
from castro_spark.session import hive_session
spark = hive_session("benchmark", sys.argv[1])
create_tables(spark)
append(spark, "castrolanda_inventory.transactions", transactions(spark, 5000, 1, int(sys.argv[2])), "America/Sao_Paulo")
spark.stop()
"""
_TARGET = "ml_inventory_transactions"


def peak_memory(process: subprocess.Popen[bytes]) -> dict[str, int]:
    """Follows a job to its end: the most MB that its Python driver held, and its JVM."""
    most = {"python": 0, "jvm": 0}
    while process.poll() is None:
        try:
            own = psutil.Process(process.pid)
            most["python"] = max(most["python"], own.memory_info().rss >> 20)
            for child in own.children(recursive=True):
                if child.name() == "java":
                    most["jvm"] = max(most["jvm"], child.memory_info().rss >> 20)
        except psutil.NoSuchProcess:
            pass
        time.sleep(0.2)
    return most


def measure(system: System, folder: Path, rows: int) -> dict[str, Any]:
    submit = "--driver-memory 1g --conf spark.ui.enabled=false pyspark-shell"
    environ = {**system.env, "PYTHONPATH": str(ROOT), "PYSPARK_SUBMIT_ARGS": submit}
    subprocess.run([sys.executable, "-c", _MAKE, str(folder), str(rows)], check=True, env=environ, cwd=folder.parent)
    system.env["CASTRO_WAREHOUSE_DIR"] = str(folder)
    process = system.start("extract", "--mode", "full", "--table", _TARGET, "--json", capture=True)
    found: dict[str, int] = {}
    watcher = threading.Thread(target=lambda: found.update(peak_memory(process)))
    watcher.start()
    assert process.stdout is not None
    text = process.stdout.read().decode()
    watcher.join()
    assert process.returncode == 0, "the extract failed"
    (told,) = json.loads(text[text.index("[\n") :])
    return {
        "rows_read": told["read"], "seconds": told["seconds"], "rows_a_second": round(told["read"] / told["seconds"]),
        "driver_python_mb": found["python"], "driver_jvm_mb": found["jvm"],
    }  # fmt: skip


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rows", type=int, default=10_000_000)
    given = arguments.parse_args()
    os.environ["CASTRO_MASTER"] = f"local[{os.cpu_count()}]"
    with tempfile.TemporaryDirectory() as folder, Stack(Path(folder) / "stack", die_with_parent=True) as stack:
        for rows in (given.rows // 4, given.rows):
            home = Path(folder) / str(rows)
            home.mkdir()
            system = System(stack, home)
            system.job("migrate", "--skip-topics")
            print(json.dumps(measure(system, home / "warehouse", rows)), flush=True)
            system.end()


if __name__ == "__main__":
    main()
