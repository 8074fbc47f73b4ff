"""A small warehouse of a system's own, for jobs that run as processes."""

from __future__ import annotations

import subprocess
import sys

from tests.system import ROOT, System

TRANSACTIONS = 90
_MAKE = f"""
import sys
from pathlib import Path
from castro_spark.local.warehouse import make
make(Path(sys.argv[1]), "America/Sao_Paulo", products=20, years=1, transactions={TRANSACTIONS}, report=lambda *_: None)
"""


def with_small_warehouse(system: System) -> System:
    """Makes it, and names it in the system's environment."""
    folder = system.folder / "warehouse"
    env = {**system.env, "PYTHONPATH": str(ROOT)}
    subprocess.run([sys.executable, "-c", _MAKE, str(folder)], check=True, cwd=system.folder, env=env)
    system.env["CASTRO_WAREHOUSE_DIR"] = str(folder)
    return system
