"""The retraining policy: the rules, the decision, the settings."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from castro_spark.errors import SettingsError
from castro_spark.reconcile.report import Counts, StreamResult
from castro_spark.retraining.judgement import Drift, Evidence, Judged, Rule, judge
from castro_spark.retraining.policy import Decision, History, Past, Reason, decide
from castro_spark.sections.retraining import RetrainingSettings
from castro_spark.settings import load_settings

NOW = datetime(2026, 3, 2, 12, tzinfo=timezone.utc)
SETTINGS = load_settings(environ={}).retraining


def hours(count: float) -> timedelta:
    return timedelta(hours=count)


def with_rules(**changes: object) -> RetrainingSettings:
    return RetrainingSettings.model_validate({**SETTINGS.model_dump(), **changes})


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
