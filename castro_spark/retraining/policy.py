"""Whether to ask for a retraining: a pure decision with a named reason, from measured evidence.

A rule must hold in `confirmations` decisions in a row before it fires. Nothing fires while something is wrong with the
data (a blocker), within the cooldown, or while a retraining that was asked for is awaited.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

from castro_spark.retraining.judgement import Evidence, Judged, Rule, judge
from castro_spark.sections.retraining import RetrainingSettings


class Reason(str, Enum):
    """Why a decision fired (the names of the rules), or why not."""

    DRIFT = "drift"
    NEW_ROWS = "new_rows"
    NEW_PRODUCTS = "new_products"
    AGE = "age"
    FIRST = "first"
    DISABLED = "disabled"
    NOT_DUE = "not_due"  # no rule holds
    NO_TRAINING = "no_training"  # none is recorded, and there are too few rows for a first one, or that rule is off
    UNCONFIRMED = "unconfirmed"  # a rule holds, but not yet often enough
    HELD = "held"  # something is wrong with the data
    AWAITED = "awaited"  # the retraining that was asked for is not recorded yet
    COOLDOWN = "cooldown"
    NO_CHANNEL = "no_channel"  # it would fire, but no channel of the settings takes it


@dataclass(frozen=True)
class Past:
    """A former decision: when, and the names of the rules that held."""

    at: datetime
    holding: frozenset[str]


@dataclass(frozen=True)
class History:
    """What was decided before.

    `decisions`: since the last training was recorded, the newest first. `fired_at`: when the last one fired;
    `answered`: whether a training was recorded since.
    """

    decisions: tuple[Past, ...] = ()
    fired_at: datetime | None = None
    answered: bool = True


@dataclass(frozen=True)
class Decision:
    """`in_a_row`: of each rule that holds, in how many decisions in a row, this one included. `until`: when the
    cooldown or the wait for a training ends."""

    fired: bool
    reason: Reason
    rules: tuple[Judged, ...]
    in_a_row: Mapping[Rule, int]
    blockers: tuple[str, ...]
    until: datetime | None = None

    @property
    def holding(self) -> tuple[Judged, ...]:
        """The rules that hold."""
        return tuple(rule for rule in self.rules if rule.holds)


def decide(evidence: Evidence, history: History, settings: RetrainingSettings, now: datetime) -> Decision:
    """The decision. Whether a channel takes it is not considered here."""
    rules = judge(evidence, settings, now)
    in_a_row = {r.rule: _in_a_row(r.rule, history.decisions, settings, now) for r in rules if r.holds}
    confirmed = [rule for rule, count in in_a_row.items() if count >= settings.confirmations]
    against, until = _against(evidence, history, settings, now, holds=bool(in_a_row), confirmed=bool(confirmed))
    if against is not None:
        return Decision(False, against, rules, in_a_row, evidence.blockers, until)
    return Decision(True, Reason(confirmed[0].value), rules, in_a_row, evidence.blockers)


def _against(
    evidence: Evidence, history: History, settings: RetrainingSettings, now: datetime, *, holds: bool, confirmed: bool
) -> tuple[Reason | None, datetime | None]:
    """The first reason not to fire, and until when it lasts."""
    fired_at = history.fired_at
    awaited = fired_at + timedelta(hours=settings.await_hours) if fired_at and not history.answered else None
    cooled = fired_at + timedelta(hours=settings.cooldown_hours) if fired_at else None
    reasons: Sequence[tuple[bool, Reason, datetime | None]] = (
        (not settings.enabled, Reason.DISABLED, None),
        (not holds, Reason.NOT_DUE if evidence.trained_at else Reason.NO_TRAINING, None),
        (not confirmed, Reason.UNCONFIRMED, None),
        (bool(evidence.blockers), Reason.HELD, None),
        (awaited is not None and now < awaited, Reason.AWAITED, awaited),
        (cooled is not None and now < cooled, Reason.COOLDOWN, cooled),
    )
    return next(((reason, until) for applies, reason, until in reasons if applies), (None, None))


def _in_a_row(rule: Rule, decisions: Sequence[Past], settings: RetrainingSettings, now: datetime) -> int:
    """Decisions in which a rule has held, from now backwards; those too close to a later one count once."""
    count, last = 1, now
    for past in decisions:
        if rule.value not in past.holding:
            break
        if last - past.at >= timedelta(minutes=settings.confirm_apart_minutes):
            count, last = count + 1, past.at
    return count
