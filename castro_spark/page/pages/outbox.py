"""Outbox: each channel's queue, dead letters first, and one message with what it says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute

from castro_spark.outbox import letters
from castro_spark.page.page import Answer, Asked, Data, Page
from castro_spark.page.web.acting import work
from castro_spark.page.web.paging import address, before, paged
from castro_spark.page.words.language import text

_ROWS = 50
STATES = {
    "dead": text("Dead letters"), "pending": text("Waiting"), "delivered": text("Delivered"),
    "discarded": text("Given up"),
}  # fmt: skip
KINDS = {
    "incident": text("Incident"), "critical_product": text("Critical product"), "retraining": text("Retraining"),
}  # fmt: skip


@dataclass(frozen=True)
class Message:
    """A message in the list."""

    id: int
    kind: str
    cause: str
    channel: str
    state: str
    created_at: datetime
    due_at: datetime
    attempts: int
    lease_until: datetime | None
    leased_by: str | None
    error: str | None
    error_at: datetime | None
    settled_at: datetime | None
    settled_note: str | None


@dataclass(frozen=True)
class Whole(Message):
    """A message with what it says."""

    message_id: str
    series: str | None
    payload: Mapping[str, Any]


def _list(asked: Asked) -> Answer:
    queues = letters.queues(asked.snapshot.connection)
    dead = any(queue.dead for queue in queues)
    state = asked.query.get("state") or ("dead" if dead else "pending")
    if state not in STATES:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"there is no state {state!r}")
    channel = asked.query.get("channel")
    found = asked.snapshot.rows(
        "page/messages.sql", {"state": state, "channel": channel, "before": before(asked), "limit": _ROWS + 1}
    )
    rows, older = paged([Message(**row) for row in found], _ROWS, asked, lambda row: row.id)
    return work(
        asked, queues=queues, configured=asked.settings.alerts.enabled, state=state, states=STATES, kinds=KINDS,
        channel=channel, rows=rows, older=older, address=lambda **changes: address(asked, before=None, **changes),
    )  # fmt: skip


def _one(asked: Asked) -> Answer:
    row = asked.snapshot.row("page/message.sql", {"id": asked.path["id"]})
    if row is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"there is no message {asked.path['id']}")
    return work(asked, message=Whole(**row), states=STATES, kinds=KINDS)


ROUTES: tuple[Page | Data | BaseRoute, ...] = (
    Page("outbox", "/outbox", text("Outbox"), _list, "outbox.html"),
    Page("message", "/outbox/{id:row}", text("Message"), _one, "message.html", group=None, within="outbox"),
)
