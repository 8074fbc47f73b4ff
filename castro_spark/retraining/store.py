"""castro.training and castro.retraining_decision. Every function works within the caller's transaction.

Guarantee: rows are only added, and decisions pruned by age. Who adds rows of a model holds its lock.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from castro_spark.retraining.policy import History, Past
from castro_spark.sections.retraining import RetrainingSettings
from castro_spark.sinks.postgres.connection import Connection
from castro_spark.sinks.postgres.sql_files import statement

Cursor = Any
_REMEMBERED = 500  # decisions that are looked at for confirmations
_PRUNED_AT_A_TIME = 1000


@dataclass(frozen=True)
class Training:
    """A recorded training. `data_from` and `data_until` are local business days, included; `bins` as frozen."""

    id: int
    trained_at: datetime
    data_from: date | None
    data_until: date
    rows: int
    metrics: Mapping[str, float]
    bins: Mapping[str, Any]
    decision_id: UUID | None
    recorded_by: str
    recorded_at: datetime


@dataclass(frozen=True)
class Decided:
    """A stored decision."""

    id: UUID
    decided_at: datetime
    fired: bool
    reason: str
    words: str
    holding: list[str]
    rules: list[dict[str, Any]]
    blockers: list[str]
    policy_hash: str
    channels: list[str]


def lock(cursor: Cursor, model: str) -> datetime:
    """Waits until no other transaction decides or records for the model; returns the time then. Held to the end."""
    cursor.execute("SELECT pg_advisory_xact_lock(hashtext('castro_spark.retraining'), hashtext(%s))", (model,))
    cursor.execute("SELECT clock_timestamp()")
    (now,) = cursor.fetchone()
    assert isinstance(now, datetime)
    return now


def last_training(cursor: Cursor, model: str) -> Training | None:
    """The training with the latest time; None: none was recorded."""
    cursor.execute(statement("retraining/last_training.sql"), {"model": model})
    row = cursor.fetchone()
    return None if row is None else _training(row)


def training_at(cursor: Cursor, model: str, trained_at: datetime) -> Training | None:
    """The training of exactly this time."""
    cursor.execute(
        "SELECT id, trained_at, data_from, data_until, rows, metrics, bins, decision_id, recorded_by, recorded_at"
        " FROM castro.training WHERE model = %s AND trained_at = %s",
        (model, trained_at),
    )
    row = cursor.fetchone()
    return None if row is None else _training(row)


def history(cursor: Cursor, model: str, training: Training | None) -> History:
    """What was decided before, as the policy takes it."""
    after = training.recorded_at if training else None
    decisions = tuple(Past(d.decided_at, frozenset(d.holding)) for d in newest(cursor, model, _REMEMBERED, after))
    cursor.execute(statement("retraining/last_fired.sql"), {"model": model})
    fired_at, answered = cursor.fetchone() or (None, True)
    return History(decisions, fired_at, answered)


def newest(cursor: Cursor, model: str, most: int, after: datetime | None = None) -> list[Decided]:
    """The newest decisions, the newest first."""
    cursor.execute(statement("retraining/decisions.sql"), {"model": model, "after": after, "most": most})
    return [Decided(UUID(str(row[0])), *row[1:]) for row in cursor.fetchall()]


def fired(cursor: Cursor, model: str, decision: UUID) -> bool | None:
    """Whether a decision fired; None: there is none of this id."""
    cursor.execute(
        "SELECT fired FROM castro.retraining_decision WHERE model = %s AND id = %s::uuid", (model, str(decision))
    )
    row = cursor.fetchone()
    return None if row is None else bool(row[0])


def add_decision(cursor: Cursor, row: Mapping[str, Any]) -> None:
    """Adds a decision: the columns of castro.retraining_decision, `rules` and `evidence` as plain data."""
    cursor.execute(statement("retraining/insert_decision.sql"), _as_json(row, ("rules", "evidence")))


def add_training(cursor: Cursor, row: Mapping[str, Any]) -> None:
    """Adds a training: the columns of castro.training, `metrics` and `bins` as plain data."""
    cursor.execute(statement("retraining/insert_training.sql"), _as_json(row, ("metrics", "bins")))


def prune(connection: Connection, settings: RetrainingSettings) -> int:
    """One step in a transaction of its own: removes the oldest decisions beyond their retention; returns how many."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            statement("prune/retraining_decisions.sql"),
            {
                "days": settings.retention_days, "fired_days": settings.fired_retention_days,
                "rows": _PRUNED_AT_A_TIME,
            },
        )  # fmt: skip
        return int(cursor.rowcount)


def _training(row: tuple[Any, ...]) -> Training:
    training = Training(*row)
    asked_for = training.decision_id
    return replace(training, decision_id=None if asked_for is None else UUID(str(asked_for)))


def _as_json(row: Mapping[str, Any], columns: tuple[str, ...]) -> dict[str, Any]:
    return {**row, **{name: json.dumps(row[name], ensure_ascii=False) for name in columns}}
