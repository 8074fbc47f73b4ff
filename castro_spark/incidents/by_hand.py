"""What operators do with incidents: list, show, mute, close. Each function is one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from castro_spark.errors import UsageError
from castro_spark.incidents import rows
from castro_spark.incidents.decision import IncidentRules
from castro_spark.incidents.incident import Incident, Reason
from castro_spark.incidents.note import tell
from castro_spark.incidents.notice import summary
from castro_spark.incidents.rows import Cursor
from castro_spark.sinks.postgres.connection import Connection, statement


@dataclass(frozen=True)
class Event:
    """A row of an incident's history; `channels` are those that were notified of it."""

    event: str
    at: datetime
    outcome: str | None
    words: str
    by: str | None
    channels: list[str]


@dataclass(frozen=True)
class OpenIncidents:
    """The open incidents in short."""

    count: int
    oldest: datetime | None
    muted: int
    critical: int


def incidents(connection: Connection, *, ended: bool, limit: int) -> list[Incident]:
    """The open incidents, the worst first; with `ended`, then the ones that ended last."""
    with connection, connection.cursor() as cursor:
        return rows.find(cursor, "incidents/list.sql", {"ended": ended, "limit": limit})


def show(connection: Connection, number: int) -> tuple[Incident, list[Event]]:
    """An incident and its history. Raises UsageError if there is none of this number."""
    with connection, connection.cursor() as cursor:
        incident = _by_id(cursor, number)
        cursor.execute(statement("incidents/events.sql"), {"id": number})
        return incident, [Event(*row) for row in cursor.fetchall()]


def mute(connection: Connection, number: int, until: datetime, by: str, because: str) -> Incident:
    """Keeps notifications about an open incident back until a time; then one tells what happened meanwhile.

    A time in the past ends a mute. If the incident ends before, a new one of the same check and subject is muted too.
    """
    with connection, connection.cursor() as cursor:
        now = _now(cursor)
        incident = _open(cursor, number)
        cursor.execute(
            statement("incidents/mute_ended.sql"),
            {"check": incident.check, "subject": incident.subject, "until": until},
        )
        incident = replace(incident, muted_until=until, muted_by=by, muted_because=rows.bounded(because))
        rows.update(cursor, incident)
        words = f"muted until {until:%Y-%m-%d %H:%M %Z}: {because}" if until > now else f"no longer muted: {because}"
        rows.note_event(cursor, incident, Reason.MUTED, now, words, by=by)
    return incident


def close(
    connection: Connection, number: int, by: str, because: str, rules: IncidentRules, channels: Sequence[str]
) -> Incident:
    """Ends an open incident by hand, and tells the channels that know of it. If its check still fails, the next run
    opens a new one.
    """
    with connection, connection.cursor() as cursor:
        now = _now(cursor)
        incident = replace(
            _open(cursor, number),
            ended_at=now, ended_as=Reason.CLOSED, ended_by=by, ended_because=rows.bounded(because), kept_back=None,
        )  # fmt: skip
        rows.update(cursor, incident)
        told = () if incident.is_muted(now) else rules.audience(incident, Reason.CLOSED, channels)
        words = summary(incident, Reason.CLOSED)
        event = rows.note_event(cursor, incident, Reason.CLOSED, now, words, by=by, channels=told)
        tell(connection, incident, Reason.CLOSED, event, told)
    return incident


def in_short(connection: Connection) -> OpenIncidents:
    """The open incidents in short."""
    with connection, connection.cursor() as cursor:
        cursor.execute(statement("incidents/summary.sql"))
        return OpenIncidents(*(cursor.fetchone() or (0, None, 0, 0)))


def _by_id(cursor: Cursor, number: int) -> Incident:
    for incident in rows.find(cursor, "incidents/lock_id.sql", {"id": number}):
        return incident
    raise UsageError(f"there is no incident {number}", "./spark-submit.sh incidents list (--all: ended ones too)")


def _open(cursor: Cursor, number: int) -> Incident:
    incident = _by_id(cursor, number)
    if incident.ended_at is not None:
        raise UsageError(
            f"incident {number} ended at {incident.ended_at:%Y-%m-%d %H:%M} UTC"
            f" ({incident.ended_as.value if incident.ended_as else ''})",
            "./spark-submit.sh incidents list shows the open ones",
        )
    return incident


def _now(cursor: Cursor) -> datetime:
    cursor.execute("SELECT clock_timestamp()")
    (now,) = cursor.fetchone() or (None,)
    assert isinstance(now, datetime)
    return now
