"""A day beside the usual ones: volume, null rates, schema and drift, judged on literal evidence."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from castro_spark.quality.judge.drift import DayPrices, judge_drift
from castro_spark.quality.judge.nulls import Nulls, judge_nulls
from castro_spark.quality.judge.schema import Schema, judge_schema
from castro_spark.quality.judge.volume import Volumes, judge_volume
from castro_spark.quality.measure.events import holidays_among
from castro_spark.quality.result import Outcome, Result
from castro_spark.settings import load_settings
from tests.unit.quality.limits import DAY, FAIL, NO_DATA, PASS, QUALITY, WARN, WEEK

# Volume


def volume(events: int, before: list[int], **changes: Any) -> Result:
    days = {DAY - n * WEEK: count for n, count in enumerate(before, 1)}
    seen: dict[str, Any] = {"day": DAY, "events": {DAY: events, **days}, "first": date(2025, 1, 1) if len(before) > 20 else DAY - len(before) * WEEK}
    return judge_volume("s", Volumes(**{**seen, **changes}), QUALITY.volume)


WEEKS = [1000, 1100, 900, 1050, 950, 1000, 1020, 980]


@pytest.mark.parametrize(("events", "outcome"), [(1000, PASS), (1400, PASS), (2000, WARN), (3200, FAIL), (500, WARN), (0, FAIL)])
def test_a_day_is_compared_with_its_weekdays(events: int, outcome: Outcome) -> None:
    assert volume(events, WEEKS).outcome is outcome


def test_a_day_is_not_in_its_own_baseline_and_too_few_days_judge_nothing() -> None:
    assert str(DAY) not in volume(1000, WEEKS).evidence["baseline"]  # type: ignore[operator]
    assert volume(9000, WEEKS[:3]).outcome is NO_DATA
    assert volume(9000, WEEKS[:4]).outcome is FAIL
    assert volume(9000, [3] * 8).outcome is NO_DATA  # too few events


def test_days_that_vary_much_allow_more() -> None:
    assert volume(2000, [300, 2500, 700, 1500, 400, 3000, 900, 600]).outcome is PASS


def test_holidays_are_no_baseline_and_may_be_quiet_but_not_doubled() -> None:
    holiday = {DAY - WEEK, DAY - 2 * WEEK}
    before = [0, 10, *WEEKS]
    quiet = volume(1000, before, holidays=holiday)
    assert quiet.outcome is PASS
    assert len(quiet.evidence["baseline"]) == 8  # type: ignore[arg-type]
    assert volume(0, WEEKS, holidays={DAY}).outcome is PASS
    assert volume(3500, WEEKS, holidays={DAY}).outcome is FAIL


def test_holidays_are_those_of_the_country_and_optional_ones_where_it_has_any() -> None:
    days = [date(2026, 2, 17), date(2026, 2, 18), date(2026, 12, 25)]  # the first is Carnival's Tuesday
    limits = load_settings(environ={}).quality.volume

    def among(country: str | None) -> list[date]:
        return holidays_among(days, limits.model_copy(update={"holiday_country": country, "holiday_subdivision": None}))

    assert among("BR") == days
    assert among("DE") == [date(2026, 12, 25)]  # its calendar has no optional ones
    assert among(None) == []


def test_unusual_days_are_no_baseline_until_they_are_the_usual_ones() -> None:
    shifted = [3000, 3000, 3000, *WEEKS]
    excluded = {DAY - n * WEEK for n in (1, 2, 3)}
    assert volume(3000, shifted, excluded=excluded).outcome is WARN
    lasting = {DAY - n * WEEK for n in (1, 2, 3, 4)}
    assert volume(3000, [3000, *shifted], excluded=lasting).outcome is PASS


@given(st.lists(st.integers(100, 10_000), min_size=4, max_size=8), st.integers(2, 9))
def test_volume_depends_on_no_unit(before: list[int], factor: int) -> None:
    """A day that equals the median is never unusual, whatever the spread."""
    middle = sorted(before)[len(before) // 2]
    assert volume(middle, [middle] * len(before)).outcome is PASS
    assert volume(middle * 4, [middle] * len(before)).outcome is FAIL


# Null rates, schema, drift


def nulls(ago: int, n: int, rows: int = 1000, kind: str = "SAIDA") -> Nulls:
    return Nulls(DAY - timedelta(days=ago), kind, rows, {"customer": n})


def judged_nulls(today: Nulls, before: list[Nulls]) -> Result:
    return judge_nulls("s", [today], before, QUALITY.null_rates, lambda _: QUALITY.null_rates)


def test_null_rates_rise_beyond_the_usual_and_beyond_its_spread() -> None:
    calm = [nulls(n, 50) for n in range(1, 10)]
    wild = [nulls(n, share) for n, share in enumerate([0, 700, 300, 600, 100, 500, 50, 760], 1)]
    assert judged_nulls(nulls(0, 60), calm).outcome is PASS
    assert judged_nulls(nulls(0, 0), calm).outcome is PASS  # fewer nulls are no fault
    assert judged_nulls(nulls(0, 260), calm).outcome is FAIL
    assert judged_nulls(nulls(0, 800), wild).outcome is PASS
    assert judged_nulls(nulls(0, 1000), wild).outcome is FAIL  # gone altogether, which it never was
    assert judged_nulls(nulls(0, 90, rows=90), calm).outcome is NO_DATA
    assert judged_nulls(nulls(0, 1000, kind="AJUSTE"), calm).outcome is NO_DATA
    assert judged_nulls(nulls(0, 1000), [nulls(n, 1000) for n in range(1, 9)]).outcome is PASS


def test_schema() -> None:
    def judged(**seen: Any) -> Result:
        return judge_schema("s", Schema(**seen), QUALITY.schema_)

    assert judged().outcome is PASS
    assert judged(lacks=["no column"]).outcome is FAIL
    assert judged(extra=["t.x"]).outcome is WARN
    assert judged(unknown=["novo"]).outcome is WARN
    assert judged(missing={"deposito": 19}).outcome is PASS
    assert judged(missing={"deposito": 20}, unknown=["deposito_id"]).words == (
        "field deposito is missing in 20 rejected records; new fields in records: deposito_id; they are ignored"
    )
    gone = {"tested": [nulls(0, 1000)], "field_names": {"customer": "cliente"}}
    assert judged(**gone, baseline=[nulls(1, 500)]).words.startswith("field cliente has vanished")
    assert judged(**gone, baseline=[nulls(1, 1000)]).outcome is PASS  # it never was there
    assert judged(**gone, baseline=[nulls(1, 999)]).outcome is PASS  # so rare that a day without it is likely


def prices(ago: int, jumps: int = 0, quantity: float = 2.0, rows: int = 500) -> DayPrices:
    return DayPrices(DAY - timedelta(days=ago), rows, rows, jumps, 0.0, quantity, ["E1"])


def test_drift_from_and_to_quantities_of_zero() -> None:
    zero = float("-inf")  # its logarithm

    def judged(day: float, before: Sequence[float]) -> tuple[Outcome, str]:
        days = [prices(n, quantity=quantity) for n, quantity in enumerate(before, 1)]
        found = judge_drift("sales", "unit_price", [prices(0, quantity=day)], days, QUALITY.drift)
        return found.outcome, found.words.rpartition("; ")[2]

    assert judged(math.log(100), [zero] * 9) == (FAIL, f"{DAY}: the median quantity is 100.0, usually 0.0")
    assert judged(zero, [2.0] * 9) == (FAIL, f"{DAY}: the median quantity is 0.0, usually 7.389")
    assert judged(zero, [zero] * 9)[0] is PASS
    assert judged(2.0, [zero, 2.0] * 5)[0] is PASS  # the days before vary without bounds


def test_drift_of_prices_and_quantities() -> None:
    before = [prices(n, jumps=n % 3) for n in range(1, 10)]

    def judged(*tested: DayPrices) -> Outcome:
        return judge_drift("s", "unit_cost", tested, before, QUALITY.drift).outcome

    assert judged(prices(0)) is PASS
    assert judged(prices(0, jumps=40)) is WARN
    assert judged(prices(0, jumps=200), prices(1)) is FAIL
    assert judged(prices(0, quantity=2.0 + 2.3)) is FAIL  # times ten
    assert judged(prices(0, quantity=2.0 - 2.3)) is FAIL
    assert judged(prices(0, jumps=50, rows=50)) is NO_DATA
