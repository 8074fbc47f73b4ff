"""The rules of critical products and the life of their episodes, as pure functions."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from castro_spark.critical.decision import Decision, Episode, Reason, decide
from castro_spark.critical.rules import Measured, Movement, Rule, Verdict, least_times, verdicts
from castro_spark.errors import SettingsError
from castro_spark.sections.critical import CriticalRules, UnusualMovementRule
from castro_spark.settings import load_settings

OFF: dict[str, Any] = dict.fromkeys(("flagged", "below_minimum", "low_cover", "unusual_movement"))
UNUSUAL = {"history_days": 90, "least_days": 3, "score": 8, "ends_at": 4, "least_spread": 0.2}
ALL = {"flagged": {"classes": ["A"]}, "below_minimum": {"ends_at": 1.1}, "low_cover": {"days": 3, "ends_at": 5},
       "unusual_movement": UNUSUAL}  # fmt: skip
RULES = CriticalRules.model_validate(ALL)
DAY = date(2026, 6, 1)
amounts = st.decimals(-10**9, 10**9, places=6) | st.decimals(-10**33, 10**33, places=6)
measured = st.builds(
    Measured, st.just("P"), st.none() | st.booleans(), st.sampled_from([None, "A", "B"]), st.none() | amounts, st.none() | amounts,
    amounts.map(abs),
    st.lists(st.builds(Movement, st.sampled_from(["in", "out"]), st.just(DAY), amounts, st.integers(0, 9), amounts.map(abs),
                       amounts.map(abs)), max_size=2).map(tuple),
)  # fmt: skip


def verdict(rule: str, **product: Any) -> Verdict:
    (found,) = verdicts(Measured("P", **product), CriticalRules.model_validate({**OFF, rule: ALL[rule]}))
    assert found.rule.value == rule
    return found


@given(measured)
def test_what_starts_an_episode_also_lasts(product: Measured) -> None:
    found = list(verdicts(product, RULES))
    assert [v.rule for v in found] == list(Rule)
    assert all(v.lasts for v in found if v.starts)


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), max_size=30))
def test_an_episode_starts_below_one_limit_and_ends_above_the_other(steps: list[tuple[int, bool]]) -> None:
    """Any course of the stock, minimum 10, end 11: by a model of its own."""
    last: Episode | None = None
    number, lasts = 0, False
    for stock, fresh in steps:
        found = verdict("below_minimum", stock=Decimal(stock), minimum=Decimal(10))
        decision = decide(last, found, fresh=fresh)
        before = lasts
        if lasts:
            lasts = stock < 11
        elif fresh and stock < 10:
            number, lasts = number + 1, True
        assert (decision.reason is Reason.STARTED) == (lasts and not before)
        assert (decision.reason is Reason.ENDED) == (before and not lasts)
        if decision.reason in (Reason.STARTED, Reason.ENDED):
            last = Episode(decision.number, decision.reason is Reason.STARTED)
        assert (last.number if last else 0) == number


@pytest.mark.parametrize(
    ("last", "starts", "lasts", "fresh", "expected"),
    [
        (None, True, True, True, Decision(Reason.STARTED, 1)),
        (None, True, True, False, Decision(Reason.HELD_BACK, 0)),
        (None, False, True, True, Decision(Reason.QUIET, 0)),
        (Episode(3, True), False, True, False, Decision(Reason.NOTICED, 3)),
        (Episode(3, True), False, False, False, Decision(Reason.ENDED, 3)),
        (Episode(3, False), True, True, True, Decision(Reason.STARTED, 4)),
        (Episode(3, False), True, True, False, Decision(Reason.HELD_BACK, 3)),
    ],
)
def test_decisions(last: Episode | None, starts: bool, lasts: bool, fresh: bool, expected: Decision) -> None:
    assert decide(last, Verdict(Rule.LOW_COVER, None, starts, lasts, ""), fresh=fresh) == expected


def test_what_is_not_known_neither_starts_nor_lasts() -> None:
    assert {(v.starts, v.lasts) for v in verdicts(Measured("P"), RULES)} == {(False, False)}
    assert not verdict("below_minimum", stock=Decimal(-1), minimum=Decimal(0)).starts  # 0: no minimum


def test_limits_themselves() -> None:
    def of_stock(stock: str) -> tuple[bool, bool]:
        found = verdict("below_minimum", stock=Decimal(stock), minimum=Decimal(10))
        return found.starts, found.lasts

    assert [of_stock(s) for s in ("9.999999", "10", "10.999999", "11")] == [(True, True), (False, True), (False, True), (False, False)]

    def of_cover(stock: str) -> tuple[bool, bool]:
        found = verdict("low_cover", stock=Decimal(stock), issued=Decimal(30))
        return found.starts, found.lasts

    assert [of_cover(s) for s in ("2.999999", "3", "4.999999", "5")] == [(True, True), (False, True), (False, True), (False, False)]


def test_the_score_has_a_least_spread_and_few_days_are_not_judged() -> None:
    def of_day(quantity: int, spread: int, days: int = 3) -> Decimal | None:
        return verdict("unusual_movement", movements=(Movement("out", DAY, Decimal(quantity), days, Decimal(10), Decimal(spread)),)).value

    assert of_day(26, 0) == 8  # the spread is a fifth of the median
    assert of_day(110, 10) == round(Decimal(100) / Decimal("14.826"), 6)
    assert of_day(26, 0, days=2) is None


@given(amounts.map(abs), amounts.map(abs), amounts.map(abs))
def test_no_smaller_quantity_lasts(quantity: Decimal, median: Decimal, spread: Decimal) -> None:
    movement = Movement("in", DAY, quantity, 9, median, spread)
    found = verdict("unusual_movement", movements=(movement,))
    assert not found.lasts or quantity >= median * least_times(UnusualMovementRule.model_validate(UNUSUAL))


def test_limits_that_cannot_be_are_refused(tmp_path: Any) -> None:
    conf = tmp_path / "c.yaml"
    for text, key in (
        ("critical: {rules: {low_cover: {days: 5, ends_at: 3}}}", "critical.rules.low_cover"),
        ("critical: {rules: {unusual_movement: {score: 1}}}", "critical.rules.unusual_movement"),
        ("critical: {rules: {below_minimum: {ends_at: 0.9}}}", "critical.rules.below_minimum.ends_at"),
        ("critical: {poll_seconds: 60}", "critical.poll_seconds"),
        ("product_360: {master_data: {product_class: klass}}", "product_360.master_data.product_class: klass is no column of"),
        ("product_360: {master_data: {critical: category}}", "product_360.master_data.critical: category is text in"),
        ("product_360: {master_data: {table: ml_stock_levels}}", "product_360.master_data"),
    ):
        conf.write_text(text)
        with pytest.raises(SettingsError, match=key):
            load_settings(conf_file=conf, environ={})
    conf.write_text("critical: {rules: {low_cover: null}}")
    assert load_settings(conf_file=conf, environ={}).critical.rules.low_cover is None
