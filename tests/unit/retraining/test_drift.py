"""PSI over frozen bins, and what counts as drift."""

from __future__ import annotations

import random
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from castro_spark.retraining.drift import GROWTH, Frozen, Measured, compare
from castro_spark.retraining.judgement import Drift
from castro_spark.retraining.psi import Bins, chi_squared_quantile, freeze, psi, sampling_limit
from castro_spark.sections.retraining import DriftRule, RetrainingSettings
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


