"""The outbox for operators: what waits, what is dead, and what to do with it. Each function is one transaction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from castro_spark.counted import counted
from castro_spark.errors import UsageError
from castro_spark.sinks.postgres.connection import Connection, statement

STATES = ("pending", "delivered", "dead", "discarded")


@dataclass(frozen=True)
class Letter:
    """A message as castro.outbox has it. `attempts` counts those since it was put or retried by hand."""

    id: int
    kind: str
    cause: str
    channel: str
    message_id: str
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
    payload: dict[str, Any]

    def line(self) -> str:
        """The message in one line."""
        when = f"due {self.due_at:%Y-%m-%d %H:%M:%S}"
        if self.settled_at is not None:
            when = f"at {self.settled_at:%Y-%m-%d %H:%M:%S}"
        error = f": {self.error[:120]}" if self.error else ""
        note = f" ({self.settled_note})" if self.settled_note else ""
        what = f"{self.state:<9} {self.channel:<10} {self.kind} {self.cause}"
        return f"{self.id:>6}  {what}, {counted(self.attempts, 'attempt')}, {when} UTC{error}{note}"


@dataclass(frozen=True)
class ChannelQueue:
    """A channel's messages that are not delivered; `failing`: those of `pending` whose last attempt failed."""

    channel: str
    pending: int
    oldest: datetime | None
    failing: int
    dead: int
    error: str | None


def letters(connection: Connection, state: str | None, channel: str | None, limit: int) -> list[Letter]:
    """Messages, the oldest first."""
    with connection, connection.cursor() as cursor:
        cursor.execute(statement("outbox/list.sql"), {"state": state, "channel": channel, "limit": limit})
        return [Letter(*row) for row in cursor.fetchall()]


def check_channel(connection: Connection, channel: str | None, configured: Collection[str]) -> None:
    """Raises UsageError for a channel that neither the settings nor any message names."""
    if channel is None or channel in configured:
        return
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM castro.outbox WHERE channel = %s)", (channel,))
        (used,) = cursor.fetchone() or (False,)
    if not used:
        raise UsageError(
            f"there is no channel {channel}, and no message for one of that name",
            f"alerts.channels has {', '.join(sorted(configured)) or 'none'}",
        )


def retry(connection: Connection, ids: Sequence[int] | None, channel: str | None = None) -> int:
    """Makes dead letters, and messages that wait for another attempt, due now. `ids` None: all. Returns how many.

    Raises UsageError, and changes nothing, if one of `ids` is not such a message.
    """
    with connection, connection.cursor() as cursor:
        cursor.execute(
            statement("outbox/retry.sql"), {"ids": None if ids is None else list(ids), "channel": channel}
        )
        return _all(ids, [number for (number,) in cursor.fetchall()], "neither dead nor waiting for another attempt")


def discard(connection: Connection, ids: Sequence[int], note: str) -> int:
    """Gives up messages that are dead or pending; returns how many. Raises UsageError as `retry` does."""
    with connection, connection.cursor() as cursor:
        cursor.execute(statement("outbox/discard.sql"), {"ids": list(ids), "note": note})
        return _all(ids, [number for (number,) in cursor.fetchall()], "neither dead nor pending")


def queues(connection: Connection) -> list[ChannelQueue]:
    """The channels with messages that are not delivered."""
    with connection, connection.cursor() as cursor:
        cursor.execute(statement("outbox/summary.sql"))
        return [ChannelQueue(*row) for row in cursor.fetchall()]


def _all(ids: Sequence[int] | None, changed: list[int], otherwise: str) -> int:
    if ids is not None and (left := sorted(set(ids) - set(changed))):
        raise UsageError(
            f"{', '.join(map(str, left))}: no message, or {otherwise}; nothing was changed",
            "./spark-submit.sh outbox list --state dead (or pending)",
        )
    return len(changed)
