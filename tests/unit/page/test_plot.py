"""Series over time as figures."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from castro_spark.page.figures.plot import SIZES, Series, figure
from castro_spark.page.words.formats import filters
from castro_spark.page.words.language import language

UNTIL = datetime(2026, 11, 29, 15, tzinfo=timezone.utc)  # noon in São Paulo
SINCE = UNTIL - timedelta(hours=24)
ZONE = ZoneInfo("America/Sao_Paulo")
FIVE = timedelta(minutes=5)


def drawn(*series: Series):
    return figure(series, SINCE, UNTIL, ZONE, gap=2 * FIVE, written="number")


def test_a_line_breaks_where_nothing_was_measured() -> None:
    points = [(UNTIL - timedelta(minutes=m), 10.0) for m in (60, 55, 30, 5, 0)]
    found = drawn(Series("lag", "one", points))
    assert [drawing.size for drawing in found.drawings] == list(SIZES)
    for drawing in found.drawings:
        (line,) = drawing.lines
        assert len(line.pieces) == 2
        assert len(line.dots) == 1
        assert line.pieces[1].split()[-1] == f"{drawing.right}.0,{line.dots[0][1]}"
    assert found.rows == [
        (datetime(2026, 11, 29, 12, tzinfo=ZONE), [10.0]),
        (datetime(2026, 11, 29, 11, tzinfo=ZONE), [10.0]),
    ]


def test_hours_are_local_and_ticks_are_round() -> None:
    found = drawn(Series("a", "one", [(UNTIL, 0.37)]), Series("b", "two", [(UNTIL - FIVE, 0.1)]))
    assert [[at.hour for at, _ in drawing.hours] for drawing in found.drawings] == [[16, 20, 0, 4, 8, 12], [18, 0, 6, 12]]
    for drawing in found.drawings:
        assert [round(value, 3) for value, _ in drawing.ticks] == [0, 0.1, 0.2, 0.3, 0.4]
    assert found.rows[0][1] == [0.37, None]
    assert drawn().is_empty and drawn(Series("a", "one", [])).is_empty


@pytest.mark.parametrize("most", [0.02, 0.9, 3.1, 7.5, 9.9, 11, 59, 100, 290, 1000, 5000, 90_000, 900_000])
def test_ticks_of_times_are_told_apart(most: float) -> None:
    found = figure([Series("p99", "one", [(UNTIL, most)])], SINCE, UNTIL, ZONE, gap=FIVE, written="duration")
    ticks = [value for value, _ in found.drawings[0].ticks]
    assert 3 <= len(ticks) <= 5
    english = filters(language("en"), ZONE, None)["duration"]
    assert [_seconds(english(value)) for value in ticks] == pytest.approx(ticks)


def _seconds(written: str) -> float:
    amount, unit = written.split()
    return float(amount) * {"ms": 0.001, "sec": 1, "min": 60, "hr": 3600, "days": 86400, "wks": 604800}[unit]


@settings(deadline=None, max_examples=50)
@given(st.lists(st.floats(0, 1e12), max_size=20))
def test_everything_lies_within(values: list[float]) -> None:
    found = drawn(Series("a", "one", [(SINCE + n * FIVE, value) for n, value in enumerate(values)]))
    for drawing in found.drawings:
        points = [point.split(",") for line in drawing.lines for piece in line.pieces for point in piece.split()]
        points += [dot for line in drawing.lines for dot in line.dots]
        assert all(drawing.left <= float(x) <= drawing.right and 0 <= float(y) <= drawing.bottom for x, y in points)
        assert 2 <= len(drawing.ticks) <= 6
