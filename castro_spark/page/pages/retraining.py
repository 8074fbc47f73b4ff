"""Retraining: whether the model is to be trained again, why or why not, and the evidence of each decision."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute

from castro_spark.page.page import Answer, Asked, Data, Page
from castro_spark.page.web.acting import work
from castro_spark.page.web.paging import address, before_moment, paged
from castro_spark.page.words.language import text
from castro_spark.retraining.decide import decision_id

_ROWS = 40
_TRAININGS = 10
# Of a decision: its sign, and what its reason says.
REASONS = {
    "drift": ("warning", text("asked for: the data have drifted")),
    "new_rows": ("warning", text("asked for: many new rows")),
    "new_products": ("warning", text("asked for: many new products")),
    "age": ("warning", text("asked for: the last training is old")),
    "first": ("warning", text("asked for: no training yet")),
    "disabled": ("quiet", text("switched off in the settings")),
    "not_due": ("good", text("not due")),
    "no_training": ("unknown", text("no training is recorded")),
    "unconfirmed": ("unknown", text("due, not confirmed yet")),
    "held": ("bad", text("due, but held back")),
    "awaited": ("unknown", text("asked for; the training is awaited")),
    "cooldown": ("unknown", text("due, but one was asked for lately")),
    "no_channel": ("bad", text("due, but no channel takes it")),
}
RULES = {
    "drift": text("Drift of the data"), "new_rows": text("New rows"), "new_products": text("New products"),
    "age": text("Age of the last training"), "first": text("First training"),
}  # fmt: skip


@dataclass(frozen=True)
class Decided:
    """A decision in the list."""

    id: str
    decided_at: datetime
    fired: bool
    reason: str
    words: str
    holding: list[str]
    blockers: list[str]
    channels: list[str]


@dataclass(frozen=True)
class Whole(Decided):
    """A decision with its evidence (retraining/decide.py)."""

    model: str
    rules: list[Mapping[str, Any]]
    evidence: Mapping[str, Any]
    policy_hash: str


@dataclass(frozen=True)
class Training:
    """A training that the application recorded."""

    trained_at: datetime
    data_from: date | None
    data_until: date
    rows: int
    metrics: Mapping[str, float]
    decision_id: str | None
    recorded_by: str
    recorded_at: datetime


def _list(asked: Asked) -> Answer:
    model, fired = asked.settings.retraining.model, asked.query.get("fired") == "1"
    given = {"model": model, "fired": fired, "before": before_moment(asked), "limit": _ROWS + 1}
    found = [Decided(**row) for row in asked.snapshot.rows("page/decisions.sql", given)]
    rows, older = paged(found, _ROWS, asked, lambda row: row.decided_at.isoformat())
    newest = asked.snapshot.rows("page/decisions.sql", {**given, "fired": False, "before": None, "limit": 1})
    trainings = asked.snapshot.rows("page/trainings.sql", {"model": model, "limit": _TRAININGS})
    return work(
        asked, model=model, last=_whole(asked, newest[0]["id"]) if newest else None, rows=rows, older=older,
        fired=fired, reasons=REASONS, rules=RULES, trainings=[Training(**row) for row in trainings],
        address=lambda **changes: address(asked, before=None, **changes),
    )  # fmt: skip


def _one(asked: Asked) -> Answer:
    number = decision_id(asked.path["id"])
    found = _whole(asked, str(number)) if number else None
    if found is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, "there is no such decision, or it is no longer kept")
    return work(asked, decision=found, reasons=REASONS, rules=RULES)


def _whole(asked: Asked, number: str) -> Whole | None:
    row = asked.snapshot.row("page/decision.sql", {"id": number})
    return Whole(**row) if row else None


ROUTES: tuple[Page | Data | BaseRoute, ...] = (
    Page("retraining", "/retraining", text("Retraining"), _list, "retraining.html"),
    Page(
        "decision", "/retraining/{id}", text("A decision about a retraining"), _one, "decision.html", group=None,
        within="retraining",
    ),
)  # fmt: skip
