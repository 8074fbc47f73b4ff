"""The processes that ran a part (a stream, a job), as castro.instance has them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from castro_spark.page.page import Asked
from castro_spark.page.words.language import text
from castro_spark.process.component import ALIVE, State
from castro_spark.sinks.postgres.operations.instances import SILENT_SECONDS

STATES = {
    "starting": text("starts"), "running": text("runs"), "restarting": text("restarts again and again"),
    "stopped": text("stopped"), "done": text("done"), "failed": text("failed"), "silent": text("gives no sign of life"),
    "never": text("never started"),
}  # fmt: skip
SIGNS = {
    "starting": "unknown", "running": "good", "restarting": "bad", "stopped": "quiet", "done": "good", "failed": "bad",
    "silent": "bad", "never": "quiet",
}  # fmt: skip


@dataclass(frozen=True)
class Part:
    """One process's run of a part."""

    stream: str
    host: str
    pid: int
    application: str
    tracking_url: str | None
    mode: str
    state: str
    reason: str | None
    error: str | None
    state_since: datetime
    restarts: int
    restarts_since_commit: int
    progress: Mapping[str, Any] | None
    last_error: str | None
    last_error_at: datetime | None
    started_at: datetime
    heartbeat_at: datetime
    silent_seconds: float

    @property
    def shown(self) -> str:
        """Its state as a key of STATES: `silent` if it has not ended and gives no heartbeat."""
        silent = State(self.state) in ALIVE and self.silent_seconds > SILENT_SECONDS
        return "silent" if silent else self.state


def parts(asked: Asked, kind: str, stream: str | None = None, limit: int = 10) -> list[Part]:
    """The processes of a kind, the newest first."""
    found = asked.snapshot.rows("page/parts.sql", {"kind": kind, "stream": stream, "limit": limit})
    return [Part(**row) for row in found]
