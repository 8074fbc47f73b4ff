"""Incidents as plain data and as lines of text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from typing import Any

from castro_spark.counted import counted
from castro_spark.incidents.by_hand import Event
from castro_spark.incidents.incident import Incident
from castro_spark.sinks.postgres.outbox import plain


def as_data(incident: Incident) -> dict[str, Any]:
    """The incident for JSON, with its severity."""
    data = {**vars(incident), "severity": incident.severity, "level": incident.level.name.lower()}
    data["worst_level"] = incident.worst_level.name.lower()
    converted: dict[str, Any] = plain(data)
    return converted


def line(incident: Incident) -> str:
    """The incident in one line."""
    since = f"since {_at(incident.opened_at)}"
    if incident.ended_as is not None:
        since += f", {incident.ended_as.value} {_at(incident.ended_at)}"
    elif incident.is_muted(datetime.now(timezone.utc)):
        since += f", muted until {_at(incident.muted_until)}"
    state = f"{incident.severity.value:<8} {incident.outcome.value:<7} {incident.check} of {incident.subject}"
    return f"{incident.id:>6}  {state}: {incident.words[:120]}  ({since}, {counted(incident.count, 'time')})"


def details(incident: Incident, events: Sequence[Event]) -> Iterator[str]:
    """The incident with its evidence and history."""
    yield line(incident)
    if incident.observed is not None or incident.limit is not None:
        yield f"  observed {incident.observed or '-'}, limit {incident.limit or '-'}"
    if incident.ended_by:
        yield f"  closed by {incident.ended_by}: {incident.ended_because}"
    if incident.muted_by:
        yield f"  muted by {incident.muted_by} until {_at(incident.muted_until)}: {incident.muted_because}"
    for key, value in incident.evidence.items():
        yield f"  {key}: {value}"
    for event in events:
        told = f" -> {', '.join(event.channels)}" if event.channels else ""
        yield f"  {_at(event.at)}  {event.event:<10} {event.words[:160]}{told}"


def _at(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC" if moment else "-"
