"""The rules that may call for a retraining, each judged from measured evidence. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from castro_spark.counted import counted
from castro_spark.sections.retraining import AgeRule, DriftRule, NewProductsRule, NewRowsRule, RetrainingSettings


class Rule(str, Enum):
    """What may call for a retraining, the most urgent first."""

    DRIFT = "drift"
    NEW_ROWS = "new_rows"
    NEW_PRODUCTS = "new_products"
    AGE = "age"
    FIRST = "first"  # no training was recorded


@dataclass(frozen=True)
class Drift:
    """A feature's PSI. `limit`: the greater one of the settings' limit and the sampling limit. Without
    `psi`, `words` say what was missing."""

    feature: str
    psi: float | None
    limit: float | None
    words: str

    @property
    def drifts(self) -> bool:
        """Whether the feature has drifted."""
        return self.psi is not None and self.limit is not None and self.psi > self.limit


@dataclass(frozen=True)
class Evidence:
    """What was measured."""

    trained_at: datetime | None  # the last training; None: none was recorded
    training_rows: int  # of its data
    rows: int  # since its data; without a training, of the window
    drifts: tuple[Drift, ...] = ()
    active_products: int = 0  # of the sample, in the window
    new_products: int = 0  # of these, without rows up to the end of the training's data
    blockers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Judged:
    """A rule's result."""

    rule: Rule
    observed: float | None  # None: could not be compared
    limit: float
    holds: bool
    words: str


def judge(evidence: Evidence, settings: RetrainingSettings, now: datetime) -> tuple[Judged, ...]:
    """The result of each rule that is on, in the order of Rule."""
    return tuple(_judged(evidence, settings, now))


def _judged(evidence: Evidence, settings: RetrainingSettings, now: datetime) -> Iterator[Judged]:
    rules = settings.rules
    if evidence.trained_at is None:
        if rules.first is not None:
            least = rules.first.min_rows
            rows, days = counted(evidence.rows, "row"), counted(settings.window_days, "day")
            words = f"no training is recorded; {rows} in the last {days}"
            yield Judged(Rule.FIRST, evidence.rows, least, evidence.rows >= least, words)
        return
    if rules.drift is not None:
        yield _drift(evidence, rules.drift)
    if rules.new_rows is not None:
        yield _new_rows(evidence, rules.new_rows)
    if rules.new_products is not None:
        yield _new_products(evidence, rules.new_products)
    if rules.age is not None:
        yield _age(evidence.trained_at, rules.age, now)


def _drift(evidence: Evidence, rule: DriftRule) -> Judged:
    compared = [drift for drift in evidence.drifts if drift.psi is not None]
    drifting = [f"{drift.feature}, PSI {drift.psi:.2f}" for drift in compared if drift.drifts]
    which = f" ({'; '.join(drifting)})" if drifting else ""
    words = f"{len(drifting)} of {len(compared)} features drift{which}"
    if lacking := len(evidence.drifts) - len(compared):
        words += f"; {lacking} could not be compared"
    observed = len(drifting) if compared else None
    return Judged(Rule.DRIFT, observed, rule.features, len(drifting) >= rule.features, words)


def _new_rows(evidence: Evidence, rule: NewRowsRule) -> Judged:
    rows, before = evidence.rows, evidence.training_rows
    share = rows / before if before else None
    words = f"{counted(rows, 'row')} since the training's data" + (
        f", {share:.1%} of its {before:,}" if share is not None else ""
    )
    # A training without rows: any enough of them are new.
    holds = rows > 0 and rows >= rule.min_rows and (share is None or share >= rule.share)
    return Judged(Rule.NEW_ROWS, share, rule.share, holds, words)


def _new_products(evidence: Evidence, rule: NewProductsRule) -> Judged:
    active, new = evidence.active_products, evidence.new_products
    share = new / active if active else None
    holds = share is not None and share >= rule.share and new >= rule.min_products
    words = f"{new:,} of {active:,} active products of the sample are new since the training's data"
    return Judged(Rule.NEW_PRODUCTS, share, rule.share, holds, words)


def _age(trained_at: datetime, rule: AgeRule, now: datetime) -> Judged:
    days = (now - trained_at) / timedelta(days=1)
    return Judged(Rule.AGE, round(days, 3), rule.days, days >= rule.days, f"the last training is {days:.1f} days old")
