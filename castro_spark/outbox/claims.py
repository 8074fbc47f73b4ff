"""Claims messages of the outbox and settles them. Each function is one transaction; times are the database's.

Guarantee: at any time one process at most has a valid lease on a message. Only its holder settles the message: a
process that was frozen beyond its lease changes nothing, though what it sent was sent. A message whose holder died is
claimed again once the lease is over.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from uuid import UUID

from castro_spark.channels.channel import Message
from castro_spark.sinks.postgres.connection import Connection, statement

_MOST_ERROR = 1000


@dataclass(frozen=True)
class Claim:
    """A message with the token of its lease. `attempt` counts this attempt too."""

    id: int
    token: str
    attempt: int
    message: Message


def who() -> str:
    """This process, for people."""
    return f"{socket.gethostname()} pid {os.getpid()}"


def due(connection: Connection) -> dict[str, int]:
    """How many messages are due, by channel."""
    with connection, connection.cursor() as cursor:
        cursor.execute(statement("outbox/due.sql"))
        return dict(cursor.fetchall())


def claim(connection: Connection, channel: str, lease_seconds: float) -> Claim | None:
    """Leases the channel's next message that is due; None if there is none."""
    with connection, connection.cursor() as cursor:
        cursor.execute(statement("outbox/claim.sql"), {"channel": channel, "seconds": lease_seconds, "who": who()})
        row = cursor.fetchone()
    if row is None:
        return None
    number, token, attempts, message_id, kind, cause, payload, created_at, series = row
    return Claim(number, token, attempts, Message(UUID(message_id), kind, cause, payload, created_at, series))


def delivered(connection: Connection, claimed: Claim) -> bool:
    """Settles a message as delivered; False if the lease was lost."""
    return _settle(connection, claimed, "delivered", None, 0)


def retry_later(connection: Connection, claimed: Claim, error: str, seconds: float) -> bool:
    """Ends an attempt that failed: the message is due again after `seconds`. False if the lease was lost."""
    return _settle(connection, claimed, "pending", error, seconds)


def dead(connection: Connection, claimed: Claim, error: str) -> bool:
    """Settles a message as a dead letter; False if the lease was lost."""
    return _settle(connection, claimed, "dead", error, 0)


def _settle(connection: Connection, claimed: Claim, state: str, error: str | None, wait: float) -> bool:
    words = error.replace("\0", "")[:_MOST_ERROR] if error else None
    with connection, connection.cursor() as cursor:
        cursor.execute(
            statement("outbox/settle.sql"),
            {"id": claimed.id, "token": claimed.token, "state": state, "error": words, "wait": wait},
        )
        return cursor.rowcount == 1


def hurry(connection: Connection, channel: str) -> int:
    """Makes the channel's messages due that failed before; returns how many."""
    with connection, connection.cursor() as cursor:
        cursor.execute(statement("outbox/hurry.sql"), {"channel": channel})
        return cursor.rowcount


def prune(connection: Connection, days: int, rows: int) -> int:
    """Removes up to `rows` messages that were delivered or discarded more than `days` ago; returns how many."""
    with connection, connection.cursor() as cursor:
        cursor.execute(statement("outbox/prune.sql"), {"days": days, "rows": rows})
        return cursor.rowcount
