"""The rows of a full refresh, from the tasks' COPY to the swap, on a real PostgreSQL and without Spark."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import psycopg2
import pyarrow as pa
import pytest

from castro_spark.errors import ChecksFailed, StagingLost
from castro_spark.sections.warehouse import Limits, TableMapping
from castro_spark.sinks.postgres.connection import Connection, connect
from castro_spark.sinks.postgres.warehouse.copy import create_loading, drop_loading, loading_name
from castro_spark.sinks.postgres.warehouse.staging import StagedTable, copy_partition
from castro_spark.sinks.postgres.warehouse.swap import replace_table
from castro_spark.sinks.postgres.warehouse.tables import migrate_warehouse
from tests.databases.alerting import Alerting
from tests.statements import composed

_TARGET = "ml_lots"
_MAPPING = TableMapping.model_validate(
    {
        "source": "stock.lots", "key": ["id", "warehouse"], "watermark": "changed", "indexes": [["warehouse", "amount"]],
        "columns": {
            "id": {"from": "lote", "type": "integer", "required": True}, "warehouse": {"from": "deposito", "type": "text"},
            "amount": {"from": "quantidade", "type": "decimal", "required": True}, "place": {"from": "nota", "type": "text"},
            "changed": {"from": "last_modified", "type": "timestamp"},
        },
    }
)  # fmt: skip
_SCHEMA = pa.schema(
    [("id", pa.int64()), ("warehouse", pa.string()), ("amount", pa.decimal128(18, 6)), ("place", pa.string()), ("changed", pa.timestamp("us", "UTC"))]
)
_LIMITS = Limits(overlap_minutes=0, shrink_limit=1, null_limit=0, duplicate_limit=0)
_DAY = datetime(2024, 1, 1, tzinfo=timezone.utc)
Row = dict[str, Any]


def row(lot: int | None, second: int = 0, **values: Any) -> Row:
    return {"id": lot, "warehouse": "CASTRO", "amount": Decimal(lot or 0), "place": None, "changed": _DAY + timedelta(seconds=second), **values}


class Refresh:
    """One full refresh: tasks load, then it is replaced."""

    def __init__(self, alerting: Alerting, connection: Connection) -> None:
        self._postgres = alerting.settings.postgres
        self._connection = connection
        self.counts: list[Row] = []
        create_loading(connection, _TARGET, _MAPPING.never_null)

    def task(self, rows: Sequence[Row], *, counts: bool = True) -> None:
        """A task's attempt; one that does not count was repeated, or belongs to a run that was killed."""
        batches = pa.Table.from_pylist(list(rows), _SCHEMA).to_batches(max_chunksize=400)
        (told,) = copy_partition(
            iter(batches), settings=self._postgres, target=_TARGET, version="changed", not_after=datetime.max.replace(tzinfo=timezone.utc),
            replacing=True,
        )  # fmt: skip
        if counts:
            self.counts += told.to_pylist()

    def replace(self, limits: Limits = _LIMITS) -> int:
        newest = max((c["newest"] for c in self.counts), default=None)
        staged = StagedTable([c["attempt"] for c in self.counts], sum(c["rows"] for c in self.counts), 0, 0, newest)
        return replace_table(self._connection, _TARGET, _MAPPING, staged, limits, 10).inserted


@pytest.fixture
def connection(alerting: Alerting) -> Iterator[Connection]:
    with closing(connect(alerting.settings.postgres, "test")) as connection:
        alerting.query(composed("DROP TABLE IF EXISTS {target}", target=_TARGET))
        migrate_warehouse(connection, {_TARGET: _MAPPING})
        yield connection
        drop_loading(connection, _TARGET)


def held(alerting: Alerting) -> list[tuple[Any, ...]]:
    query = composed("SELECT id, warehouse, amount, place, changed FROM {target}", target=_TARGET)
    return sorted(alerting.query(query), key=repr)


