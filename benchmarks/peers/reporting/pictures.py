"""Runs -> SVG pictures, readable on light and dark pages. Pure."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from html import escape

from benchmarks.peers.contestants import CONTESTANTS
from benchmarks.peers.reporting.tables import OURS, Run, counted, rate, title

_WIDTH, _LEFT, _ROW, _TOP = 860, 330, 22, 34
_PLOT = _WIDTH - _LEFT - 110
_STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#24292f}.head{font-weight:600}.grid{stroke:#d0d7de}"
    ".bar{fill:#8c959f}.ours{fill:#0969da}.range{stroke:#24292f;stroke-width:1.5}"
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}.grid{stroke:#30363d}.range{stroke:#e6edf3}"
    ".bar{fill:#6e7681}.ours{fill:#4493f8}}"
)


def drains(runs: Sequence[Run]) -> str:
    """Records a second from the claim: bars, with the least and the most of the rounds."""
    mine = [r for r in counted(runs) if r["kind"] == "drain"]
    groups = [(_title(mine, load), _figures(mine, load)) for load in dict.fromkeys(r["load"] for r in mine)]
    most = max((max(values) for _, figures in groups for _, values in figures), default=1.0)
    shapes: list[str] = []
    y = _TOP
    for heading, figures in groups:
        shapes.append(_text(10, y, heading, "head"))
        y += _ROW
        for name, values in figures:
            middle = statistics.median(values)
            shapes += [_label(name, y), _bar(name, y, _PLOT * middle / most)]
            if len(values) > 1:
                shapes.append(_range(y, *(_LEFT + _PLOT * v / most for v in (min(values), max(values)))))
            shapes.append(_text(_LEFT + _PLOT * max(values) / most + 8, y, f"{middle:,.0f}"))
            y += _ROW
        y += _ROW / 2
    words = "Records a second from the claim; job in brackets; the line: least and most of the rounds"
    return _picture(words, y, shapes)


def lives(runs: Sequence[Run]) -> str:
    """From p50 to p99 of the time to PostgreSQL's commit, on a logarithmic scale."""
    mine = [r for r in counted(runs) if r["kind"] == "live"]
    shapes: list[str] = []
    y = _TOP
    low, high = 1.0, max((r["postgres"]["p99"] for r in mine), default=10.0)
    scale = _PLOT / math.log10(high / low)

    def at(milliseconds: float) -> float:
        return _LEFT + scale * math.log10(max(milliseconds, low) / low)

    for load in dict.fromkeys(r["load"] for r in mine):
        shapes.append(_text(10, y, _title(mine, load), "head"))
        y += _ROW
        for name in CONTESTANTS:
            if of := [r for r in mine if (r["load"], r["contestant"]) == (load, name)]:
                p50, p99 = (statistics.median(r["postgres"][q] for r in of) for q in ("p50", "p99"))
                kind = "ours" if name == OURS else "bar"
                shapes.append(_label(name, y))
                shapes.append(
                    f'<rect class="{kind}" x="{at(p50):.1f}" y="{y - 11:.1f}" width="{max(at(p99) - at(p50), 2):.1f}"'
                    ' height="14" rx="2"/>'
                )
                shapes.append(_text(at(p99) + 8, y, f"{p50:,.0f} to {p99:,.0f} ms"))
                y += _ROW
        y += _ROW / 2
    return _picture("From sent to committed in PostgreSQL, p50 to p99, logarithmic; job in brackets", y, shapes)


def _figures(runs: Sequence[Run], load: str) -> list[tuple[str, list[float]]]:
    mine = [r for r in runs if r["load"] == load]
    by_name = {name: [rate(r, "claim") for r in mine if r["contestant"] == name] for name in CONTESTANTS}
    return [(name, values) for name, values in by_name.items() if values]


def _title(runs: Sequence[Run], load: str) -> str:
    return str(next(r["title"] for r in runs if r["load"] == load))


def _label(name: str, y: float) -> str:
    return _text(_LEFT - 8, y, f"{title(name)} ({CONTESTANTS[name].job.value})", anchor="end")


def _bar(name: str, y: float, width: float) -> str:
    kind = "ours" if name == OURS else "bar"
    return f'<rect class="{kind}" x="{_LEFT}" y="{y - 11:.1f}" width="{max(width, 1):.1f}" height="14" rx="2"/>'


def _range(y: float, begin: float, end: float) -> str:
    return f'<path class="range" d="M{begin:.1f} {y - 4:.1f}H{end:.1f}"/>'


def _text(x: float, y: float, words: str, kind: str = "", anchor: str = "start") -> str:
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(words)}</text>'


def _picture(words: str, height: float, shapes: Sequence[str]) -> str:
    size = f'width="{_WIDTH}" height="{height:.0f}" viewBox="0 0 {_WIDTH} {height:.0f}"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img">', f"<title>{escape(words)}</title>",
        f"<style>{_STYLE}</style>", *shapes, "</svg>",
    ]  # fmt: skip
    return "\n".join(lines) + "\n"
