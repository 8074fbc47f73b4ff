"""Writes the measured part of docs/performance.md: tables between markers, and pictures beside them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from benchmarks.peers.reporting import pictures, report
from benchmarks.peers.reporting.engine_tables import engine, idles
from benchmarks.peers.reporting.limits_table import limits
from benchmarks.peers.reporting.tables import Run, spread
from tests.system import ROOT

# The page's parts, each with the kind of load that it is of.
_TABLES: dict[str, tuple[str, Callable[[Sequence[Run]], str]]] = {
    "drains": ("drain", report.drains), "processors": ("drain", report.processors),
    "promises": ("drain", report.promises),
    "limits": ("limits", limits), "killed": ("killed", report.kills), "live": ("live", report.lives),
    "engine": ("live", engine), "idle": ("idle", idles),
}  # fmt: skip
_PAGE = ROOT / "docs" / "performance.md"
_IMAGES = ROOT / "docs" / "images"


def write_page(found: dict[str, Any]) -> None:
    """Makes those of the page's tables and pictures anew whose kind of load was measured; the others stay."""
    _PAGE.write_text(with_parts(_PAGE.read_text(encoding="utf-8"), parts_of(found)), encoding="utf-8")
    for name, kind, draw in (("drains", "drain", pictures.drains), ("live", "live", pictures.lives)):
        if any(r["kind"] == kind for r in found["runs"]):
            (_IMAGES / f"peers-{name}.svg").write_text(draw(found["runs"]), encoding="utf-8")


def parts_of(found: dict[str, Any]) -> dict[str, str]:
    """By name, the parts of the kinds of load that were measured: where and when, and their tables. Pure."""
    parts = {}
    for name, (kind, table) in _TABLES.items():
        runs = [r for r in found["runs"] if r["kind"] == kind]
        if text := table(found["runs"]) if runs else "":
            parts[name] = f"{machine(found, runs)}\n\n{text}"
    return parts


def machine(found: dict[str, Any], runs: Sequence[Run]) -> str:
    """Where and when these runs were measured, and how busy that machine was with other things."""
    of = found["machine"]
    others = spread([r["used"]["others_cores"] for r in runs if r["used"]], "{:.2f}")
    rounds = max(r["round"] for r in runs)
    return (
        f"Measured {of['at'][:10]} on {of['cpus']} processors ({of['cpu']}), {of['gib']} GiB, Linux {of['kernel']},"
        f" Python {of['python']}, {rounds} round{'s' * (rounds > 1)}. All else on the machine, the measuring itself and"
        f" the load's producer included, took {others} cores meanwhile (median, least and most of the runs)."
    )


def with_parts(page: str, parts: dict[str, str]) -> str:
    """The page with each part between its markers, `<!-- peers: NAME -->` and `<!-- end -->`. Pure."""
    for name, text in parts.items():
        marker = f"<!-- peers: {name} -->"
        if page.count(marker) != 1:
            raise ValueError(f"docs/performance.md: no marker {marker}, or several")
        pattern = re.compile(re.escape(marker) + r".*?<!-- end -->", re.DOTALL)
        whole = f"{marker}\n{text}\n<!-- end -->"
        page = pattern.sub(lambda _, whole=whole: whole, page)
    return page
