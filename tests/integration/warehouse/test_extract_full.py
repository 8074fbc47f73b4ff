"""The full refresh: swapped in under readers, checked before, names and rights kept."""

from __future__ import annotations

import threading
from decimal import Decimal
from typing import Any

import pytest
from pyspark.sql import SparkSession

from castro_spark.sinks.postgres.warehouse import swap
from tests.databases import warehouse as w
from tests.databases.warehouse import HOUR, START
from tests.statements import composed
from tests.system import System


def full(spark: SparkSession, system: System, **own: Any) -> Any:
    return w.run(spark, system, "full", **own)[w.TARGET]


def hundred(**values: Any) -> list[w.Row]:
    return [w.transaction(n, START + n * HOUR, **values) for n in range(100)]


def shape(system: System) -> list[tuple[Any, ...]]:
    """Everything about the table that must outlive a swap."""
    return system.query(
        "SELECT array_agg(DISTINCT indexname::text), min(c.relacl::text), min(c.reloptions::text), min(c.relowner::regrole::text), min(obj_description(c.oid, 'pg_class')),"
        " (SELECT array_agg(conname::text || contype::text) FROM pg_constraint WHERE conrelid = c.oid AND contype <> 'n'), count(DISTINCT indexdef)"
        " FROM pg_indexes JOIN pg_class c ON c.relname = tablename WHERE tablename = %(t)s GROUP BY c.oid", {"t": w.TARGET}
    )  # fmt: skip


def test_readers_see_the_old_or_the_new_never_a_half(lake: System, spark: SparkSession) -> None:
    w.append(spark, w.TRANSACTIONS, hundred())
    assert full(spark, lake).done
    seen: set[tuple[int, Decimal]] = set()
    problems: list[BaseException] = []
    ended = threading.Event()

    def read(prepared: bool) -> None:
        connection = lake.connect()
        connection.autocommit = True
        cursor = connection.cursor()
        query = composed("SELECT count(*), sum(unit_cost) FROM {target}", target=w.TARGET)
        if prepared:
            cursor.execute(composed("PREPARE q AS {query}", query=query))
            query = composed("EXECUTE q")
        try:
            while not ended.is_set():
                cursor.execute(query)
                seen.add(cursor.fetchone())
        except BaseException as error:  # noqa: BLE001
            problems.append(error)
        connection.close()

    readers = [threading.Thread(target=read, args=(prepared,)) for prepared in (False, True)]
    for reader in readers:
        reader.start()
    expected = {(100, Decimal("125.000000"))}
    for round_ in (1, 2, 3):
        cost = Decimal(round_ + 1)
        w.append(spark, w.TRANSACTIONS, [{**row, "custo_unitario": cost, "last_modified": row["last_modified"] + round_ * HOUR / 2} for row in hundred()])
        assert full(spark, lake).done
        expected.add((100, 100 * cost.quantize(Decimal("1.000000"))))
    ended.set()
    for reader in readers:
        reader.join()
    assert problems == []
    assert seen == expected


def test_names_rights_and_options_outlive_swaps(lake: System, spark: SparkSession) -> None:
    lake.query("DO $$ BEGIN CREATE ROLE reader; EXCEPTION WHEN duplicate_object THEN NULL; END $$")
    lake.query(composed(
        "ALTER TABLE {target} OWNER TO reader; GRANT SELECT ON {target} TO reader; ALTER TABLE {target} SET (fillfactor = 80);"
        " COMMENT ON TABLE {target} IS 'ours'; CREATE INDEX by_hand ON {target} (lower(customer)) WHERE NOT deleted", target=w.TARGET
    ))  # fmt: skip
    before = shape(lake)
    assert before[0][0] == ["by_hand", f"{w.TARGET}_pkey", f"{w.TARGET}_product_code_timestamp"]
    w.append(spark, w.TRANSACTIONS, hundred())
    for _ in range(3):
        assert full(spark, lake).done
        assert shape(lake) == before
    assert lake.query("SELECT count(*) FROM pg_class WHERE relname LIKE '%\\_\\_new%'") == [(0,)]
    lake.query(composed("DROP INDEX by_hand; ALTER TABLE {target} OWNER TO CURRENT_USER", target=w.TARGET))


def test_newest_of_each_key_and_the_watermark(lake: System, spark: SparkSession) -> None:
    rows = [*hundred(), *hundred(quantidade=Decimal(9), excluido=True), w.transaction(5, START - HOUR)]
    rows[100:200] = [{**row, "last_modified": row["last_modified"] + HOUR} for row in rows[100:200]]
    w.append(spark, w.TRANSACTIONS, rows)
    result = full(spark, lake)
    assert (result.read, result.inserted, result.watermark) == (201, 100, START + 100 * HOUR)
    assert w.held(lake) == w.expected(rows)
    assert lake.redis.get(f"last_sync:{w.TARGET}") == "2018-02-21T16:00:00.000000Z"
    late = w.transaction(7, START + 101 * HOUR)
    w.append(spark, w.TRANSACTIONS, [late])
    assert w.run(spark, lake)[w.TARGET].updated == 1  # an incremental run goes on where the full one ended
    assert w.held(lake) == w.expected([*rows, late])


