"""`extract --every`: one application that extracts again and again, on a real Hive (Derby), PostgreSQL and Redis."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Event
from typing import Any

import pytest
from psycopg2 import sql
from pyspark.sql import SparkSession

from castro_spark.batch.extract import TableResult
from castro_spark.batch.extract_runs import run_loop
from castro_spark.settings import load_settings
from tests.databases import warehouse as w
from tests.databases.warehouse import HOUR, START
from tests.statements import composed
from tests.system import System

_TABLES = (w.TARGET, "ml_stock_levels")


class Loop:
    """The loop in a thread of this process, every second."""

    def __init__(self, system: System, spark: SparkSession, **own: Any) -> None:
        system.configure({"warehouse": {**w.FAST, "retries": 0, **own}})
        settings = load_settings(conf_file=system.conf, environ=system.env)
        self.stopping = Event()
        self.runs: list[Sequence[TableResult]] = []
        tables = {target: settings.warehouse.mapped[target] for target in _TABLES}
        self._threads = ThreadPoolExecutor(1)
        self.ended: Future[list[TableResult]] = self._threads.submit(
            run_loop, spark, settings, tables, "incremental", every=1, stopping=self.stopping, report=self.runs.append
        )

    def after_runs(self, number: int = 2) -> Sequence[TableResult]:
        """The results of a run that began after now: the second from now, at the latest."""
        wanted, deadline = len(self.runs) + number, time.monotonic() + 120
        while len(self.runs) < wanted:
            assert time.monotonic() < deadline, self.runs
            if self.ended.done():
                self.ended.result()
            time.sleep(0.05)
        return self.runs[wanted - 1]

    def close(self) -> None:
        self.stopping.set()
        self._threads.shutdown()


@pytest.fixture
def loop(lake: System, spark: SparkSession) -> Iterator[Loop]:
    lake.query("TRUNCATE castro.instance, castro.command")
    w.fresh(spark, w.TRANSACTIONS, "castrolanda_inventory.stock_levels")
    loop = Loop(lake, spark)
    yield loop
    loop.close()


def status(system: System) -> tuple[dict[str, Any], str]:
    """The loop as `status --json` has it, and its line for people."""
    document = json.loads(system.job("status", "--json", status=0).partition("\n}\n")[0] + "\n}")
    parts = document["components"]["running"] + document["components"]["ended"]
    (line,) = (part for part in system.job("status").splitlines() if part.startswith("extract loop"))
    return next(part for part in parts if part["kind"] == "extract loop"), line


def test_new_rows_arrive_and_a_failed_run_is_told_and_made_good(lake: System, spark: SparkSession, loop: Loop) -> None:
    sent = [w.transaction(1, START)]
    w.append(spark, w.TRANSACTIONS, sent)
    loop.after_runs()
    assert w.held(lake) == w.expected(sent)
    # A new file of a known partition, a new partition, and a correction: none of them was there at the run before.
    later = [w.transaction(2, START + HOUR / 60), w.transaction(3, START + 48 * HOUR), w.transaction(1, START + 49 * HOUR)]
    for row in later:
        w.append(spark, w.TRANSACTIONS, [row])
        sent.append(row)
        loop.after_runs()
        assert w.held(lake) == w.expected(sent)
    lake.query("ALTER TABLE castro.staged_ml_stock_levels RENAME TO hidden")
    results = {r.table: r for r in loop.after_runs()}
    assert (results[w.TARGET].status, results["ml_stock_levels"].status) == ("done", "failed")
    lake.wait_for("SELECT state || ' ' || reason FROM castro.instance WHERE kind = 'extract loop'", "restarting tables_failed")
    part, line = status(lake)
    assert "ml_stock_levels: the database lacks the table" in line
    assert (part["progress"]["tables"], part["progress"]["tables_done"]) == (2, 1)
    assert part["progress"]["failed_runs"] >= 1
    lake.query("ALTER TABLE castro.hidden RENAME TO staged_ml_stock_levels")
    assert all(r.done for r in loop.after_runs())
    lake.wait_for("SELECT state FROM castro.instance WHERE kind = 'extract loop'", "running")
    assert "running since" in status(lake)[1]
    assert lake.redis.get(f"last_sync:{w.TARGET}") == "2018-02-19T13:00:00.000000Z"


def test_stop_ends_it_and_keeps_what_its_last_run_came_to(lake: System, loop: Loop) -> None:
    loop.after_runs(1)
    assert "extract: stopped after" in lake.job("stop", "--extract")
    assert [(r.table, r.problem) for r in loop.ended.result(60)] == [(target, None) for target in _TABLES]
    part, line = status(lake)
    assert (part["state"], part["mode"], part["error"]) == ("stopped", "continuous", None)
    assert f", runs {len(loop.runs)}, " in line
    assert "failed_runs 0" in line
    assert "extract: not running" in lake.job("stop", "--extract")
    assert "nothing is named to stop" in lake.job("stop", status=2)


def test_a_stop_lets_the_table_under_way_end_and_begins_no_other(lake: System, spark: SparkSession) -> None:
    lake.query("TRUNCATE castro.instance, castro.command")
    w.append(spark, w.TRANSACTIONS, [w.transaction(1, START)])
    holder = lake.connect()
    holder.cursor().execute(composed("LOCK TABLE {target} IN EXCLUSIVE MODE", target=w.TARGET))  # its upsert waits
    loop = Loop(lake, spark, parallel_tables=1)
    try:
        waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = {target}::regclass"
        lake.wait_for(composed(waiting, target=sql.Literal(w.TARGET)), 1)
        loop.stopping.set()
        holder.rollback()
        assert [(r.table, r.status) for r in loop.ended.result(60)] == [(w.TARGET, "done"), ("ml_stock_levels", "not_begun")]
        assert len(loop.runs) == 1
        assert w.held(lake) == w.expected([w.transaction(1, START)])
    finally:
        loop.close()
        holder.close()
