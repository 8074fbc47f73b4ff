"""Writes the measured part of docs/performance.md: tables between markers, and pictures beside them."""

from __future__ import annotations

import re
from typing import Any

from benchmarks.peers.reporting import pictures, report
from benchmarks.peers.reporting.engine_tables import engine, idles
from benchmarks.peers.reporting.limits_table import limits
from benchmarks.peers.reporting.tables import spread
from tests.system import ROOT

_PAGE = ROOT / "docs" / "performance.md"
_IMAGES = ROOT / "docs" / "images"


def write_page(found: dict[str, Any]) -> None:
    """Makes the page's tables and pictures anew."""
    runs = found["runs"]
    parts = {
        "machine": machine(found), "drains": report.drains(runs), "limits": limits(runs),
        "killed": report.kills(runs),
        "live": report.lives(runs), "engine": engine(runs), "idle": idles(runs),
        "processors": report.processors(runs), "promises": report.promises(runs),
    }  # fmt: skip
    _PAGE.write_text(with_parts(_PAGE.read_text(encoding="utf-8"), parts), encoding="utf-8")
    for name, draw in (("drains", pictures.drains), ("live", pictures.lives)):
        (_IMAGES / f"peers-{name}.svg").write_text(draw(runs), encoding="utf-8")


def machine(found: dict[str, Any]) -> str:
    """Where and when it was measured, and how busy that machine was with other things."""
    of, runs = found["machine"], found["runs"]
    others = spread([r["used"]["others_cores"] for r in runs if r["used"]], "{:.2f}")
    rounds = max((r["round"] for r in runs), default=0)
    return (
        f"Measured {of['at']} on {of['cpus']} processors ({of['cpu']}), {of['gib']} GiB, Linux {of['kernel']},"
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
