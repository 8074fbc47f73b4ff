"""The message about an incident, as plain data: the payload of kind `incident` in the outbox."""

from __future__ import annotations

from typing import Any

from castro_spark.incidents.incident import Incident, Reason
from castro_spark.quality.result import Outcome

_EVENT = {
    Reason.OPENED: "opened",
    Reason.CHANGED: "changed",
    Reason.ESCALATED: "escalated",
    Reason.REPEATED: "still open",
    Reason.RESOLVED: "resolved",
    Reason.AFTER_MUTE: "no longer muted",
    Reason.CLOSED: "closed",
}


def notice(incident: Incident, reason: Reason) -> dict[str, Any]:
    """The payload. docs/design/outbox.md lists its items: they are arguments of the task send_data_quality_alert."""
    return {
        "incident": incident.id,
        "event": reason.value,
        "status": "firing" if incident.ended_at is None else "resolved",
        "summary": summary(incident, reason),
        "check": incident.check,
        "subject": incident.subject,
        "outcome": incident.outcome.value,
        "severity": incident.severity.value,
        "words": incident.words,
        "observed": incident.observed,
        "limit": incident.limit,
        "evidence": dict(incident.evidence),
        "opened_at": incident.opened_at,
        "seen_at": incident.seen_at,
        "count": incident.count,
        "ended_at": incident.ended_at,
        "ended_as": incident.ended_as,
        "ended_by": incident.ended_by,
        "ended_because": incident.ended_because,
    }


def summary(incident: Incident, reason: Reason) -> str:
    """One line: what happened, to what, since when, in words."""
    what = f"{incident.check} of {incident.subject}"
    since = f"since {incident.opened_at:%Y-%m-%d %H:%M} UTC"
    event = _EVENT.get(reason, reason.value)
    if incident.ended_as is Reason.CLOSED:
        return f"closed: {what}, by {incident.ended_by}: {incident.ended_because}"
    if incident.ended_as is Reason.RESOLVED:
        until = f" (muted until now; it was open {since})" if reason is Reason.AFTER_MUTE else f", open {since}"
        return f"resolved: {what}{until}"
    return f"{event}: {state_in_words(incident)}"


def state_in_words(incident: Incident) -> str:
    """An open incident in one line."""
    state = "could not run" if incident.outcome is Outcome.ERROR else incident.outcome.value.replace("_", " ")
    since = f"since {incident.opened_at:%Y-%m-%d %H:%M} UTC"
    return f"{incident.check} of {incident.subject}, {state} ({incident.severity.value}, {since}): {incident.words}"
