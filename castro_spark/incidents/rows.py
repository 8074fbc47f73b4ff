"""castro.incident and castro.incident_event: reads and writes whole incidents, in the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import psycopg2.extensions
from psycopg2 import sql

from castro_spark.incidents.incident import Incident, Level, Reason
from castro_spark.quality.result import Outcome
from castro_spark.sinks.postgres.connection import statement
from castro_spark.sinks.postgres.outbox import plain

Cursor = psycopg2.extensions.cursor
MOST_EVENTS = 200  # of one incident
_MOST_WORDS = 2000
_MOST_EVIDENCE = 32 * 1024
# Column -> attribute of Incident.
_COLUMNS = {
    "check_name": "check", "subject": "subject", "outcome": "outcome", "level": "level", "words": "words",
    "observed": "observed", "limit_words": "limit", "evidence": "evidence", "opened_at": "opened_at",
    "seen_at": "seen_at", "count": "count", "passes": "passes", "worst_level": "worst_level", "outcomes": "outcomes",
    "told_channels": "told_channels", "told_at": "told_at", "escalated_at": "escalated_at",
    "muted_until": "muted_until", "muted_by": "muted_by", "muted_because": "muted_because", "kept_back": "kept_back",
    "ended_at": "ended_at", "ended_as": "ended_as", "ended_by": "ended_by", "ended_because": "ended_because",
}  # fmt: skip
COLUMNS = sql.SQL(", ").join(map(sql.Identifier, ["id", *_COLUMNS]))


def find(cursor: Cursor, file: str, parameters: Mapping[str, object]) -> list[Incident]:
    """The incidents that a file of sql/incidents selects."""
    cursor.execute(statement(file, columns=COLUMNS), parameters)
    return [from_row(row) for row in cursor.fetchall()]


def insert(cursor: Cursor, incident: Incident) -> Incident | None:
    """Stores a new, storable incident; None if another is open of its check and subject."""
    columns = sql.SQL(", ").join(map(sql.Identifier, _COLUMNS))
    values = sql.SQL(", ").join(map(sql.Placeholder, _COLUMNS))
    cursor.execute(statement("incidents/open.sql", columns=columns, values=values), _row(incident))
    row = cursor.fetchone()
    return replace(incident, id=row[0]) if row else None


def update(cursor: Cursor, incident: Incident) -> None:
    """Stores a locked incident."""
    changes = sql.SQL(", ").join(sql.SQL("{} = {}").format(sql.Identifier(c), sql.Placeholder(c)) for c in _COLUMNS)
    change = sql.SQL("UPDATE castro.incident SET {} WHERE id = %(id)s").format(changes)
    cursor.execute(change, {**_row(incident), "id": incident.id})


def note_event(
    cursor: Cursor,
    incident: Incident,
    event: Reason,
    at: datetime,
    words: str,
    *,
    by: str | None = None,
    channels: Sequence[str] = (),
) -> int:
    """Adds an event to the incident's history; returns the event's id."""
    cursor.execute(
        statement("incidents/note_event.sql"),
        {
            "incident": incident.id, "event": event.value, "at": at, "outcome": incident.outcome.value,
            "words": bounded(words), "by": by, "channels": list(channels), "keep": MOST_EVENTS - 2,
        },
    )  # fmt: skip
    (number,) = cursor.fetchone() or (0,)
    return int(number)


def storable(incident: Incident) -> Incident:
    """The incident with texts and evidence as the table takes them: without NUL, and of limited size."""
    evidence = plain(incident.evidence)
    if (size := len(json.dumps(evidence))) > _MOST_EVIDENCE:
        evidence = {"omitted": f"{size:,} characters"}
    return replace(
        incident, words=bounded(incident.words), evidence=evidence,
        observed=incident.observed and bounded(incident.observed), limit=incident.limit and bounded(incident.limit),
    )  # fmt: skip


def bounded(words: str) -> str:
    """A text without NUL, and of limited length."""
    words = str(plain(words))
    return words if len(words) <= _MOST_WORDS else f"{words[:_MOST_WORDS]}..."


def _row(incident: Incident) -> dict[str, Any]:
    row = {column: getattr(incident, attribute) for column, attribute in _COLUMNS.items()}
    return {
        **row,
        "outcome": incident.outcome.value,
        "level": int(incident.level),
        "worst_level": int(incident.worst_level),
        "evidence": json.dumps(incident.evidence, ensure_ascii=False),
        "outcomes": sorted(outcome.value for outcome in incident.outcomes),
        "told_channels": sorted(incident.told_channels),
        "kept_back": incident.kept_back and incident.kept_back.value,
        "ended_as": incident.ended_as and incident.ended_as.value,
    }


def from_row(row: tuple[Any, ...]) -> Incident:
    """The incident of a row of COLUMNS."""
    values = dict(zip(["id", *_COLUMNS.values()], row, strict=True))
    return Incident(**{
        **values,
        "outcome": Outcome(values["outcome"]),
        "level": Level(values["level"]),
        "worst_level": Level(values["worst_level"]),
        "outcomes": frozenset(map(Outcome, values["outcomes"])),
        "told_channels": frozenset(values["told_channels"]),
        "kept_back": values["kept_back"] and Reason(values["kept_back"]),
        "ended_as": values["ended_as"] and Reason(values["ended_as"]),
    })  # fmt: skip
