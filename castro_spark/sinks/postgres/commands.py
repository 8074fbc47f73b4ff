"""castro.command: what is asked of the streams that run, and what came of it. Times are the database's."""

from __future__ import annotations

from dataclasses import dataclass

from castro_spark.sinks.postgres.connection import Connection, statement


@dataclass(frozen=True)
class Outcome:
    """How far a command is: waiting, taken, done, failed or expired; and its result in words."""

    state: str
    result: str | None

    @property
    def is_final(self) -> bool:
        return self.state not in ("waiting", "taken")


def ask_to_stop(
    connection: Connection, stream: str, *, epoch: int | None, application: str | None, requested_by: str,
    expires: float,
) -> int:
    """Asks the writer of `epoch` (None: whoever runs) to stop the stream; returns the command's id.

    Nobody takes it up once `expires` seconds have passed. With `application`, one of YARN's, it holds for that
    application's later attempts too.
    """  # fmt: skip
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO castro.command (action, stream, target_epoch, application, requested_by, expires_at)"
            " VALUES ('stop', %s, %s, %s, %s, clock_timestamp() + %s * interval '1 second') RETURNING id",
            (stream, epoch, application, requested_by, expires),
        )
        (number,) = cursor.fetchone() or (0,)
    return int(number)


def take_stops(connection: Connection, stream: str, instance: str, epoch: int | None) -> list[tuple[int, str]]:
    """The stops that `instance` now has in hand, each with who asked for it. To be repeated: it renews the lease."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            statement("instance/take_stop.sql"), {"stream": stream, "instance": instance, "epoch": epoch}
        )
        return [(number, by) for number, by in cursor.fetchall()]


def is_stopped(connection: Connection, stream: str, application: str) -> bool:
    """Whether this application was asked to stop the stream, in this or an earlier attempt."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT EXISTS (SELECT FROM castro.command WHERE application = %s AND stream = %s AND action = 'stop'"
            " AND state <> 'expired')",
            (application, stream),
        )
        (found,) = cursor.fetchone() or (False,)
    return bool(found)


def finish(connection: Connection, number: int, instance: str, *, done: bool, result: str) -> None:
    """Writes what came of a command, if it still is in this instance's hand."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "UPDATE castro.command SET state = %s, result = %s, ended_at = clock_timestamp()"
            " WHERE id = %s AND taken_by = %s AND state = 'taken'",
            ("done" if done else "failed", result, number, instance),
        )


def outcome(connection: Connection, number: int) -> Outcome:
    """How far a command is; one that nobody took in time is expired from here on."""
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
    """Removes commands that ended, or that nobody took, more than `days` ago."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM castro.command WHERE coalesce(ended_at, lease_until, expires_at)"
            " < clock_timestamp() - %s * interval '1 day'",
            (days,),
        )
