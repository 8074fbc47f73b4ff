"""What a result does to an incident: pure functions of the incident, the result, the rules and the time.

    no incident   + warn, fail, error or unexpected no_data -> opened
    open incident + such a result -> escalated, changed, repeated, eased or noticed (counted, not notified)
    open incident + pass          -> passed; after `passes_to_resolve` in a row resolved
    expected no_data              -> expected: it neither opens nor resolves

Guarantee: while an incident is open, each rise of its level, each new outcome and its age are notified once, and then
the incident once per `repeat_every`. A subject that alternates between outcomes does not cause a notification each
time. While it is muted nothing is notified; once the mute is over, one notification tells what happened meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from castro_spark.incidents.incident import NOTIFIED, Incident, Level, Reason, level_of
from castro_spark.quality.result import Outcome, Result

Accepts = Callable[[str, str, str], bool]  # of check, subject and severity


@dataclass(frozen=True)
class IncidentRules:
    """When incidents escalate, are repeated and are resolved; None: never."""

    passes_to_resolve: int = 2
    escalate_after: timedelta | None = timedelta(hours=4)  # of failing; a warning does not escalate by age
    repeat_every: timedelta | None = timedelta(hours=12)
    no_data_expected: tuple[str, ...] = ()  # shell patterns of `check` or `check/subject`
    accepts: Mapping[str, Accepts] = field(default_factory=dict)  # by channel; a channel without one is told of all
    retention_days: int | None = None  # of ended incidents

    def expect(self, result: Result) -> bool:
        """Whether a result without data is as it should be: by these rules, or by the check's own evidence."""
        names = (result.check, f"{result.check}/{result.subject}")
        by_rule = any(fnmatchcase(name, pattern) for pattern in self.no_data_expected for name in names)
        return by_rule or result.evidence.get("expected") is True

    def audience(self, incident: Incident, reason: Reason, channels: Sequence[str]) -> tuple[str, ...]:
        """Those of `channels` that are notified: of an end, whoever knows of the incident."""
        ends = reason in (Reason.RESOLVED, Reason.CLOSED)

        def is_told(channel: str) -> bool:
            accepts = self.accepts.get(channel)
            accepted = accepts is None or accepts(incident.check, incident.subject, incident.severity.value)
            return channel in incident.told_channels if ends else accepted or channel in incident.told_channels

        return tuple(channel for channel in channels if is_told(channel))


@dataclass(frozen=True)
class Decision:
    """`reason` says what happened. `notify`: it is to be sent. `keep_back`: it would be, if it were not muted."""

    reason: Reason
    notify: bool = False
    keep_back: bool = False


def decide(
    incident: Incident | None,
    result: Result,
    rules: IncidentRules,
    now: datetime,
    *,
    muted_until: datetime | None = None,
) -> Decision:
    """The decision on a result. `incident`: the open one of its check and subject, if any.

    `muted_until`: of an earlier incident of the same check and subject; a new one inherits it.
    """
    reason = _reason(incident, result, rules, now)
    until = incident.muted_until if incident else muted_until
    muted = until is not None and now < until
    if muted and reason is Reason.REPEATED:
        reason = Reason.NOTICED
    told = reason in NOTIFIED
    return Decision(reason, notify=told and not muted, keep_back=told and muted)


def _reason(incident: Incident | None, result: Result, rules: IncidentRules, now: datetime) -> Reason:
    if result.outcome is Outcome.NO_DATA and rules.expect(result):
        return Reason.EXPECTED
    if result.outcome is Outcome.PASS:
        if incident is None:
            return Reason.HEALTHY
        return Reason.RESOLVED if incident.passes + 1 >= rules.passes_to_resolve else Reason.PASSED
    return Reason.OPENED if incident is None else _reason_of_open(incident, result, rules, now)


def _reason_of_open(incident: Incident, result: Result, rules: IncidentRules, now: datetime) -> Reason:
    """The most important reason comes first."""
    level = level_of(result)
    if level > incident.worst_level or _fails_too_long(incident, level, rules, now):
        return Reason.ESCALATED
    if result.outcome not in incident.outcomes and level >= Level.FAILING:
        return Reason.CHANGED
    if rules.repeat_every is not None and incident.told_at and now - incident.told_at >= rules.repeat_every:
        return Reason.REPEATED
    return Reason.EASED if level < incident.level else Reason.NOTICED


def _fails_too_long(incident: Incident, level: Level, rules: IncidentRules, now: datetime) -> bool:
    if rules.escalate_after is None or incident.escalated_at is not None or level < Level.FAILING:
        return False
    return now - incident.opened_at >= rules.escalate_after


def decide_after_mute(incident: Incident, now: datetime) -> Decision | None:
    """The decision on an incident, open or ended, whose mute kept something back; None while it is muted."""
    if incident.kept_back is None or incident.is_muted(now):
        return None
    return Decision(Reason.AFTER_MUTE, notify=True)


def opened(result: Result, decision: Decision, now: datetime, *, muted: Incident | None = None) -> Incident:
    """The new incident. `muted`: an earlier one of the same check and subject, whose mute it inherits."""
    level = level_of(result)
    incident = Incident(
        check=result.check, subject=result.subject, outcome=result.outcome, level=level, words=result.words,
        observed=result.observed, limit=result.limit, evidence=result.evidence, opened_at=now, seen_at=now,
        worst_level=level, outcomes=frozenset({result.outcome}),
    )  # fmt: skip
    if muted is not None:
        incident = replace(
            incident, muted_until=muted.muted_until, muted_by=muted.muted_by, muted_because=muted.muted_because
        )
    return replace(incident, kept_back=decision.reason) if decision.keep_back else incident


def advanced(incident: Incident, result: Result, decision: Decision, rules: IncidentRules, now: datetime) -> Incident:
    """The open incident after the decision on a further result."""
    if decision.reason is Reason.EXPECTED:
        return incident
    if decision.keep_back and incident.kept_back is None:
        incident = replace(incident, kept_back=decision.reason)
    if decision.reason is Reason.RESOLVED:
        return replace(incident, passes=incident.passes + 1, ended_at=now, ended_as=Reason.RESOLVED)
    if decision.reason is Reason.PASSED:
        return replace(incident, passes=incident.passes + 1)
    level = level_of(result)
    too_long = _fails_too_long(incident, level, rules, now)
    return replace(
        incident, outcome=result.outcome, level=level, words=result.words, observed=result.observed, limit=result.limit,
        evidence=result.evidence, seen_at=now, count=incident.count + 1, passes=0,
        worst_level=max(level, incident.worst_level), outcomes=incident.outcomes | {result.outcome},
        escalated_at=now if too_long else incident.escalated_at,
    )  # fmt: skip


def told(incident: Incident, channels: frozenset[str], now: datetime) -> Incident:
    """The incident after a notification to these channels."""
    return replace(incident, told_at=now, told_channels=incident.told_channels | channels, kept_back=None)
