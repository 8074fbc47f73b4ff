"""Messages put into the outbox, and what became of them."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from castro_spark.outbox import put
from tests.databases.alerting import Alerting

PAYLOAD = {
    "incident": 7, "event": "opened", "status": "firing", "summary": "opened: freshness of sales", "check": "freshness",
    "subject": "sales", "outcome": "fail", "severity": "critical", "words": "601 s behind", "observed": "601 s",
    "limit": "600 s", "evidence": {"newest": "2026-03-02T12:00:00Z"}, "opened_at": "2026-03-02T12:10:00+00:00",
}  # fmt: skip


def send(alerting: Alerting, *names: str, cause: str = "incident:7:1", series: str | None = None, **payload: Any) -> list[str]:
    with closing(alerting.connect()) as connection, connection:
        return put(connection, "incident", cause, {**PAYLOAD, **payload}, names, series=series)


def states(alerting: Alerting) -> list[tuple[Any, ...]]:
    return alerting.query("SELECT channel, state, attempts FROM castro.outbox ORDER BY id")


def errors(alerting: Alerting) -> list[str]:
    return [error for (error,) in alerting.query("SELECT error FROM castro.outbox WHERE error IS NOT NULL ORDER BY id")]
