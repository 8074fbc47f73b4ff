"""Which months of a backfill are done, so that an interrupted one resumes."""

from __future__ import annotations

from datetime import date, datetime

from castro_spark.sinks.postgres.connection import Connection


def began(connection: Connection) -> datetime:
    """The database's clock, to be noted with the months that a run does from now on."""
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT now()")
        (at,) = cursor.fetchone() or ()
        return at  # type: ignore[no-any-return]


def done(connection: Connection, stream: str, first: date, last: date) -> dict[date, datetime]:
    """The months (their first days) of the range that are done, each with when its run began; none once all are."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT month, read_at FROM castro.backfilled_month WHERE stream = %s AND first_day = %s AND last_day = %s"
            " ORDER BY month",
            (stream, first, last),
        )
        return dict(cursor.fetchall())


def note(connection: Connection, stream: str, first: date, last: date, month: date, read_at: datetime) -> None:
    """Notes that a month of the range is done, as a run that began at `read_at` read it."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO castro.backfilled_month (stream, first_day, last_day, month, read_at)"
            " VALUES (%s, %s, %s, %s, %s) ON CONFLICT DO NOTHING",
            (stream, first, last, month, read_at),
        )


def forget(connection: Connection, stream: str, first: date, last: date) -> None:
    """Deletes the range's progress: the whole range is done, or is to be redone."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM castro.backfilled_month WHERE stream = %s AND first_day = %s AND last_day = %s",
            (stream, first, last),
        )
