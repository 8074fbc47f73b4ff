"""What the quality checks cost on large tables: time, blocks, and rows that were read by sequential scans.

    ./benchmarks/run.sh quality --rows 20000000      generates the tables in a folder (some minutes), then measures
    ./benchmarks/run.sh quality --measure            measures what is there

Needs no Kafka: the topic is in memory.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from psycopg2 import sql

from castro_spark.local import Stack
from castro_spark.quality.checks import NAMES
from castro_spark.quality.run import run_checks
from castro_spark.settings import Settings, load_settings
from castro_spark.sinks.postgres.connection import connect
from castro_spark.sinks.postgres.schema.migrate import migrate
from castro_spark.sinks.postgres.warehouse.tables import migrate_warehouse
from castro_spark.sources.kafka.ends import Newest, TopicEnds
from castro_spark.streams import stream

INVENTORY = stream("inventory")
REPEATS = 5
INDEXES = ("ml_inventory_realtime_newest", "ml_inventory_daily_by_date", "ml_inventory_monthly_by_month")
STATISTICS = """
SELECT coalesce(sum(heap_blks_read + heap_blks_hit + coalesce(idx_blks_read + idx_blks_hit, 0)), 0)::bigint,
       (SELECT coalesce(sum(seq_tup_read), 0)::bigint FROM pg_stat_user_tables WHERE relname LIKE 'ml\\_inventory\\_%')
FROM pg_statio_user_tables
"""


class FullyRead:
    """A topic that ends at the ledger."""

    def __init__(self, positions: dict[int, int]) -> None:
        self._positions = positions

    def ends(self, topic: str) -> TopicEnds:
        del topic
        at = datetime.now(timezone.utc)
        newest = {p: Newest(n - 1, at) for p, n in self._positions.items()}
        return TopicEnds("id", dict.fromkeys(self._positions, 0), self._positions, self._positions, newest)

    def offsets_at(self, topic: str, partitions: Sequence[int], at: datetime) -> dict[int, int]:
        del topic, at
        return {p: self._positions[p] for p in partitions}


def fill(settings: Settings, rows: int, products: int) -> None:
    """Generates the tables: the rows first, then the indexes."""
    with closing(connect(settings.postgres, "benchmark", long=True)) as connection:
        migrate(connection, [INVENTORY])
        migrate_warehouse(connection, settings.warehouse.mapped)
        today = datetime.now(settings.zone).date()
        began = datetime.now(timezone.utc) - timedelta(seconds=rows // 10)
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT indexname, indexdef FROM pg_indexes WHERE indexname = ANY(%s)", (list(INDEXES),))
            definitions = dict(cursor.fetchall())
            for name in definitions:
                cursor.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
            cursor.execute("ALTER TABLE ml_inventory_realtime DROP CONSTRAINT ml_inventory_realtime_pkey")
            parameters = {"rows": rows, "products": products, "last": today, "began": began}
            for part in (Path(__file__).parent / "quality.sql").read_text(encoding="utf-8").split(";\n"):
                cursor.execute(part, parameters)
            cursor.execute("SET LOCAL maintenance_work_mem = '1GB'")
            cursor.execute("ALTER TABLE ml_inventory_realtime ADD PRIMARY KEY (event_id)")
            for definition in definitions.values():
                cursor.execute(definition)
        connection.autocommit = True
        connection.cursor().execute("VACUUM ANALYZE")


def measure(settings: Settings) -> None:
    """Each check alone, some times: the first with PostgreSQL's cache empty, after its restart."""
    with closing(connect(settings.postgres, "benchmark")) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute("SELECT partition, next_offset FROM castro.offset_ledger")
        topic = FullyRead(dict(cursor.fetchall()))
        cursor.execute("SELECT reltuples::bigint, pg_total_relation_size(oid) >> 20 FROM pg_class"
                       " WHERE relname = 'ml_inventory_realtime'")  # fmt: skip
        print("events: {:,}, with indexes {:,} MB".format(*cursor.fetchone()))
        print("| check | outcome | first ms | median ms | blocks | rows by sequential scans |\n" + "|---" * 6 + "|")
        for name in NAMES:
            times, before = [], _counters(cursor)
            for number in range(REPEATS):
                began = time.perf_counter()
                results = run_checks(settings, [INVENTORY], topic, names=[name])
                times.append((time.perf_counter() - began) * 1000)
                if number == 0:
                    blocks, scanned = (now - then for now, then in zip(_counters(cursor), before, strict=True))
            if results:
                outcome = next(r.outcome.value for r in results)
                first, usual = times[0], statistics.median(times[1:])
                print(f"| {name} | {outcome} | {first:,.0f} | {usual:,.0f} | {blocks:,} | {scanned:,} |")


def _counters(cursor: Any) -> tuple[int, int]:
    time.sleep(1.2)  # a session reports its statistics at most once a second
    cursor.execute("SELECT pg_stat_clear_snapshot()")
    cursor.execute(STATISTICS)
    blocks, scanned = cursor.fetchone()
    return blocks, scanned


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000_000)
    parser.add_argument("--products", type=int, default=5_000)
    parser.add_argument("--dir", type=Path, default=Path(tempfile.gettempdir()) / "castro-quality")
    parser.add_argument("--measure", action="store_true", help="Generate nothing.")
    parser.add_argument("--fill", action="store_true", help="Measure nothing.")
    options = parser.parse_args()
    stack = Stack(options.dir, external={"CASTRO_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}, die_with_parent=True)
    stack.up()
    try:
        settings = load_settings(environ=stack.env())
        if not options.measure:
            began = time.monotonic()
            fill(settings, options.rows, options.products)
            print(f"filled in {time.monotonic() - began:,.0f} s")
        if not options.fill:
            measure(settings)
    finally:
        stack.down()


if __name__ == "__main__":
    main()
