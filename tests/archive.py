"""What a test reads of an archive: with pyarrow and json, by Delta's own log, so with nothing of the product."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pyarrow.dataset as ds
import pyarrow.parquet as pq

Row = dict[str, Any]


def folder(system: Any) -> Path:
    """The archive of a system's inventory (the fixture `archived`)."""
    path: Path = system.folder / "archive" / "inventory"
    return path


def files(folder: Path) -> list[Path]:
    """The data files that the table consists of now."""
    held: dict[str, None] = {}
    for action in actions(folder):
        if "add" in action:
            held[action["add"]["path"]] = None
        if "remove" in action:
            del held[action["remove"]["path"]]
    return [folder / unquote(path) for path in held]


def actions(folder: Path) -> list[dict[str, Any]]:
    """Every action of every commit, in order (a test's table is young: none of its log is gone)."""
    commits = sorted((folder / "_delta_log").glob("*.json"))
    return [json.loads(line) for commit in commits for line in commit.read_text().splitlines()]


def operations(folder: Path) -> list[str]:
    return [a["commitInfo"]["operation"] for a in actions(folder) if "commitInfo" in a]


def positions(folder: Path) -> dict[int, int]:
    """The offsets that the newest commit tells."""
    newest = [a["commitInfo"] for a in actions(folder) if "commitInfo" in a][-1]
    return {int(p): o for p, o in json.loads(newest["userMetadata"])["castro_archive"]["positions"].items()}


def rows(folder: Path) -> list[Row]:
    """The table's rows by partition and offset, each with its arrival day (the folder that it is in) as text."""
    found = []
    for file in files(folder):
        day = file.parent.name.removeprefix("arrival_day=")
        found += [{**row, "arrival_day": day} for row in pq.ParquetFile(file).read().to_pylist()]
    return sorted(found, key=lambda r: (r["generation"], r["partition"], r["offset"]))


def places(folder: Path) -> list[tuple[int, int]]:
    """Each row's partition and offset, in order; only these columns are read."""
    held = [str(file) for file in files(folder)]
    if not held:
        return []
    table = ds.dataset(held).to_table(columns=["partition", "offset"])
    return sorted(zip(table["partition"].to_pylist(), table["offset"].to_pylist(), strict=True))
