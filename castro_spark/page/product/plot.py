"""A product's series as its script plots them. Labels are words of the server: a browser knows no zone but its own."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Any

from babel.dates import format_date

from castro_spark.page.product.glossary import terms
from castro_spark.page.product.series import Point, Span
from castro_spark.page.words.language import Language, language, text

# Each chart: its name, and its series: the glossary's term, the attribute of a Point, how it is drawn: as steps, a line
# with dots, or bars, up from zero what comes in and down from it what goes out.
CHARTS: tuple[tuple[str, tuple[tuple[str, str, str], ...]], ...] = (
    ("stock", (("stock", "stock", "step"),)),
    ("movements", (("in", "received", "up"), ("out", "issued", "down"))),
    ("trade", (("purchases", "bought", "up"), ("sales", "sold", "down"))),
    ("prices", (("price", "price", "line"), ("cost", "cost", "line"))),
)
_MID_MONTH, _FEW_MONTHS = 15, 36


def plot(points: Sequence[Point], span: Span, spoken: Language) -> dict[str, Any]:
    """What product.js draws: `labels` of the points, `ticks` (index, label) of the axis, and the charts.

    Numbers are floats here: pixels need no more. The table beside the plot has the exact ones.
    """
    words = terms(spoken.code)
    charts = [
        {
            "name": name,
            "series": [
                {
                    "name": words[f"series.{term}"].name,
                    "colour": term,
                    "shape": shape,
                    "values": [_float(getattr(point, attribute)) for point in points],
                }
                for term, attribute, shape in drawn
            ],
        }
        for name, drawn in CHARTS
    ]
    days = [point.first_day for point in points]
    return {
        "language": spoken.tag,
        "period": spoken.words.gettext(text("Month") if span is Span.MONTHS else text("Day")),
        "labels": [label(spoken.code, day, span is Span.MONTHS) for day in days],
        "ticks": list(_ticks(days, span, spoken)),
        "charts": charts,
    }


def label(code: str, day: date, is_month: bool) -> str:
    """A day, or a month and its year, in short."""
    return _written(code, day, "MMM y") if is_month else _written(code, day, "medium")


def _ticks(days: Sequence[date], span: Span, spoken: Language) -> list[tuple[int, str]]:
    """Of the last 90 days the first of each month and its middle; of more days, and of few months, each month; of many
    months each year. The script leaves out those for which it has no room."""
    if span is Span.MONTHS and len(days) > _FEW_MONTHS:
        return [(n, str(day.year)) for n, day in enumerate(days) if day.month == 1 or n == 0]
    if span is Span.QUARTER:
        return [(n, _written(spoken.code, day, "d MMM")) for n, day in enumerate(days) if day.day in (1, _MID_MONTH)]
    return [(n, _written(spoken.code, day, "MMM yy")) for n, day in enumerate(days) if day.day == 1]


@lru_cache(maxsize=20_000)  # some years of days: to write one takes as long as to read it from PostgreSQL
def _written(code: str, day: date, form: str) -> str:
    return format_date(day, form, locale=language(code).locale)


def _float(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
