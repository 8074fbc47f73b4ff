"""Which months of a backfill are done, so that an interrupted one resumes."""

from __future__ import annotations

from datetime import date

from castro_spark.sinks.postgres.connection import Connection


def done(connection: Connection, stream: str, first: date, last: date) -> list[date]:
    """The completed months (their first days) of the range; empty once the whole range is done."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT month FROM castro.backfilled_month WHERE stream = %s AND first_day = %s AND last_day = %s"
            " ORDER BY month",
            (stream, first, last),
        )
        return [month for (month,) in cursor.fetchall()]


def note(connection: Connection, stream: str, first: date, last: date, month: date) -> None:
    """Records that a month of the range is done. Idempotent."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO castro.backfilled_month (stream, first_day, last_day, month) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT DO NOTHING",
            (stream, first, last, month),
        )


def forget(connection: Connection, stream: str, first: date, last: date) -> None:
    """Deletes the range's progress: the whole range is done, or is to be redone."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM castro.backfilled_month WHERE stream = %s AND first_day = %s AND last_day = %s",
            (stream, first, last),
        )
