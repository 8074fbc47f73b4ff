"""castro.command: commands to the running streams, and their outcome. Times are the database's."""

from __future__ import annotations

from dataclasses import dataclass

from castro_spark.sinks.postgres.connection import Connection, statement


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
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "UPDATE castro.command SET state = 'expired', ended_at = clock_timestamp()"
            " WHERE id = %s AND state = 'waiting' AND expires_at < clock_timestamp()",
            (number,),
        )
        cursor.execute("SELECT state, result FROM castro.command WHERE id = %s", (number,))
        state, result = cursor.fetchone() or ("expired", None)
    return Outcome(state, result)


def prune_commands(connection: Connection, days: int) -> None:
    """Removes commands that ended, or expired untaken, more than `days` ago."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM castro.command WHERE coalesce(ended_at, lease_until, expires_at)"
            " < clock_timestamp() - %s * interval '1 day'",
            (days,),
        )
