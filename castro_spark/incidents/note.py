"""Notes the results of checks: opens, updates and resolves incidents, and puts their notifications into the outbox.

Guarantee: everything is in the caller's transaction, the incident and its notifications together or not at all. Of two
runs at the same time one waits for the other at the first incident they share; the partial unique index admits one open
incident per check and subject.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from castro_spark.incidents import rows
from castro_spark.incidents.decision import (
    Decision,
    IncidentRules,
    advanced,
    decide,
    decide_after_mute,
    opened,
    told,
)
from castro_spark.incidents.incident import Incident, Reason
from castro_spark.incidents.notice import notice, summary
from castro_spark.incidents.rows import Cursor
from castro_spark.outbox import put
from castro_spark.quality.result import Result
from castro_spark.sinks.postgres.connection import Connection, statement

_SILENT = frozenset({Reason.HEALTHY, Reason.EXPECTED, Reason.NOTICED, Reason.PASSED})  # no event in the history
_PRUNED_AT_A_TIME = 100
_ATTEMPTS = 5  # to open an incident that others open and end at the same time


@dataclass(frozen=True)
class Transition:
    """What a result did. `incident` is 0 where there is none; `channels` are those that get a notification of it."""

    check: str
    subject: str
    reason: Reason
    incident: int = 0
    channels: tuple[str, ...] = ()


def note_results(
    connection: Connection, results: Sequence[Result], rules: IncidentRules, channels: Sequence[str]
) -> list[Transition]:
    """Notes the results in the caller's open transaction; returns one transition per result, in their order, and before
    them those of incidents whose mute is over.

    `channels` are the names of the channels that may be told; `rules` may choose among them by incident.
    """
    with connection.cursor() as cursor:
        wanted = {"checks": [r.check for r in results], "subjects": [r.subject for r in results]}
        found = rows.find(cursor, "incidents/lock_open.sql", wanted)
        now = _now(cursor)
        noting = _Noting(connection, cursor, rules, tuple(channels), now)
        after_mutes = []
        known: dict[tuple[str, str], Incident] = {}
        for incident in found:
            decision = decide_after_mute(incident, now)
            current = incident
            if decision is not None:
                current, transition = noting.store(incident, decision)
                after_mutes.append(transition)
            if current.ended_at is None:
                known[current.check, current.subject] = current
        transitions: dict[int, Transition] = {}
        # In the order of the locks, so that two runs cannot deadlock by opening incidents.
        for number, result in sorted(enumerate(results), key=_lock_order):
            key = result.check, result.subject
            incident_now, transitions[number] = noting.note(known.pop(key, None), result)
            if incident_now is not None and incident_now.ended_at is None:
                known[key] = incident_now
        if rules.retention_days is not None:
            prune(cursor, rules.retention_days)
    return after_mutes + [transitions[number] for number in range(len(results))]


class _Noting:
    """One call of note_results."""

    def __init__(
        self, connection: Connection, cursor: Cursor, rules: IncidentRules, channels: tuple[str, ...], now: datetime
    ) -> None:
        self._connection, self._cursor = connection, cursor
        self._rules, self._channels, self._now = rules, channels, now

    def note(self, incident: Incident | None, result: Result) -> tuple[Incident | None, Transition]:
        """Notes one result; returns the incident of its check and subject afterwards."""
        if incident is None:
            return self._note_new(result)
        decision = decide(incident, result, self._rules, self._now)
        return self.store(advanced(incident, result, decision, self._rules, self._now), decision)

    def _note_new(self, result: Result) -> tuple[Incident | None, Transition]:
        where = {"check": result.check, "subject": result.subject}
        for _ in range(_ATTEMPTS):
            decision = decide(None, result, self._rules, self._now)
            if decision.reason is not Reason.OPENED:
                return None, Transition(result.check, result.subject, decision.reason)
            muted = next(iter(rows.find(self._cursor, "incidents/still_muted.sql", where)), None)
            decision = decide(None, result, self._rules, self._now, muted_until=muted.muted_until if muted else None)
            stored = rows.insert(self._cursor, rows.storable(opened(result, decision, self._now, muted=muted)))
            if stored is not None:
                return self.store(stored, decision)
            # Another run has opened it meanwhile, and may have ended it since.
            for incident in rows.find(self._cursor, "incidents/lock_one.sql", where):
                return self.note(incident, result)
        raise RuntimeError(f"{result.check} of {result.subject} is opened and ended all the time by other runs")

    def store(self, incident: Incident, decision: Decision) -> tuple[Incident, Transition]:
        """Writes the incident after a decision, its event, and the notifications."""
        channels: tuple[str, ...] = ()
        incident = rows.storable(incident)
        if decision.notify:
            channels = self._rules.audience(incident, decision.reason, self._channels)
            incident = told(incident, frozenset(channels), self._now)
        if decision.reason is not Reason.EXPECTED:
            rows.update(self._cursor, incident)
        if decision.reason not in _SILENT:
            words = summary(incident, decision.reason)
            event = rows.note_event(
                self._cursor, incident, decision.reason, self._now, words, by=incident.ended_by, channels=channels
            )
            tell(self._connection, incident, decision.reason, event, channels)
        return incident, Transition(incident.check, incident.subject, decision.reason, incident.id, channels)


def tell(connection: Connection, incident: Incident, reason: Reason, event: int, channels: Sequence[str]) -> None:
    """Puts the notification of an event into the outbox."""
    put(
        connection, "incident", f"incident:{incident.id}:{event}", notice(incident, reason), channels,
        series=f"incident:{incident.id}",
    )  # fmt: skip


def prune(cursor: Cursor, days: int) -> int:
    """Removes some of the incidents that ended more than `days` ago; returns how many."""
    cursor.execute(statement("incidents/prune.sql"), {"days": days, "rows": _PRUNED_AT_A_TIME})
    return cursor.rowcount


def _lock_order(numbered: tuple[int, Result]) -> tuple[bytes, bytes]:
    _, result = numbered
    return result.check.encode(), result.subject.encode()  # as the columns' collation C sorts


def _now(cursor: Cursor) -> datetime:
    cursor.execute("SELECT clock_timestamp()")
    (now,) = cursor.fetchone() or (None,)
    assert isinstance(now, datetime)
    return now
