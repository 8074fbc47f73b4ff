"""Incidents: what is wrong now, the worst first; each one's life, and what may be done about it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute

from castro_spark.incidents.by_hand import Event
from castro_spark.incidents.incident import Incident
from castro_spark.incidents.rows import COLUMNS, from_row
from castro_spark.page.page import Answer, Asked, Data, Page
from castro_spark.page.web.acting import work
from castro_spark.page.web.paging import before, paged
from castro_spark.page.words.language import text

_MOST_OPEN = 200
_ENDED = 30
LEVELS = {"warning": text("near a limit"), "failing": text("failing"), "critical": text("critical")}
EVENTS = {
    "opened": text("Opened"), "noticed": text("Noticed again"), "eased": text("Eased"), "changed": text("Changed"),
    "escalated": text("Escalated"), "repeated": text("Notified again"), "passed": text("Passed"),
    "resolved": text("Resolved"), "muted": text("Muted"), "after_mute": text("The mute is over"),
    "closed": text("Closed"),
}  # fmt: skip


@dataclass(frozen=True)
class Told:
    """A message about an incident to a channel, and whether it arrived."""

    channel: str
    state: str
    created_at: datetime
    attempts: int
    error: str | None


def _list(asked: Asked) -> Answer:
    now = _incidents(asked, "page/incidents_open.sql", {"limit": _MOST_OPEN})
    past = _incidents(asked, "page/incidents_ended.sql", {"before": before(asked), "limit": _ENDED + 1})
    ended, older = paged(past, _ENDED, asked, lambda incident: incident.id)
    count = asked.snapshot.row("page/incidents_count.sql") or {}
    return work(
        asked, open=now, count=count.get("incidents", 0), ended=ended, older=older, levels=LEVELS,
        muted=[i for i in now if i.is_muted(asked.now)],
    )  # fmt: skip


def _one(asked: Asked) -> Answer:
    number = asked.path["id"]
    found = _incidents(asked, "page/incident.sql", {"id": number})
    if not found:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"there is no incident {number}")
    rows = asked.snapshot.rows("incidents/events.sql", {"id": number})
    told = asked.snapshot.rows("page/incident_messages.sql", {"series": f"incident:{number}"})
    return work(
        asked, incident=found[0], is_muted=found[0].is_muted(asked.now), events_words=EVENTS, levels=LEVELS,
        events=[_event(row) for row in reversed(rows)], told=[Told(**row) for row in told],
    )  # fmt: skip


def _incidents(asked: Asked, path: str, parameters: dict[str, Any]) -> list[Incident]:
    return [from_row(tuple(row.values())) for row in asked.snapshot.rows(path, parameters, columns=COLUMNS)]


def _event(row: dict[str, Any]) -> Event:
    return Event(row["event"], row["at"], row["outcome"], row["words"], row["by_whom"], row["channels"])


ROUTES: tuple[Page | Data | BaseRoute, ...] = (
    Page("incidents", "/incidents", text("Incidents"), _list, "incidents.html"),
    Page("incident", "/incidents/{id:row}", text("Incident"), _one, "incident.html", group=None, within="incidents"),
)