@pytest.mark.parametrize(
    ("rows", "own", "words"),
    [
        ([], {}, "row count: the source has no rows"),
        (hundred(quantidade=None), {}, "null rate: quantity is null in 100 of 100 rows (100.0000%), the limit is 0.1000%"),
        (hundred()[:90], {}, "shrinkage: 90 rows in place of 100 (10.00% fewer), the limit is 5.00%"),
        ([*hundred(), w.transaction(3, START + 3 * HOUR, quantidade=Decimal(7))], {}, "duplicate keys: 1 of 100 keys"),
        ([*hundred(), w.transaction(3, START, id_transacao=None)], {}, "of 101 rows read, 1 without transaction_id"),
    ],
    ids=["empty", "nulls", "shrunk", "duplicates", "no key"],
)  # fmt: skip
def test_a_failed_check_keeps_the_old(lake: System, spark: SparkSession, rows: list[w.Row], own: Any, words: str) -> None:
    w.append(spark, w.TRANSACTIONS, hundred(deposito="OLD"))
    assert full(spark, lake).done
    before, mark = w.held(lake), lake.query("SELECT watermark, revision FROM castro.extract_watermark")
    w.fresh(spark)
    w.append(spark, w.TRANSACTIONS, rows)
    result = full(spark, lake)
    assert words in str(result.problem)
    assert "stays as it was" in str(result.problem)
    assert w.held(lake) == before
    assert lake.query("SELECT watermark, revision FROM castro.extract_watermark") == mark
    assert lake.query("SELECT count(*) FROM pg_class WHERE relname LIKE '%\\_\\_new%'") == [(0,)]


def test_limits_of_a_table_of_its_own(lake: System, spark: SparkSession) -> None:
    w.append(spark, w.TRANSACTIONS, hundred())
    assert full(spark, lake).done
    w.fresh(spark)
    w.append(spark, w.TRANSACTIONS, hundred()[:50])
    assert full(spark, lake, mapped={w.TARGET: {"shrink_limit": 0.5}}).done
    assert len(w.held(lake)) == 50


def test_what_hangs_on_the_table_is_refused_before_reading(lake: System, spark: SparkSession) -> None:
    lake.query(composed("CREATE VIEW public.a_view AS SELECT * FROM {target}", target=w.TARGET))
    w.append(spark, w.TRANSACTIONS, hundred())
    result = full(spark, lake)
    assert "cannot be replaced: view a_view would stay with the old table" in str(result.problem)
    assert result.read == 0
    lake.query(composed("DROP VIEW public.a_view; ALTER TABLE {target} REPLICA IDENTITY FULL", target=w.TARGET))
    assert "replica identity would stay with the old table" in str(full(spark, lake).problem)
    lake.query(composed("ALTER TABLE {target} REPLICA IDENTITY DEFAULT", target=w.TARGET))


def test_the_swap_waits_for_a_reader_and_gives_up_with_words(lake: System, spark: SparkSession) -> None:
    w.append(spark, w.TRANSACTIONS, hundred())
    reader = lake.connect()
    reader.cursor().execute(composed("SELECT 1 FROM {target}", target=w.TARGET))
    result = full(spark, lake, swap_wait_seconds=2)
    assert "could not be swapped in 2 s: readers have locks on the old table" in str(result.problem)
    assert w.held(lake) == []
    timer = threading.Timer(1.5, reader.rollback)
    timer.start()
    assert full(spark, lake).done
    timer.join()
    reader.close()
    assert len(w.held(lake)) == 100


def test_a_crash_in_the_middle_leaves_the_old(lake: System, spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(*_: object) -> None:
        raise SystemExit("killed")

    w.append(spark, w.TRANSACTIONS, hundred(deposito="OLD"))
    assert full(spark, lake).done
    before = w.held(lake)
    w.append(spark, w.TRANSACTIONS, [w.transaction(n, START + 200 * HOUR) for n in range(100)])
    for step in ("_swap", "move_watermark"):
        with monkeypatch.context() as patched:
            patched.setattr(swap, step, crash)
            with pytest.raises(SystemExit):
                full(spark, lake)
        assert w.held(lake) == before
    assert full(spark, lake).done
    assert len(w.held(lake)) == 100
    assert w.held(lake) != before
