"""One product's page: series made whole, folded texts, and the glossary."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from castro_spark.page.product import glossary
from castro_spark.page.product.search import folded
from castro_spark.page.product.series import Point, periods, points
from castro_spark.product_columns import COLUMNS
from castro_spark.streams import all_streams

D = Decimal
ROOT = Path(__file__).resolve().parents[3]
KINDS = {"quantity", "money", "price", "share", "days", "number", "text", "flag", "day", "moment"}


def row(first_day: date, **sums: Decimal | None) -> dict[str, object]:
    none = dict.fromkeys(("received", "issued", "moved", "sold", "price", "bought", "cost"))
    return {"first_day": first_day, **none, **sums}


def test_every_period_has_a_point_and_the_stock_is_walked_back() -> None:
    days = [date(2026, 3, day) for day in (1, 2, 3, 4)]
    rows = [
        row(days[1], received=D(5), issued=D(2), moved=D(3), bought=D(5), cost=D("1.5")),
        row(days[3], issued=D(4), received=D(0), moved=D(-4), sold=D(4), price=D("2.5")),
    ]
    nothing = D(0)
    assert points(rows, days, (D(20), D(16))) == [
        Point(days[0], nothing, nothing, nothing, nothing, D(17), None, None),
        Point(days[1], D(5), D(2), nothing, D(5), D(20), None, D("1.5")),
        Point(days[2], nothing, nothing, nothing, nothing, D(20), None, None),
        Point(days[3], nothing, D(4), D(4), nothing, D(16), D("2.5"), None),
    ]


def test_the_period_under_way_does_not_move_those_before_it() -> None:
    """The row of this month may have movements of tomorrow, which the stock now has not."""
    months = [date(2026, 1, 1), date(2026, 2, 1)]
    rows = [row(months[0], moved=D(10)), row(months[1], moved=D(99))]
    assert [p.stock for p in points(rows, months, (D(10), D(15)))] == [D(10), D(15)]


def test_periods_are_days_or_months() -> None:
    assert periods(date(2024, 2, 28), date(2024, 3, 1), months=False) == [
        date(2024, 2, 28),
        date(2024, 2, 29),
        date(2024, 3, 1),
    ]
    assert periods(date(2025, 11, 1), date(2026, 2, 28), months=True) == [
        date(2025, 11, 1), date(2025, 12, 1), date(2026, 1, 1), date(2026, 2, 1)
    ]  # fmt: skip
    assert periods(date(2026, 2, 1), date(2026, 2, 1), months=True) == [date(2026, 2, 1)]


@given(st.dictionaries(st.integers(0, 40), st.decimals(-1000, 1000, places=6), max_size=20), st.integers(0, 40))
def test_differences_of_the_stock_are_the_movements(moves: dict[int, Decimal], last: int) -> None:
    first = date(2026, 1, 1)
    days = [first + timedelta(days=n) for n in range(last + 1)]
    rows = [row(first + timedelta(days=n), moved=m) for n, m in moves.items() if n <= last]
    now = D(7)
    stocks = [p.stock for p in points(rows, days, (now - moves.get(last, D(0)), now))]
    assert stocks[-1] == now
    assert [after - before for before, after in pairwise(stocks)] == [
        moves.get(n, D(0)) for n in range(1, last + 1)
    ]


@pytest.mark.parametrize(
    ("text", "as_searched"),
    [("AÇÚCAR Refinado", "acucar refinado"), ("Pa\u0303o", "pao"), ("ﬁno 10²", "fino 102"), ("Łódź", "Łodz"), ("", "")],
)
def test_folded(text: str, as_searched: str) -> None:
    assert folded(text) == as_searched


def test_the_glossary_has_every_number_in_both_languages() -> None:
    fields = {column for stream in all_streams().values() for column in stream.columns}
    fields -= {"product_code", "timestamp", *(stream.price for stream in all_streams().values())}
    series = {"stock", "in", "out", "sales", "purchases", "price", "cost"}
    wanted = {*COLUMNS, *(f"event.{f}" for f in fields | {"price", "value_total"}), *(f"series.{s}" for s in series)}
    for language in ("en", "pt_BR"):
        terms = glossary.terms(language)
        assert terms.keys() == wanted
        assert {term.kind for term in terms.values()} <= KINDS
        assert [column for column, term in terms.items() if not term.name or not term.meaning.endswith(".")] == []
    assert "7 dias" in glossary.terms("pt_BR")["in_volume_7d"].meaning
    assert not any("{" in term.meaning for term in glossary.terms("en").values())
