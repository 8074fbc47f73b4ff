"""Executes notebooks/ as a reader would, on real servers, and looks at what they say; CASTRO_NOTEBOOKS=folder also writes
their HTML there (notebooks/rebuild.sh)."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jupytext
import pytest
from jupyter_client.manager import KernelManager
from nbclient import NotebookClient

from castro_spark.local import Stack
from tests.builders import SAMPLE, native, retail_events
from tests.notebooks.page import as_page, without_machine
from tests.notebooks.season import season
from tests.system import ROOT, System

pytestmark = [pytest.mark.slow, pytest.mark.cluster]  # a JVM beside the tests' own: for ./test.sh all
NOTEBOOKS = sorted(path for path in (ROOT / "notebooks").glob("*.py"))
TABLES = {"inventory": "inventory_transactions", "sales": "sales_orders", "procurement": "purchases"}


@pytest.fixture(scope="module")
def scene(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Three streams and an archive with a generated half-year, 200 real rows, and then corrections of these."""
    system = System(stack, tmp_path_factory.mktemp("scene"), tuple(TABLES))
    system.env["CASTRO_ARCHIVE_DIR"] = str(system.folder / "archive")
    system.migrate()
    real = retail_events(shift_to_today=False, path=SAMPLE)
    for name, events in season().items():
        system.produce((native(e, TABLES[name]) for e in events), stream=name)
    system.produce((native(e) for e in real), partition=0)
    system.drain()
    corrected = [{**e, "quantidade": e["quantidade"] + 1} for e in real[2:5]] + [{**real[10], "quantidade": 0}]
    system.produce([*(native(e) for e in corrected), native({**real[20], "quantidade": "12,5"})], partition=0)
    system.drain()
    yield system
    system.end()


@pytest.fixture(scope="module")
def kernel(scene: System) -> Iterator[KernelManager]:
    """One kernel, and so one Spark, for all notebooks; each begins with an empty namespace."""
    manager = KernelManager(kernel_name="python3")
    env = {**scene.env, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}
    manager.start_kernel(env=env, cwd=str(scene.folder))
    yield manager
    manager.shutdown_kernel(now=True)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_it_runs(path: Path, kernel: KernelManager) -> None:
    client = kernel.blocking_client()
    client.start_channels()
    client.wait_for_ready(60)
    client.execute("%reset -f", store_history=False, reply=True, timeout=60)
    client.stop_channels()
    book = jupytext.read(path)
    NotebookClient(book, km=kernel, timeout=600, record_timing=False).execute()
    for cell in book.cells:
        without_machine(cell)
    shown = "\n".join(str(output) for cell in book.cells for output in cell.get("outputs", ()))
    for private in (str(Path.home()) + "/", str(ROOT), "/tmp/"):
        assert private not in shown
    CHECKS[path.stem](shown)
    if folder := os.environ.get("CASTRO_NOTEBOOKS"):
        page = as_page(book, path.stem)
        assert len(page) < 400_000
        Path(folder).mkdir(parents=True, exist_ok=True)
        (Path(folder) / f"{path.stem}.html").write_text(page)


def _one_product(shown: str) -> None:
    assert shown.count("image/png") == 2
    assert "demand_cv_90d" in shown


def _features_as_of(shown: str) -> None:
    assert shown.count("image/png") == 1
    assert "of 10 origins" in shown


def _parity(shown: str) -> None:
    assert "'only streamed': 0, 'only received': 0" in shown.replace("\\n", "")
    assert "'streamed': 200, 'received': 200" in shown


def _time_travel(shown: str) -> None:
    assert "bad_number" in shown
    corrected = {"536365-3", "536365-4", "536365-5", "536367-11"}
    assert set(re.findall(r"\b53\d{4}-\d+\b", shown)) == corrected  # and no others


CHECKS: dict[str, Any] = {
    "one_product": _one_product,
    "features_as_of": _features_as_of,
    "parity": _parity,
    "time_travel": _time_travel,
}
