"""Which months of a backfill are done, so that one that was cut off goes on where it was."""

from __future__ import annotations

from datetime import date

from castro_spark.sinks.postgres.connection import Connection


def done(connection: Connection, stream: str, first: date, last: date) -> list[date]:
    """The months (their first days) of the range that are done; none once it was done whole."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "SELECT month FROM castro.backfilled_month WHERE stream = %s AND first_day = %s AND last_day = %s"
            " ORDER BY month",
            (stream, first, last),
        )
        return [month for (month,) in cursor.fetchall()]


def note(connection: Connection, stream: str, first: date, last: date, month: date) -> None:
    """Notes that a month of the range is done."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO castro.backfilled_month (stream, first_day, last_day, month) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT DO NOTHING",
            (stream, first, last, month),
        )


def forget(connection: Connection, stream: str, first: date, last: date) -> None:
    """Forgets the range: all of it is done, or to be done again."""
    with connection, connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM castro.backfilled_month WHERE stream = %s AND first_day = %s AND last_day = %s",
            (stream, first, last),
        )
