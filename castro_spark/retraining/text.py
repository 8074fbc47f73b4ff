"""A decision in a sentence, and what `status` and the job print."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from castro_spark.counted import counted
from castro_spark.retraining.judgement import Judged
from castro_spark.retraining.policy import Decision, Reason
from castro_spark.retraining.store import Decided, Training

NO_CHANNEL = "give alerts.channels one of type celery, or with retraining among its kinds"
_SHOWN = 3


def sentence(decision: Decision, confirmations: int) -> str:
    """Why a retraining was asked for, or why not."""
    due = f"due ({_rules(decision.holding)})"
    every = _rules(decision.rules) or "no rule is on"
    until = f" until {_at(decision.until)}" if decision.until else ""
    held = "; ".join(decision.blockers[:_SHOWN])
    if (more := len(decision.blockers) - _SHOWN) > 0:
        held += f"; and {more} more"
    most = max(decision.in_a_row.values(), default=0)
    against = {
        Reason.DISABLED: "not asked for: retraining.enabled is false",
        Reason.NOT_DUE: f"not due: {every}",
        Reason.NO_TRAINING: f"not due: {every}; record a finished training (./spark-submit.sh retraining record)",
        Reason.UNCONFIRMED: f"{due}, but not confirmed: {most} of {confirmations} decisions in a row",
        Reason.HELD: f"{due}, but held: {held}",
        Reason.AWAITED: f"{due}, but the one that was asked for is not recorded yet; it is awaited{until}",
        Reason.COOLDOWN: f"{due}, but one was asked for recently: cooldown{until}",
        Reason.NO_CHANNEL: f"{due}, but no channel takes it: {NO_CHANNEL}",
    }
    return against.get(decision.reason) or f"asked for ({decision.reason.value}): {_rules(decision.holding)}"


def decision_lines(decided: Decided) -> Iterator[str]:
    """A stored decision as text."""
    yield f"{_at(decided.decided_at)}  {'FIRED' if decided.fired else decided.reason}: {decided.words}"


def training_line(training: Training | None) -> str:
    """The last training as text."""
    if training is None:
        return "no training is recorded"
    since = f"{training.data_from} to " if training.data_from else "up to "
    metrics = ", ".join(f"{name} {value:g}" for name, value in training.metrics.items())
    return (
        f"last training {_at(training.trained_at)}: {counted(training.rows, 'row')}, {since}{training.data_until}"
        + (f"; {metrics}" if metrics else "")
        + (f"; asked for by {training.decision_id}" if training.decision_id else "")
    )


def _rules(rules: Sequence[Judged]) -> str:
    return "; ".join(rule.words for rule in rules)


def _at(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"
