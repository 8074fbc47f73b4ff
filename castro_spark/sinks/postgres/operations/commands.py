"""castro.command: commands to the running processes, and their outcome. Times are the database's.

Guarantee: one process at a time has a command, under a lease; if it dies, another one repeats the command. A command
that no process took before it expired is never executed: it ends as `expired`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from psycopg2.extras import Json

from castro_spark.sinks.postgres.connection import Connection, statement

_RETENTION_DAYS = 30


@dataclass(frozen=True)
class Outcome:
    """A command's state: waiting, taken, done, failed or expired; and its result as text."""

    state: str
    result: str | None

    @property
    def is_final(self) -> bool:
        return self.state not in ("waiting", "taken")


def ask_to_stop(
    connection: Connection, stream: str, *, epoch: int | None, application: str | None, requested_by: str,
    expires: float,
) -> int:
    """Asks the writer of `epoch` (None: any running writer) to stop the stream; returns the command's id.

    The command expires after `expires` seconds unless an instance takes it. With `application`, a YARN application id,
    it applies to that application's later attempts too.
    """  # fmt: skip
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO castro.command (action, stream, target_epoch, application, requested_by, expires_at)"
            " VALUES ('stop', %s, %s, %s, %s, clock_timestamp() + %s * interval '1 second') RETURNING id",
            (stream, epoch, application, requested_by, expires),
        )
        (number,) = cursor.fetchone() or (0,)
    return int(number)


@dataclass(frozen=True)
class Command:
    """A command that this process has taken."""

    id: int
    action: str
    arguments: dict[str, Any]
    requested_by: str


def request(
    connection: Connection, action: str, arguments: Mapping[str, Any], *, requested_by: str, expires: float
) -> int:
    """Requests an action of any process that serves commands, within `expires` seconds; returns the command's id."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO castro.command (action, arguments, requested_by, expires_at)"
            " VALUES (%s, %s, %s, clock_timestamp() + %s * interval '1 second') RETURNING id",
            (action, Json(dict(arguments)), requested_by, expires),
        )
        (number,) = cursor.fetchone() or (0,)
    return int(number)


def send(
    connection: Connection, number: UUID, action: str, arguments: Mapping[str, Any], *, requested_by: str,
    expires: float, stream: str | None = None, epoch: int | None = None, application: str | None = None,
) -> None:  # fmt: skip
    """As `request`, and for `stop` as `ask_to_stop`, by a role that can only insert. Idempotent by `number`."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            statement("instance/send_command.sql"),
            {
                "request": str(number), "action": action, "arguments": Json(dict(arguments)), "stream": stream,
                "epoch": epoch, "application": application, "by": requested_by, "expires": expires,
            },
        )  # fmt: skip


def take(connection: Connection, instance: str, actions: Sequence[str]) -> Command | None:
    """Takes the oldest waiting command of these actions, or one whose lease has run out; None if there is none."""
    with connection, connection.cursor() as cursor:
        cursor.execute(statement("instance/take_command.sql"), {"instance": instance, "actions": list(actions)})
        row = cursor.fetchone()
    return Command(*row) if row else None


def renew(connection: Connection, number: int, instance: str) -> None:
    """Renews this process's lease of a command."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "UPDATE castro.command SET lease_until = clock_timestamp() + interval '60 seconds'"
            " WHERE id = %s AND taken_by = %s AND state = 'taken'",
            (number, instance),
        )


def expire(connection: Connection) -> None:
    """Ends the commands that no process took in time."""
    with connection, connection.cursor() as cursor:
        cursor.execute(statement("instance/expire_commands.sql"))


def listed(connection: Connection, hours: float) -> list[dict[str, Any]]:
    """The open commands, and those that ended within the last `hours`, newest first."""
    with connection, connection.cursor() as cursor:
        cursor.execute(statement("instance/commands.sql"), {"hours": hours})
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def take_stops(
    connection: Connection, stream: str, *, instance: str, epoch: int | None, application: str | None
) -> list[tuple[int, str]]:
    """Takes the stop commands for `instance`; returns (id, requested by) of each. Repeat it to renew the lease.

    With `application`, a YARN application id, also those that its earlier attempts did not finish.
    """
    with connection, connection.cursor() as cursor:
        cursor.execute(
            statement("instance/take_stop.sql"),
            {"stream": stream, "instance": instance, "epoch": epoch, "application": application},
        )
        return [(number, by) for number, by in cursor.fetchall()]


def is_stopped(connection: Connection, stream: str, application: str) -> bool:
    """Whether this application was asked to stop the stream, in this attempt or an earlier one."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM castro.command WHERE application = %s AND stream = %s AND action = 'stop'"
            " AND state <> 'expired')",
            (application, stream),
        )
        (stopped,) = cursor.fetchone() or (False,)
    return bool(stopped)


def finish(connection: Connection, number: int, instance: str, *, done: bool, result: str) -> None:
    """Records a command's result, if this instance still has the lease."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "UPDATE castro.command SET state = %s, result = %s, ended_at = clock_timestamp()"
            " WHERE id = %s AND taken_by = %s AND state = 'taken'",
            ("done" if done else "failed", result, number, instance),
        )


def outcome(connection: Connection, number: int) -> Outcome:
    """A command's state. Marks it as expired if no instance took it in time."""
    expire(connection)
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT state, result FROM castro.command WHERE id = %s", (number,))
        state, result = cursor.fetchone() or ("expired", None)
    return Outcome(state, result)


def prune_commands(connection: Connection) -> None:
    """Removes commands that ended, or expired untaken, more than 30 days ago."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM castro.command WHERE coalesce(ended_at, lease_until, expires_at)"
            " < clock_timestamp() - %s * interval '1 day'",
            (_RETENTION_DAYS,),
        )
