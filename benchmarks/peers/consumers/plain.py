"""A good plain consumer: Arrow, COPY, one merge statement a batch with the offsets in its transaction; then Redis.

What it promises: events and sums exactly once, while one process of it runs. What it does not: a second process is not
fenced off; Redis misses what was committed before a crash, and stays so after a flush; offsets that were skipped are
not noticed; deletes, Debezium's envelope, other tables and events without an id are not known to it.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

from psycopg2 import sql
from pyarrow import csv

from benchmarks.peers.consumers.arrow_records import Parsed, parsed
from benchmarks.peers.consumers.hashes import Hashes
from benchmarks.peers.consumers.settings import Settings, Topic

_BATCH, _SECONDS = 50_000, 0.02
_DAY = {
    "aggregate": sql.Identifier("ml_inventory_daily"), "period": sql.Identifier("date"),
    "period_of_date": sql.SQL("date"), "within": sql.SQL("e.date = d.date"),
}  # fmt: skip
_MONTH = {
    "aggregate": sql.Identifier("ml_inventory_monthly"), "period": sql.Identifier("month"),
    "period_of_date": sql.SQL("date_trunc('month', date)::date"),
    "within": sql.SQL("e.date >= d.month AND e.date < d.month + interval '1 month'"),
}  # fmt: skip
_SQL = Path(__file__).parent.parent / "sql"
_CSV = csv.WriteOptions(include_header=False)


class Plain:
    """`hashes`: the whole job; without them events only."""

    def __init__(self, connection: Any, hashes: Hashes | None) -> None:
        self._connection, self._hashes = connection, hashes
        self._sql = {path.stem: path.read_text() for path in _SQL.glob("plain_*.sql")}
        self._sums = [
            tuple(sql.SQL(self._sql[name]).format(**of) for name in ("plain_aggregate", "plain_emptied"))
            for of in (_DAY, _MONTH)
        ]
        with connection, connection.cursor() as cursor:
            cursor.execute(self._sql["plain_session"])

    def offsets(self) -> dict[int, int]:
        with self._connection, self._connection.cursor() as cursor:
            cursor.execute("SELECT partition, next_offset FROM consumer_offset")
            return dict(cursor.fetchall())

    def commit(self, batch: Parsed, offsets: dict[int, int]) -> None:
        """One transaction; then the hashes."""
        with self._connection, self._connection.cursor() as cursor:
            text = io.BytesIO()
            csv.write_csv(batch.rows, text, _CSV)
            text.seek(0)
            columns = sql.SQL(", ").join(map(sql.Identifier, batch.rows.column_names))
            cursor.copy_expert(sql.SQL("COPY staged ({}) FROM STDIN (FORMAT csv)").format(columns), text)
            if batch.rejects:
                cursor.executemany(
                    'INSERT INTO consumer_reject (partition, "offset", value, reason) VALUES (%s, %s, %s, %s)',
                    batch.rejects,
                )
            cursor.execute(
                "INSERT INTO consumer_offset SELECT * FROM unnest(%s, %s::bigint[])"
                " ON CONFLICT (partition) DO UPDATE SET next_offset = EXCLUDED.next_offset",
                (list(offsets), list(offsets.values())),
            )
            changed = self._merge(cursor)
        if self._hashes is not None:
            self._hashes.write(*changed)

    def _merge(self, cursor: Any) -> list[list[tuple[Any, ...]]]:
        if self._hashes is None:
            cursor.execute(self._sql["plain_merge_events"])
            return []
        cursor.execute(self._sql["plain_merge"])
        changed = []
        oldest = self._hashes.oldest_day(), self._hashes.oldest_month()
        for (aggregate, emptied), first in zip(self._sums, oldest, strict=True):
            cursor.execute(aggregate, {"oldest": first})
            changed.append(cursor.fetchall())
            cursor.execute(emptied)
        cursor.execute(self._sql["plain_newest"])
        return [*changed, cursor.fetchall()]


def main(settings: Settings) -> None:
    hashes = Hashes(settings.redis_url, settings.redis_password) if settings.redis_url else None
    plain = Plain(settings.connect(), hashes)
    topic = Topic(settings, plain.offsets())
    print("consuming", flush=True)
    while not topic.is_consumed():
        if messages := topic.read(_BATCH, _SECONDS):
            plain.commit(parsed(messages), topic.next)


if __name__ == "__main__":
    main(Settings.read(sys.argv[1]))
