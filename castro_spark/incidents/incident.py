"""An incident: what a check finds wrong with a subject, from the first failing result until it is over."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, IntEnum

from castro_spark.quality.result import Outcome, Result, Severity


class Level(IntEnum):
    """How bad a result is."""

    WARNING = 1  # near a limit
    FAILING = 2  # a check of severity warning fails, could not run, or lacks data
    CRITICAL = 3  # the same of a check of severity critical


class Reason(str, Enum):
    """What happened to an incident, or why nothing did."""

    HEALTHY = "healthy"  # no incident, and none is needed
    EXPECTED = "expected"  # no_data, as the rules expect
    OPENED = "opened"
    NOTICED = "noticed"  # again, with nothing new
    EASED = "eased"  # a lower level than the last result's
    CHANGED = "changed"  # an outcome that it did not have before: the check could not run, say
    ESCALATED = "escalated"  # a higher level than ever, or open for too long
    REPEATED = "repeated"  # notified again after the interval
    PASSED = "passed"  # not yet often enough
    RESOLVED = "resolved"
    MUTED = "muted"  # by hand
    AFTER_MUTE = "after_mute"  # the mute is over: what happened meanwhile
    CLOSED = "closed"  # by hand


NOTIFIED = frozenset({
    Reason.OPENED, Reason.CHANGED, Reason.ESCALATED, Reason.REPEATED, Reason.RESOLVED, Reason.AFTER_MUTE, Reason.CLOSED,
})  # fmt: skip


@dataclass(frozen=True)
class Incident:
    """A row of castro.incident. `id` is 0 until it is stored."""

    check: str
    subject: str
    outcome: Outcome  # of the last result that was no pass; so are level, words, observed, limit and evidence
    level: Level
    words: str
    opened_at: datetime
    seen_at: datetime  # the last result that was no pass
    worst_level: Level
    outcomes: frozenset[Outcome]  # all that it had
    observed: str | None = None
    limit: str | None = None
    evidence: Mapping[str, object] = field(default_factory=dict)
    id: int = 0
    count: int = 1  # results that were no pass
    passes: int = 0  # in a row since then
    told_at: datetime | None = None  # the last notification
    told_channels: frozenset[str] = frozenset()  # that know of it
    escalated_at: datetime | None = None  # it was open for too long
    muted_until: datetime | None = None
    muted_by: str | None = None
    muted_because: str | None = None
    kept_back: Reason | None = None  # the first event that a mute kept from being notified
    ended_at: datetime | None = None
    ended_as: Reason | None = None  # resolved or closed
    ended_by: str | None = None
    ended_because: str | None = None

    def is_muted(self, now: datetime) -> bool:
        """Whether nobody is to be notified of it now."""
        return self.muted_until is not None and now < self.muted_until

    @property
    def severity(self) -> Severity:
        """For notifications: critical too if it fails for too long."""
        escalated = self.escalated_at is not None and self.level >= Level.FAILING
        return Severity.CRITICAL if escalated or self.level is Level.CRITICAL else Severity.WARNING


def level_of(result: Result) -> Level:
    """The level of a result that is no pass."""
    if result.outcome is Outcome.WARN:
        return Level.WARNING
    return Level.CRITICAL if result.severity is Severity.CRITICAL else Level.FAILING