def newest(rows: Sequence[Row]) -> list[tuple[Any, ...]]:
    best: dict[tuple[Any, ...], Row] = {}
    for r in rows:
        key = (r["id"], r["warehouse"])
        if key not in best or best[key]["changed"] < r["changed"]:
            best[key] = r
    return sorted((tuple(r.values()) for r in best.values()), key=repr)


@pytest.mark.parametrize("keys", [10**6, 1500, 20], ids=["one row a key", "some corrected", "a history"])
def test_the_newest_row_of_each_key_of_the_tasks_that_count(alerting: Alerting, connection: Connection, keys: int) -> None:
    seed = random.randrange(10**6)
    print("seed", seed)
    chance = random.Random(seed)
    rows = [
        row(chance.randrange(keys), n, warehouse=chance.choice(["A", "B|C", "ç,\"\n"]), amount=Decimal(chance.randrange(10**9)) / 10**6, place=chance.choice([None, ""]))
        for n in range(1500)
    ]  # fmt: skip
    chance.shuffle(rows)
    refresh = Refresh(alerting, connection)
    refresh.task(rows[:700])
    refresh.task([row(n, 10**6) for n in range(50)], counts=False)
    refresh.task(rows[700:])
    assert refresh.replace() == len(newest(rows))
    assert held(alerting) == newest(rows)
    assert alerting.query("SELECT to_regclass(%s) IS NULL", (loading_name(_TARGET),)) == [(True,)]


def test_equal_copies_of_a_row_are_one_and_different_ones_a_failed_check(alerting: Alerting, connection: Connection) -> None:
    rows = [row(n) for n in range(20)]
    first = Refresh(alerting, connection)
    first.task([*rows, *rows[:2], row(3, -5, place="older"), row(3, -5, place="older, too")])
    assert first.replace() == 20
    before = held(alerting)
    assert before == newest(rows)
    second = Refresh(alerting, connection)
    second.task([*rows, row(3, place="x"), row(3, place="y"), row(4, place="z")])
    with pytest.raises(ChecksFailed, match="duplicate keys: 2 of 20 keys"):
        second.replace()
    assert held(alerting) == before
    third = Refresh(alerting, connection)
    third.task([*rows, row(3, place="x"), row(3, place="y")])
    third.replace(_LIMITS.model_copy(update={"duplicate_limit": 0.05}))
    assert [r[3] for r in held(alerting) if r[0] == 3] == ["x"]  # by their contents: the same in every run


def test_rows_that_cannot_be_stored_and_rows_that_are_lost(alerting: Alerting, connection: Connection) -> None:
    refresh = Refresh(alerting, connection)
    refresh.task([row(1), row(None), row(2, warehouse=None), row(3, changed=None)])
    with pytest.raises(ChecksFailed, match="of 4 rows read, 1 without id, 1 without warehouse, 1 without changed"):
        refresh.replace()
    refresh = Refresh(alerting, connection)
    refresh.task([row(1), row(2)])
    alerting.query(composed("DELETE FROM {loading} WHERE id = 2", loading=loading_name(_TARGET)))
    with pytest.raises(StagingLost, match="2 rows were staged, 1 are there"):
        refresh.replace()
    assert held(alerting) == []


def test_a_task_that_is_late_cannot_write_to_what_is_swapped_in(alerting: Alerting, connection: Connection) -> None:
    refresh = Refresh(alerting, connection)
    refresh.task([row(1)])
    refresh.replace()
    with pytest.raises(psycopg2.errors.UndefinedTable):
        refresh.task([row(2)], counts=False)
    assert held(alerting) == newest([row(1)])


def test_a_publication_of_all_tables_does_not_hinder(alerting: Alerting, connection: Connection) -> None:
    alerting.query("CREATE PUBLICATION everything FOR ALL TABLES")
    try:
        refresh = Refresh(alerting, connection)
        refresh.task([row(1), *(row(n) for n in range(20)), row(1, 5)])
        assert refresh.replace() == 20
    finally:
        alerting.query("DROP PUBLICATION everything")
    assert alerting.query("SELECT relreplident::text FROM pg_class WHERE oid = %s::regclass", (_TARGET,)) == [("d",)]
