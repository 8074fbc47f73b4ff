"""castro.quality_result: the results of the quality checks, with their history.

Guarantee: results are only added, and pruned by age. A repeated run adds its results again, under its own id.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from psycopg2 import sql
from psycopg2.extras import execute_values

from castro_spark.sinks.postgres.connection import Connection, names, statement
from castro_spark.sinks.postgres.outbox import plain

COLUMNS = (
    "run", "check_name", "subject", "severity", "outcome", "failed", "words", "observed", "limit", "evidence", "day",
)  # fmt: skip
_LONGEST = 2000


def add(cursor: Any, rows: Sequence[dict[str, Any]]) -> None:
    """Stores results within the caller's transaction. Each row has COLUMNS."""
    values = [tuple(_storable(row[column]) for column in COLUMNS) for row in rows]
    query = sql.SQL("INSERT INTO castro.quality_result ({}) VALUES %s").format(names(COLUMNS))
    execute_values(cursor, query, values)


def prune(connection: Connection, days: int, rows: int) -> int:
    """One step: removes the oldest results beyond their retention; returns how many."""
    with connection, connection.cursor() as cursor:
        cursor.execute(statement("prune/quality_results.sql"), {"days": days, "rows": rows})
        return int(cursor.rowcount)


def unusual_days(cursor: Any, subject: str) -> frozenset[date]:
    """Days whose volume was found unusual, by the last result of each, within the caller's transaction."""
    cursor.execute(statement("quality/unusual_days.sql"), {"subject": subject})
    return frozenset(day for (day,) in cursor.fetchall())


def last_run(connection: Connection) -> tuple[datetime, int, list[tuple[str, str, str, str]]] | None:
    """The newest run: when, how many results, and its failures (check, subject, outcome, words); None: never run."""
    with connection, connection.cursor() as cursor:
        cursor.execute(statement("quality/last_run.sql"))
        found = cursor.fetchall()
    if not found:
        return None
    failures = [row[1:5] for row in found if row[5]]
    return found[0][0], len(found), failures


def _storable(value: Any) -> Any:
    if isinstance(value, dict):
        return json.dumps(plain(value), ensure_ascii=False)
    return str(plain(value))[:_LONGEST] if isinstance(value, str) else value
