"""Writes the reference of docs/metrics.md from the catalogue: python -m castro_spark.observe.metrics.reference FILE."""

from __future__ import annotations

import sys
from pathlib import Path

from castro_spark.histogram import BOUNDS
from castro_spark.observe.metrics.catalogue import METRICS, Kind

BEGIN, END = "<!-- reference: begin -->", "<!-- reference: end -->"


def reference() -> str:
    """The table of all metrics, as Markdown."""
    rows = [
        f"| `{metric.name}` | {metric.kind.value} | {', '.join(metric.labels) or '-'} | {metric.words} |"
        for metric in METRICS
    ]
    histograms = ", ".join(f"`{metric.name}`" for metric in METRICS if metric.kind is Kind.HISTOGRAM)
    bounds = ", ".join(f"{bound:g}" for bound in BOUNDS)
    return "\n".join(
        ["| metric | type | labels | meaning |", "|---|---|---|---|", *rows, "", f"Bounds of {histograms}: {bounds} s."]
    )


def replaced(text: str) -> str:
    """A document with the reference between its marks."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"the document lacks {BEGIN} or {END}")
    return f"{before}{BEGIN}\n{reference()}\n{END}{after}"


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(replaced(path.read_text(encoding="utf-8")), encoding="utf-8")
