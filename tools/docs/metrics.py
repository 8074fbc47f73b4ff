"""The table of all metrics in docs/metrics.md, from their catalogue."""

from __future__ import annotations

from pathlib import Path

from castro_spark.observe.metrics.catalogue import METRICS, Kind
from castro_spark.process.histogram import BOUNDS
from tools.docs import markdown, marked

_MARK = "reference"


def reference() -> str:
    """The table of all metrics, as Markdown."""
    rows = [[markdown.code(m.name), m.kind.value, ", ".join(m.labels) or "-", m.words] for m in METRICS]
    histograms = ", ".join(f"`{metric.name}`" for metric in METRICS if metric.kind is Kind.HISTOGRAM)
    bounds = ", ".join(f"{bound:g}" for bound in BOUNDS)
    table = markdown.table(["metric", "type", "labels", "meaning"], rows)
    return f"{table}\n\nBounds of {histograms}: {bounds} s."


def page(document: Path) -> str:
    """The document with the table between its marks."""
    return marked.replaced(document, _MARK, reference())
