"""The retraining policy: PSI over frozen bins, the rules, and the decision."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from castro_spark.errors import SettingsError
from castro_spark.reconcile.report import Counts, StreamResult
from castro_spark.retraining.drift import GROWTH, Frozen, Measured, compare
from castro_spark.retraining.judgement import Drift, Evidence, Judged, Rule, judge
from castro_spark.retraining.policy import Decision, History, Past, Reason, decide
from castro_spark.retraining.psi import Bins, chi_squared_quantile, freeze, psi, sampling_limit
from castro_spark.retraining_settings import DriftRule, RetrainingSettings
from castro_spark.settings import load_settings

NOW = datetime(2026, 3, 2, 12, tzinfo=timezone.utc)
SETTINGS = load_settings(environ={}).retraining


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


def with_rules(**changes: object) -> RetrainingSettings:
    return RetrainingSettings.model_validate({**SETTINGS.model_dump(), **changes})


# ------------------------------------------------------------------------------------------------------------- psi


def test_psi_by_hand() -> None:
    # (0.5 - 0.25) ln(0.5 / 0.25) + (0.5 - 0.75) ln(0.5 / 0.75)
    assert psi([50, 50], [25, 75]) == pytest.approx(0.25 * 0.693147 + 0.25 * 0.405465, abs=1e-6)
    assert psi([10, 0], [10, 0]) == 0
    # An empty bin counts as half an observation.
    assert psi([100, 0], [90, 10]) == pytest.approx(0.1 * 0.1053605 + (0.005 - 0.1) * -2.9957323, abs=1e-6)


def test_psi_of_different_bins_or_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="2 bins against 1"):
        psi([1, 2], [1])
    with pytest.raises(ValueError, match="without observations"):
        psi([0, 0], [1, 0])


counted = st.lists(st.tuples(st.integers(0, 1000), st.integers(0, 1000)), min_size=1, max_size=15).filter(
    lambda pairs: all(sum(side) > 0 for side in zip(*pairs, strict=True))
)


@given(counted, st.randoms(use_true_random=False))
def test_psi_is_never_negative_and_knows_no_order(pairs: list[tuple[int, int]], chance: random.Random) -> None:
    one, other = zip(*pairs, strict=True)
    index = psi(one, other)
    assert index >= 0
    assert psi(one, one) == psi(other, other) == 0
    assert psi(other, one) == pytest.approx(index)
    chance.shuffle(pairs)
    assert psi(*zip(*pairs, strict=True)) == pytest.approx(index)


# The quantiles of statistical tables.
@pytest.mark.parametrize(("degrees", "quantile"), [(1, 6.635), (2, 9.210), (3, 11.345), (9, 21.666), (12, 26.217)])
def test_chi_squared_quantiles(degrees: int, quantile: float) -> None:
    assert chi_squared_quantile(degrees, 0.99) == pytest.approx(quantile, rel=0.01)


def test_samples_of_one_population_exceed_the_sampling_limit_as_rarely_as_it_says() -> None:
    chance = random.Random(20)
    beyond, runs = 0, 400
    for _ in range(runs):
        one, other = ([0] * 10 for _ in range(2))
        for sample, size in ((one, 300), (other, 200)):
            for _ in range(size):
                sample[chance.randrange(10)] += 1
        beyond += psi(one, other) > sampling_limit(one, other, 0.95)
    assert 0.02 < beyond / runs < 0.08, "seed 20"


def test_bins_that_are_empty_in_both_samples_do_not_raise_the_limit() -> None:
    assert sampling_limit([5, 5, 0], [5, 5, 0], 0.99) == sampling_limit([5, 5], [5, 5], 0.99)
    assert sampling_limit([5], [7], 0.99) == 0


def test_bins_have_each_edge_once() -> None:
    deciles = [Decimal(n) for n in (1, 1, 1, 1, 2, 2, 3, 3, 3, 5, 9)]
    bins = freeze(deciles)
    assert bins == Bins((Decimal(1), Decimal(2), Decimal(3), Decimal(5)), Decimal(9))
    assert bins.labels() == ("null", "below 1", "1 to 2", "2 to 3", "3 to 5", "5 to 9, included", "above 9")
    assert bins.counts({-1: 4, 0: 3, 2: 7, 5: 1}) == (4, 3, 0, 7, 0, 0, 1)


@pytest.mark.parametrize(
    ("quantiles", "bins", "labels"),
    [
        ([None] * 11, Bins((), None), ("null", "any value", "none")),
        ([Decimal(2)] * 11, Bins((Decimal(2),), Decimal(2)), ("null", "below 2", "2 to 2, included", "above 2")),
    ],
)
def test_bins_of_constant_and_of_absent_features(quantiles: list[Decimal | None], bins: Bins, labels: tuple[str, ...]) -> None:
    assert freeze(quantiles) == bins
    assert bins.labels() == labels
    assert len(bins.counts({})) == len(labels)


# ----------------------------------------------------------------------------------------------------------- drift

LOW, MIXED, HIGH = (0, 0, 90, 10, 0), (0, 0, 50, 50, 0), (0, 0, 10, 90, 0)
NONE = (0, 0, 0, 0, 0)


def grown(factor: str, nulls: int = 0) -> tuple[int, ...]:
    """A hundred products that grew by one factor."""
    number = sum(Decimal(factor) >= edge for edge in GROWTH.edges)
    return GROWTH.counts({number: 100, -1: nulls})


BINS = Bins((Decimal(1), Decimal(2)), Decimal(3))
FROZEN = Frozen(BINS, LOW, grown("1"))
RULE = SETTINGS.rules.drift or pytest.fail("drift is off")


@pytest.mark.parametrize(
    ("now", "year_before", "at_training", "growth", "drifts"),
    [
        (LOW, LOW, "1", "1", False),
        (HIGH, LOW, "1", "3", True),
        (HIGH, HIGH, "1", "1", False),  # the season
        (LOW, HIGH, "3", "3", False),  # the training knew it
        (HIGH, MIXED, "3", "3", False),  # the training knew it, and the season since
        (HIGH, LOW, "1", "1.1", False),  # a growth of less than a quarter
    ],
)
def test_drift_is_neither_season_nor_known(
    now: tuple[int, ...], year_before: tuple[int, ...], at_training: str, growth: str, drifts: bool
) -> None:
    frozen = Frozen(BINS, LOW, grown(at_training))
    compared = compare("sales.volume", frozen, Measured(now, year_before, grown(growth)), RULE, 50)
    assert compared.drift.drifts is drifts, compared


@pytest.mark.parametrize(("now", "drifts"), [(LOW, False), (HIGH, True)])
def test_without_a_year_before_the_training_alone_counts(now: tuple[int, ...], drifts: bool) -> None:
    nulls = GROWTH.counts({-1: 100})
    compared = compare("sales.volume", Frozen(BINS, LOW, nulls), Measured(now, NONE, nulls), RULE, 50)
    assert compared.drift.drifts is drifts
    assert compared.drift.words.endswith("; too few products a year before")


def test_drift_says_what_it_compared() -> None:
    few = compare("sales.volume", FROZEN, Measured((0, 0, 3, 2, 0), LOW, grown("1")), RULE, 50)
    assert few.drift == Drift("sales.volume", None, None, "5 products in the window: too few")
    moved = compare("sales.volume", FROZEN, Measured(HIGH, MIXED, grown("2", 3)), RULE, 50)
    assert moved.drift.words == "PSI 0.879 of the year before and now, limit 0.200"
    assert moved.evidence == {
        "bins": ("null", "below 1", "1 to 2", "2 to 3, included", "above 3"), "now": HIGH, "year_before": MIXED, "training": LOW,
        "growth_bins": ("null", "below 0", "0 to 0.25", "0.25 to 0.5", "0.5 to 0.67", "0.67 to 0.8", "0.8 to 1.25", "1.25 to 1.5",
                        "1.5 to 2", "2 to 4", "4 or more", "none"),
        "growth": (3, 0, 0, 0, 0, 0, 0, 0, 0, 100, 0, 0), "growth_at_training": (0, 0, 0, 0, 0, 0, 100, 0, 0, 0, 0, 0),
        "psi_training": 3.51556, "sampling_limit_training": 0.13172, "psi_year_before": 0.87889, "sampling_limit_year_before": 0.13172,
        "psi_growth": pytest.approx(10.4, abs=0.2), "sampling_limit_growth": pytest.approx(0.181, abs=0.001),
    }  # fmt: skip
    # In samples of 60 and 100, chance explains more than the settings' limit.
    nulls = GROWTH.counts({-1: 100})
    low = replace_psi(RULE, 0.01)
    small = compare("sales.volume", Frozen(BINS, (0, 0, 30, 30, 0), nulls), Measured((0, 0, 43, 57, 0), NONE, nulls), low, 50)
    assert small.drift.limit == pytest.approx((1 / 60 + 1 / 100) * 6.58, rel=0.01)
    assert not small.drift.drifts


def replace_psi(rule: DriftRule, limit: float) -> DriftRule:
    return rule.model_copy(update={"psi": limit})


# ----------------------------------------------------------------------------------------------------------- rules

QUIET = Evidence(NOW - timedelta(days=10), 100_000, 5_000, (Drift("sales.volume", 0.05, 0.2, ""),), 1000, 10)


def judged(evidence: Evidence, settings: RetrainingSettings = SETTINGS) -> dict[Rule, Judged]:
    return {result.rule: result for result in judge(evidence, settings, NOW)}


def test_each_rule_says_what_it_saw() -> None:
    assert judge(QUIET, SETTINGS, NOW) == (
        Judged(Rule.DRIFT, 0, 1, False, "0 of 1 features drift"),
        Judged(Rule.NEW_ROWS, 0.05, 0.1, False, "5,000 rows since the training's data, 5.0% of its 100,000"),
        Judged(Rule.NEW_PRODUCTS, 0.01, 0.1, False, "10 of 1,000 active products of the sample are new since the training's data"),
        Judged(Rule.AGE, 10.0, 90, False, "the last training is 10.0 days old"),
    )


def test_new_rows_need_their_share_and_their_number() -> None:
    assert judged(replace(QUIET, rows=10_000))[Rule.NEW_ROWS].holds
    assert not judged(replace(QUIET, rows=4_999, training_rows=10_000))[Rule.NEW_ROWS].holds
    assert judged(replace(QUIET, rows=5_000, training_rows=0))[Rule.NEW_ROWS].holds  # nothing to compare with
    none = with_rules(rules={**SETTINGS.rules.model_dump(), "new_rows": {"share": 0.1, "min_rows": 0}})
    assert not judged(replace(QUIET, rows=0, training_rows=0), none)[Rule.NEW_ROWS].holds


def test_drift_needs_features_beyond_their_limit() -> None:
    moved, unknown = Drift("sales.value", 0.3, 0.2, ""), Drift("sales.x", None, None, "too few")
    assert judged(replace(QUIET, drifts=(moved, unknown)))[Rule.DRIFT] == Judged(
        Rule.DRIFT, 1, 1, True, "1 of 1 features drift (sales.value, PSI 0.30); 1 could not be compared"
    )
    assert not judged(replace(QUIET, drifts=(replace(moved, limit=0.31),)))[Rule.DRIFT].holds
    assert judged(replace(QUIET, drifts=(unknown,)))[Rule.DRIFT].observed is None


def test_new_products_need_their_share_and_their_number() -> None:
    assert judged(replace(QUIET, active_products=200, new_products=20))[Rule.NEW_PRODUCTS].holds
    assert not judged(replace(QUIET, active_products=100, new_products=19))[Rule.NEW_PRODUCTS].holds
    assert judged(replace(QUIET, active_products=0, new_products=0))[Rule.NEW_PRODUCTS].observed is None


def test_age_is_reached() -> None:
    assert judged(replace(QUIET, trained_at=NOW - timedelta(days=90)))[Rule.AGE].holds


def test_without_a_training_only_the_first_rule_counts() -> None:
    evidence = Evidence(None, 0, 10_000)
    assert judge(evidence, SETTINGS, NOW) == (
        Judged(Rule.FIRST, 10_000, 10_000, True, "no training is recorded; 10,000 rows in the last 28 days"),
    )
    off = with_rules(rules={**SETTINGS.rules.model_dump(), "first": None})
    assert decide(evidence, History(), off, NOW).reason is Reason.NO_TRAINING


def test_rules_that_are_off_are_not_judged() -> None:
    off = dict.fromkeys(SETTINGS.rules.model_dump())
    assert judge(QUIET, with_rules(rules=off), NOW) == ()


# -------------------------------------------------------------------------------------------------------- decision

OLD = replace(QUIET, trained_at=NOW - timedelta(days=100))


def past(*holding: str, ago: timedelta) -> Past:
    return Past(NOW - ago, frozenset(holding))


AGED = History((past("age", ago=hours(1)),))


def test_a_rule_fires_once_it_is_confirmed() -> None:
    assert decide(QUIET, History(), SETTINGS, NOW).reason is Reason.NOT_DUE
    assert decide(OLD, History(), SETTINGS, NOW).reason is Reason.UNCONFIRMED
    fired = decide(OLD, AGED, SETTINGS, NOW)
    assert (fired.fired, fired.reason, fired.in_a_row, [r.rule for r in fired.holding]) == (True, Reason.AGE, {Rule.AGE: 2}, [Rule.AGE])


@pytest.mark.parametrize(
    "before",
    [
        (past("new_rows", ago=hours(1)), past("age", ago=hours(2))),  # not in a row
        (past("age", ago=hours(0.1)),),  # just now: that counts once
        (past(ago=hours(0.1)), past("age", ago=hours(2))),
    ],
)
def test_confirmations_are_in_a_row_and_apart(before: tuple[Past, ...]) -> None:
    assert decide(OLD, History(before), SETTINGS, NOW).reason is Reason.UNCONFIRMED


def test_the_most_urgent_confirmed_rule_is_the_reason() -> None:
    evidence = replace(OLD, rows=50_000, drifts=(Drift("sales.volume", 0.3, 0.2, ""),))
    before = History((past("age", "new_rows", ago=hours(1)),))
    assert decide(evidence, before, SETTINGS, NOW).reason is Reason.NEW_ROWS  # drift is not confirmed


def test_blockers_hold_it() -> None:
    held = decide(replace(OLD, blockers=("incident 7",)), AGED, SETTINGS, NOW)
    assert (held.fired, held.reason, held.blockers) == (False, Reason.HELD, ("incident 7",))


def test_cooldown_and_a_retraining_that_is_awaited() -> None:
    recent = replace(AGED, fired_at=NOW - hours(23))
    assert decide(OLD, recent, SETTINGS, NOW) == replace(
        decide(OLD, AGED, SETTINGS, NOW), fired=False, reason=Reason.COOLDOWN, until=NOW + hours(1)
    )
    assert decide(OLD, replace(AGED, fired_at=NOW - hours(24)), SETTINGS, NOW).fired
    awaited = decide(OLD, replace(AGED, fired_at=NOW - hours(70), answered=False), SETTINGS, NOW)
    assert (awaited.reason, awaited.until) == (Reason.AWAITED, NOW + hours(2))
    assert decide(OLD, replace(AGED, fired_at=NOW - hours(72), answered=False), SETTINGS, NOW).fired


def test_disabled() -> None:
    assert decide(OLD, AGED, with_rules(enabled=False), NOW).reason is Reason.DISABLED


shares = st.floats(0, 2, allow_nan=False)
evidences = st.builds(
    Evidence,
    st.none() | st.timedeltas(timedelta(0), timedelta(days=400)).map(lambda age: NOW - age),
    st.integers(0, 10**9), st.integers(0, 10**9),
    st.lists(st.builds(Drift, st.just("sales.volume"), st.none() | shares, shares, st.just("")), max_size=3).map(tuple),
    st.integers(0, 5000), st.integers(0, 5000), st.lists(st.just("incident 7"), max_size=1).map(tuple),
)  # fmt: skip
names = st.frozensets(st.sampled_from([rule.value for rule in Rule]))
histories = st.builds(
    lambda gaps, held, fired, answered: History(
        tuple(Past(NOW - sum(gaps[: n + 1], timedelta()), held[n]) for n in range(min(len(gaps), len(held)))),
        None if fired is None else NOW - fired, answered,
    ),
    st.lists(st.timedeltas(timedelta(0), timedelta(days=2)), max_size=5), st.lists(names, max_size=5),
    st.none() | st.timedeltas(timedelta(0), timedelta(days=5)), st.booleans(),
)  # fmt: skip


@given(evidences, histories, st.integers(1, 3))
def test_what_always_holds(evidence: Evidence, history: History, confirmations: int) -> None:
    settings = with_rules(confirmations=confirmations)
    decision: Decision = decide(evidence, history, settings, NOW)
    if decision.fired:
        assert not decision.blockers
        assert history.fired_at is None or NOW - history.fired_at >= hours(settings.cooldown_hours)
        assert history.answered or history.fired_at is None or NOW - history.fired_at >= hours(settings.await_hours)
        assert decision.in_a_row[Rule(decision.reason.value)] >= confirmations
        assert len(history.decisions) >= confirmations - 1
    assert decision.fired == (decision.reason.value in {rule.value for rule in Rule})
    # Something wrong with the data never makes it fire, and takes away nothing but that.
    blocked = decide(replace(evidence, blockers=("incident 7",)), history, settings, NOW)
    assert not blocked.fired
    assert blocked.reason is Reason.HELD or blocked.reason is decision.reason


def test_what_a_reconciliation_leaves() -> None:
    result = StreamResult("sales", NOW.date(), "run", NOW)
    result.events, result.daily, result.stale_keys = Counts(missing=5), Counts(different=2), 3
    assert result.unrepaired == 10  # a plan
    result.repaired, result.overtaken = {"event": 4, "daily": 2}, 1
    assert result.unrepaired == 3


# -------------------------------------------------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"features": ["volume"]}, "retraining.features.0: String should match pattern"),
        ({"features": ["sales.volume", "sales.volume"]}, "retraining.features: Value error, names sales.volume more than once"),
        ({"rules": {"drift": {"psi": 0}}}, "retraining.rules.drift.psi: Input should be greater than 0"),
        ({"rules": {"drift": {"confidence": 1}}}, "retraining.rules.drift.confidence: Input should be less than 1"),
        ({"cooldown": 3}, "retraining.cooldown: Extra inputs are not permitted"),
        ({"hold": {"incident_level": 4}}, "retraining.hold.incident_level: Input should be less than or equal to 3"),
    ],
)
def test_errors_name_the_key(change: dict[str, object], words: str, tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(yaml.safe_dump({"retraining": change}))
    with pytest.raises(SettingsError, match=words.replace("(", r"\(")):
        load_settings(conf_file=file, environ={})


def test_the_policy_hash_is_that_of_the_section() -> None:
    assert SETTINGS.policy_hash == load_settings(environ={"CASTRO_TIMEZONE": "UTC"}).retraining.policy_hash
    assert SETTINGS.policy_hash != with_rules(cooldown_hours=25).policy_hash
