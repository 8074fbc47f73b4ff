"""Each episode's task once: over kills, two evaluators, a burst, and to a real Celery worker over a real Redis broker."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import date, timedelta
from pathlib import Path
from threading import Thread

import pytest

from castro_spark.critical import rows
from castro_spark.critical.evaluation import cause_of
from castro_spark.critical.follower import CriticalProducts, why_off
from castro_spark.critical.rows import Candidate
from castro_spark.critical.rules import Rule
from castro_spark.outbox.deliverer import Deliverer
from castro_spark.process.component import State
from castro_spark.sinks.postgres.outbox import message_id
from castro_spark.streams import stream
from tests.databases.alerting import Alerting, wait_until
from tests.databases.stock import MASTER, Stock, moved
from tests.servers.celery_worker import ROOT, CeleryWorker

BELOW = {"below_minimum": {"ends_at": 1.1}}
EVALUATE = (
    "import sys\n"
    "from pathlib import Path\n"
    "from castro_spark.critical.evaluation import Evaluation\n"
    "from castro_spark.settings import load_settings\n"
    "from castro_spark.sinks.postgres.connection import connect\n"
    "settings = load_settings(conf_file=Path(sys.argv[1]))\n"
    "Evaluation(settings, connect(settings.postgres, 'test critical')).run()\n"
)
# Where an evaluation of five products, two in a transaction, is killed -> the episodes that are committed by then.
KILLS = {
    "castro_spark.critical.rows:touched:1:after": 0,
    "castro_spark.critical.evaluation:put:1:after": 0,
    "castro_spark.critical.rows:start:1:after": 0,
    "castro_spark.critical.rows:followed:3": 2,
    "castro_spark.critical.evaluation:put:4": 2,
    "castro_spark.critical.rows:start:3": 4,
    "castro_spark.critical.rows:follow:1": 5,
    "castro_spark.critical.rows:follow:1:after": 5,
}


@pytest.fixture
def stock(alerting: Alerting) -> Iterator[Stock]:
    stock = Stock(alerting)
    stock.configure(BELOW, products_per_commit=2)
    yield stock
    stock.close()


def products(number: int) -> list[str]:
    return [f"P{number}{letter}" for letter in "abcde"]


def known(stock: Stock, codes: list[str]) -> None:
    """The products have a minimum that they are below, and nothing of that is news."""
    stock.extract(
        MASTER, *({"product_code": code, "description": "d", "minimum_stock": 10} for code in codes), age=timedelta(days=9)
    )
    stock.evaluate()


def causes(codes: list[str]) -> list[str]:
    return [cause_of(code, Rule.BELOW_MINIMUM, 1).removeprefix("critical:") for code in codes]


def test_an_evaluation_killed_anywhere_loses_no_episode_and_starts_none_twice(stock: Stock) -> None:
    known(stock, [code for number in range(len(KILLS)) for code in products(number)])
    path = os.pathsep.join([str(ROOT / "tests" / "recovery" / "killer"), str(ROOT)])
    expected: list[str] = []
    for number, (where, committed) in enumerate(KILLS.items()):
        stock.move(*(moved(code, 1, "ENTRADA") for code in products(number)))
        env = {**stock.alerting.env, "PYTHONPATH": path, "CASTRO_TEST_KILL": where}
        killed = subprocess.run([sys.executable, "-c", EVALUATE, stock.alerting.conf], check=False, env=env, cwd=ROOT, timeout=60)
        assert killed.returncode == -signal.SIGKILL, where
        assert len(stock.causes()) == len(stock.lasting()) == len(expected) + committed, where
        wait_until(lambda: stock.evaluate().evaluates)  # once PostgreSQL has noticed the death
        own = stock.causes()[len(expected) :]
        assert sorted(own) == causes(products(number)), where
        expected += own
    assert stock.evaluate().started == 0
    assert stock.lasting() == [(code, "below_minimum", 1) for number in range(len(KILLS)) for code in products(number)]


def test_of_two_processes_one_evaluates_and_two_that_do_start_an_episode_once(stock: Stock) -> None:
    known(stock, products(0))
    with ExitStack() as both:
        first, second = (both.enter_context(stock.evaluator()) for _ in range(2))
        assert (first.run().evaluates, second.run().evaluates) == (True, False)
        second._elected = True  # as after a connection that broke unnoticed
        stock.move(*(moved(code, 1, "ENTRADA") for code in products(0)))
        threads = [Thread(target=evaluation.run) for evaluation in (first, second)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        first.run()
    assert sorted(stock.causes()) == causes(products(0))


def test_an_evaluation_behind_another_evaluates_nothing_and_moves_no_mark_back(stock: Stock) -> None:
    known(stock, products(0))
    marks = stock.alerting.query("SELECT source, revision FROM castro.critical_followed")
    with stock.evaluator() as evaluation:
        before = rows.followed(evaluation._connection, timedelta(days=1))
        stock.move(*(moved(code, 1, "ENTRADA") for code in products(0)))
        now = rows.committed(evaluation._connection, [])
        evaluation._connection.rollback()
        stock.backfill(moved("P0a", 1, "ENTRADA", id="B"))
        assert evaluation._evaluate_all([Candidate("P0a", fresh=True)], {}, now, date.today()).products == 0
        assert marks == stock.alerting.query("SELECT source, revision FROM castro.critical_followed")
        assert evaluation._evaluate_all([Candidate("P0a", fresh=True)], before, now, date.today()).products == 1


def test_what_is_committed_during_an_evaluation_takes_turns_with_the_rest(stock: Stock) -> None:
    stock.configure(BELOW, products_per_commit=1)
    known(stock, products(0))
    with stock.evaluator() as evaluation:
        before = rows.followed(evaluation._connection, timedelta(days=1))
        stock.move(*(moved(code, 1, "ENTRADA") for code in products(0)[:3]))
        now = rows.committed(evaluation._connection, [MASTER])
        evaluation._connection.rollback()
        candidates = [Candidate(code, fresh=True) for code in products(0)[:3]]
        stock.move(*(moved(code, 1, "ENTRADA") for code in products(0)[3:]))
        assert evaluation._evaluate_all(candidates, before, now, date.today()).started == 5
        assert [cause.partition(":")[0] for cause in stock.causes()] == ["P0a", "P0d", "P0b", "P0c", "P0e"]
        assert evaluation.run().products == 5  # the first run of a process looks at what lasts
        assert evaluation.run().products == 0


def test_a_burst_of_10_000_products_is_evaluated_within_seconds(stock: Stock) -> None:
    stock.configure(BELOW)
    stock.evaluate()
    stock.move(moved("P1", 1))
    query = stock.alerting.query
    query("INSERT INTO ml_product_master (product_code, description, minimum_stock, last_modified)"
          " SELECT 'P' || i, 'd', 50, 'epoch' FROM generate_series(1, 10000) i")  # fmt: skip
    query("INSERT INTO ml_inventory_daily (product_code, date, transactions, volume, value, volume_in, volume_out, value_in,"
          " value_out, revision) SELECT 'P' || i, current_date - d, 1, 1, 1, 1, 0, 1, 0, 1 FROM generate_series(2, 10000) i,"
          " generate_series(1, 5) d")  # fmt: skip
    query("UPDATE ml_product_master SET minimum_stock = 2 WHERE right(product_code, 2) <> '00'")
    query("INSERT INTO castro.touched SELECT 'inventory', 'P' || i, 1, 1 FROM generate_series(2, 10000) i")
    began = time.monotonic()
    done = stock.evaluate()
    print(f"{done.products} products in {time.monotonic() - began:.1f} s")
    assert (done.products, done.started) == (10_000, 101)  # P1 and each hundredth
    assert len(stock.causes()) == 101


@pytest.fixture
def worker(stock: Stock, tmp_path: Path) -> Iterator[CeleryWorker]:
    base = stock.redis_url.rpartition("/")[0]
    password = Path(stock.alerting.env["CASTRO_REDIS_PASSWORD_FILE"]).read_text().strip()
    for database in (14, 15):
        stock.alerting.redis.execute_command("SELECT", database)
        stock.alerting.redis.execute_command("FLUSHDB")
    stock.alerting.env["CASTRO_ALERTS_CELERY_PASSWORD"] = password
    stock.configure(BELOW, {"celery": {"type": "celery", "broker": f"{base}/14", "timeout_seconds": 2}})
    worker = CeleryWorker(f"{base}/14", f"{base}/15", password, tmp_path)
    worker.start()
    yield worker
    worker.kill()


def test_a_worker_gets_the_task_of_each_episode_with_its_reason(stock: Stock, worker: CeleryWorker) -> None:
    known(stock, ["P1", "P2"])
    critical = CriticalProducts(stock.settings, [stream("inventory")])
    with Deliverer(stock.settings), critical:
        wait_until(lambda: stock.alerting.query("SELECT 1 FROM castro.critical_followed"))
        stock.move(moved("P1", 4, "ENTRADA"), moved("P2", 10, "ENTRADA"))
        critical.wake("inventory")
        wait_until(worker.effects, 60, worker.log)
        stock.move(moved("P1", 1, "ENTRADA"))
        stock.move(moved("P1", 6, "ENTRADA"))
        wait_until(lambda: not stock.lasting(), 60)
        stock.move(moved("P1", 5))  # nobody wakes it: it polls
        wait_until(lambda: len(worker.effects()) == 2, 60, worker.log)
    runs = [(run["task"], run["id"], run["kwargs"]["cause"], run["kwargs"]["reason"]) for run in worker.runs()]
    assert runs == [
        ("analyze_critical_product", str(message_id(cause)), cause, reason)
        for cause, reason in (
            ("critical:P1:below_minimum:1", "stock 4, minimum 10"), ("critical:P1:below_minimum:2", "stock 6, minimum 10")
        )
    ]  # fmt: skip


def test_a_lost_session_is_replaced_and_an_end_evaluates_once_more(stock: Stock) -> None:
    known(stock, ["P1", "P2"])
    with CriticalProducts(stock.settings, [stream("inventory")]) as critical:
        lost = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'castro_spark critical'"
        wait_until(lambda: stock.alerting.query(lost) == [(1,)])
        stock.move(moved("P1", 1, "ENTRADA"))
        wait_until(lambda: stock.causes() == causes(["P1"]))
        stock.move(moved("P2", 1, "ENTRADA"))
        (component,) = critical.components
    assert stock.causes() == causes(["P1", "P2"])
    assert component.state is State.STOPPED
    assert component.row("")["last_error"]


def test_it_is_off_without_a_channel_without_rules_and_without_the_stream(stock: Stock) -> None:
    stock.configure(BELOW, {"log": {"type": "log"}})
    assert "no channel" in str(why_off(stock.settings))
    stock.configure({})
    assert "are off" in str(why_off(stock.settings))
    stock.configure(BELOW)
    assert CriticalProducts(stock.settings, [stream("sales")]).components == []
    assert len(CriticalProducts(stock.settings, [stream("inventory")]).components) == 1


def test_a_rule_that_is_turned_off_ends_its_episodes(stock: Stock) -> None:
    known(stock, ["P1"])
    stock.move(moved("P1", 1, "ENTRADA"))
    assert stock.evaluate().started == 1
    stock.configure({"flagged": {}})
    stock.evaluate()
    assert stock.alerting.query("SELECT ended_because FROM castro.critical") == [("the rule is off",)]
