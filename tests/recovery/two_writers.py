"""Run by test_archive_killed.py in a process of its own, which has Delta: two writers build on the same commit.

argv: the table's folder. The second writer must be refused, whatever it was stopped at before.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from datetime import datetime, timedelta, timezone

from pyspark.sql import DataFrame

from castro_spark.errors import ArchiveFailed
from castro_spark.parse import ParseRules
from castro_spark.session import spark_session
from castro_spark.sinks.delta import Archived, ArchiveTable
from castro_spark.streams import stream
from tests.builders import event, native

INVENTORY = stream("inventory")
NOW = datetime(2026, 1, 31, 12, tzinfo=timezone.utc)
RULES = ParseRules(INVENTORY, "America/Sao_Paulo", NOW, timedelta(days=1), 1 << 20, 0)


def records(table: ArchiveTable, offsets: range) -> DataFrame:
    types = "partition int, offset bigint, timestamp timestamp, key binary, value binary, headers array<struct<key: string, value: binary>>"
    rows = [(0, offset, NOW, None, native(event()), None) for offset in offsets]
    return table.session.createDataFrame(rows, types)


def append(table: ArchiveTable, held: Archived, end: int, writer: str) -> Archived:
    after = replace(held, positions={0: end}, writer=writer)
    return table.append(records(table, range(held.positions.get(0, 0), end)), 1, RULES, after)


def main(folder: str) -> None:
    spark = spark_session("test", delta=True)
    first, second = (ArchiveTable(spark, INVENTORY, folder) for _ in range(2))
    begun = append(first, Archived("t", "id", 0), 2, "first")
    both = first.read(), second.read()
    assert both == (begun, begun), both
    append(first, begun, 5, "first")
    for end in (5, 4, 9):  # cut as the first one's batch, shorter, longer
        try:
            append(second, begun, end, "second")
        except ArchiveFailed as error:
            assert "written by another process" in str(error), error
        else:
            raise AssertionError(f"up to {end} was appended twice")
    held = second.read()
    assert held is not None
    append(second, held, 7, "second")
    offsets = sorted(r.offset for r in second.session.read.format("delta").load(folder).collect())
    assert offsets == list(range(7)), offsets
    print("held", offsets)


if __name__ == "__main__":
    main(*sys.argv[1:])
