"""One decision: measured, made, stored and, if it fires, put into the outbox, all in one transaction.

Guarantee: decisions of a model are made one after the other, under a lock. A decision and its message exist together or
not at all; the decision's id is the message's cause and the task's id, so no delivery of it is another retraining. A
killed decision leaves nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from castro_spark.outbox import put
from castro_spark.retraining import measure, store
from castro_spark.retraining.blockers import blockers
from castro_spark.retraining.features import Feature, by_stream, resolve
from castro_spark.retraining.judgement import Evidence
from castro_spark.retraining.policy import Decision, Reason, decide
from castro_spark.retraining.store import Decided, Training
from castro_spark.retraining.text import sentence
from castro_spark.settings import Settings
from castro_spark.sinks.postgres.connection import Connection, connect
from castro_spark.sinks.postgres.outbox import plain
from castro_spark.streams.declaration import StreamDeclaration

Cursor = Any


def decide_now(settings: Settings, streams: Mapping[str, StreamDeclaration], *, at: datetime | None = None) -> Decided:
    """Makes and stores a decision; returns it. `at`: as of this time, for tests.

    Raises SettingsError for features that do not exist, and what PostgreSQL raises; nothing is stored then.
    """
    features = resolve(settings.retraining.features, streams)
    with closing(connect(settings.postgres, "castro_spark retraining")) as connection:
        with connection, connection.cursor() as cursor:
            decided = _decide(connection, cursor, settings, features, at)
        store.prune(connection, settings.retraining)
    return decided


def _decide(
    connection: Connection, cursor: Cursor, settings: Settings, features: Sequence[Feature], at: datetime | None
) -> Decided:
    own = settings.retraining
    bound_statements(cursor, own.statement_timeout_seconds)
    # Read committed: a snapshot taken before the lock would not show the decision that was waited for.
    clock = store.lock(cursor, own.model)
    now = at or clock
    training = store.last_training(cursor, own.model)
    evidence, data = measured(cursor, settings, features, training, now.astimezone(settings.zone).date())
    decision = decide(evidence, store.history(cursor, own.model, training), own, now)
    channels = settings.alerts.channels_for("retraining")
    if decision.fired and not channels:
        decision = replace(decision, fired=False, reason=Reason.NO_CHANNEL)
    decided = Decided(
        uuid4(), now, decision.fired, decision.reason.value, sentence(decision, own.confirmations),
        [rule.rule.value for rule in decision.holding], rules_as_data(decision), list(decision.blockers),
        own.policy_hash, sorted(channels) if decision.fired else [],
    )  # fmt: skip
    row = {**asdict(decided), "id": str(decided.id), "model": own.model, "training_id": training and training.id}
    store.add_decision(cursor, {**row, "evidence": data})
    if decided.fired:
        put(connection, "retraining", str(decided.id), payload(decided, own.model, data), channels)
    return decided


def measured(
    cursor: Cursor, settings: Settings, features: Sequence[Feature], training: Training | None, today: date
) -> tuple[Evidence, dict[str, Any]]:
    """The evidence, and all that it was made from as plain data. The windows end on the day before `today`."""
    own = settings.retraining
    streams = list(by_stream(features))
    blocking = blockers(cursor, [s.name for s in streams], own.hold)
    window = measure.Window.until(today - timedelta(days=1), own.window_days)
    if training is None:
        rows = measure.rows(cursor, streams, window.first, window.last)
        return Evidence(None, 0, rows, blockers=blocking), {"window": window.as_data(), "rows": rows}
    # Counts can only be compared over windows of one length, and of the same products.
    window = measure.Window.until(window.last, training.bins["window_days"])
    products = measure.sample(cursor, streams, training.bins["sample_products"])
    rows = measure.rows(cursor, streams, training.data_until + timedelta(days=1), today)
    active, new = measure.new_products(cursor, streams, products, window, training.data_until)
    compared = measure.drifts(cursor, features, measure.from_data(training.bins["features"]), products, window, own)
    without_bins = [f.name for f in features if f.name not in training.bins["features"]]
    data: dict[str, Any] = plain({
        "window": window.as_data(),
        "year_before": window.year_before().as_data(),
        "training": {"trained_at": training.trained_at, "data_until": training.data_until, "rows": training.rows,
                     "window": training.bins["window"]},
        "sampled_products": len(products),
        "rows": rows,
        "active_products": active,
        "new_products": new,
        "features": {c.drift.feature: {**c.evidence, "psi": c.drift.psi, "limit": c.drift.limit,
                                       "drifts": c.drift.drifts, "words": c.drift.words} for c in compared},
        "features_without_bins": without_bins,
    })  # fmt: skip
    drifts = tuple(c.drift for c in compared)
    return Evidence(training.trained_at, training.rows, rows, drifts, active, new, blocking), data


def payload(decided: Decided, model: str, data: Mapping[str, Any]) -> dict[str, Any]:
    """The task's arguments: what was decided and why, in short."""
    features = data.get("features", {})
    return {
        "model": model,
        "reason": decided.reason,
        "words": f"retraining of {model} {decided.words}",
        "decided_at": decided.decided_at,
        "policy_hash": decided.policy_hash,
        "rules": decided.rules,
        "evidence": {
            **{key: value for key, value in data.items() if key not in ("features", "features_without_bins")},
            "psi": {
                name: {"psi": f["psi"], "limit": f["limit"], "drifts": f["drifts"]} for name, f in features.items()
            },
        },
    }


def rules_as_data(decision: Decision) -> list[dict[str, Any]]:
    """The rules' results as plain data."""
    return [
        {**asdict(rule), "rule": rule.rule.value, "in_a_row": decision.in_a_row.get(rule.rule, 0)}
        for rule in decision.rules
    ]


def bound_statements(cursor: Cursor, seconds: float) -> None:
    """Bounds each statement of the transaction."""
    cursor.execute("SELECT set_config('statement_timeout', %s, true)", (str(round(seconds * 1000)),))


def decision_id(text: str) -> UUID | None:
    """The id of a decision; None if the text is no UUID."""
    try:
        return UUID(text)
    except ValueError:
        return None
