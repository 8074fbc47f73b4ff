"""Records a finished training: its data, its metrics, and the bins that later windows are compared by.

Guarantee: one transaction; the same training recorded again changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from castro_spark.errors import UsageError
from castro_spark.local_day import EARLIEST_YEAR
from castro_spark.retraining import measure, store
from castro_spark.retraining.decide import bound_statements
from castro_spark.retraining.features import Feature, by_stream, resolve
from castro_spark.retraining.store import Training
from castro_spark.settings import Settings
from castro_spark.sinks.postgres.connection import connect
from castro_spark.streams.declaration import StreamDeclaration

Cursor = Any


@dataclass(frozen=True)
class Finished:
    """A finished training, as the application reports it."""

    trained_at: datetime
    data_until: date
    data_from: date | None
    metrics: Mapping[str, float]
    decision: UUID | None
    by: str


def record(settings: Settings, streams: Mapping[str, StreamDeclaration], finished: Finished) -> tuple[Training, bool]:
    """Records it; returns it as stored, and whether it is new.

    Raises UsageError if it cannot be so, or was recorded before with other values; SettingsError as decide_now does.
    """
    model, features = settings.retraining.model, resolve(settings.retraining.features, streams)
    with (
        closing(connect(settings.postgres, "castro_spark retraining")) as connection,
        connection, connection.cursor() as cursor,
    ):  # fmt: skip
        bound_statements(cursor, settings.retraining.statement_timeout_seconds)
        now = store.lock(cursor, model)
        known = store.training_at(cursor, model, finished.trained_at)
        if known is not None:
            _check_same(known, finished)
            return known, False
        _check(finished, now, settings)
        if finished.decision is not None:
            _check_decision(store.fired(cursor, model, finished.decision), finished.decision)
        store.add_training(cursor, _row(cursor, settings, features, finished))
        stored = store.training_at(cursor, model, finished.trained_at)
        assert stored is not None
        return stored, True


def _row(cursor: Cursor, settings: Settings, features: tuple[Feature, ...], finished: Finished) -> dict[str, Any]:
    own = settings.retraining
    streams = list(by_stream(features))
    window = measure.Window.until(finished.data_until, own.window_days)
    products = measure.sample(cursor, streams, own.sample_products)
    frozen = measure.freeze_bins(cursor, features, products, window)
    return {
        "model": own.model, "trained_at": finished.trained_at, "data_from": finished.data_from,
        "data_until": finished.data_until, "metrics": dict(finished.metrics), "recorded_by": finished.by,
        "rows": measure.rows(cursor, streams, finished.data_from, finished.data_until),
        "decision_id": str(finished.decision) if finished.decision else None,
        "bins": {
            "window": window.as_data(), "window_days": own.window_days, "sample_products": own.sample_products,
            "features": measure.as_data(frozen),
        },
    }  # fmt: skip


def _check(finished: Finished, now: datetime, settings: Settings) -> None:
    if finished.trained_at > now:
        raise UsageError(f"--trained-at {finished.trained_at.isoformat()} is in the future", "give the time it ended")
    day = finished.trained_at.astimezone(settings.zone).date()
    if finished.data_until > day:
        raise UsageError(
            f"--data-until {finished.data_until} is after the training's own day, {day} ({settings.timezone})",
            "give the last business day of its data",
        )
    if finished.data_until.year < EARLIEST_YEAR:
        raise UsageError(
            f"--data-until {finished.data_until} is before {EARLIEST_YEAR}, when the first events may be",
            "give the last business day of its data",
        )
    if finished.data_from is not None and finished.data_from > finished.data_until:
        raise UsageError(f"--data-from {finished.data_from} is after --data-until {finished.data_until}")


def _check_decision(fired: bool | None, decision: UUID) -> None:
    if fired is None:
        raise UsageError(f"there is no decision {decision}", "give the task's id, or leave --decision out")
    if not fired:
        raise UsageError(
            f"decision {decision} did not ask for a training", "give the task's id, or leave --decision out"
        )


def _check_same(known: Training, finished: Finished) -> None:
    given = {
        "--data-until": (known.data_until, finished.data_until), "--data-from": (known.data_from, finished.data_from),
        "--metric": (dict(known.metrics), dict(finished.metrics)), "--decision": (known.decision_id, finished.decision),
    }  # fmt: skip
    if differing := [f"{name} (recorded: {was}, given: {now})" for name, (was, now) in given.items() if was != now]:
        at = known.trained_at.isoformat()
        raise UsageError(
            f"the training of {at} was recorded before, with other values: {', '.join(differing)}",
            "another training has another --trained-at; a recorded one is not changed",
        )
