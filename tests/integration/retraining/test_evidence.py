"""Retraining on PostgreSQL: evidence from real tables, and one task a decision."""

from __future__ import annotations

import base64
import json
import os
import random
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import date, timedelta
from typing import Any

from castro_spark.retraining import measure
from castro_spark.streams import stream
from tests.databases.retraining import AGED, Retraining
from tests.integration.alerts.test_jobs import job
from tests.servers.celery_worker import ROOT


def tasks(model: Retraining) -> list[dict[str, Any]]:
    """The tasks in the broker's queue: name, id and arguments."""
    messages = [json.loads(text) for text in model.alerting.redis.lrange("celery", 0, -1)]
    return [
        {"task": m["headers"]["task"], "id": m["headers"]["id"], "kwargs": json.loads(base64.b64decode(m["body"]))[1]}
        for m in messages
    ]


# ---------------------------------------------------------------------------------------------------------- evidence


def test_a_season_is_no_drift_and_a_shift_is(model: Retraining) -> None:
    model.configure(rules={"age": None, "new_rows": None})
    model.fill()
    model.trained(date(2026, 1, 10))
    summer = date(2026, 7, 15)

    season = model.decide(summer)
    assert (season.fired, season.reason) == (False, "not_due"), season.words
    volume = model.evidence()["features"]["inventory.volume"]
    assert volume["psi_training"] > 0.2 > volume["psi_year_before"]  # the wave is there, as it was the year before
    assert sum(volume["now"]) == sum(volume["year_before"]) == sum(volume["training"]) == 300
    assert model.evidence()["window"] == {"first": "2026-06-17", "last": "2026-07-14"}
    assert model.evidence()["year_before"] == {"first": "2025-06-18", "last": "2025-07-15"}

    model.query("UPDATE ml_inventory_daily SET volume = volume * 3 WHERE date >= '2026-06-01'")
    shifted = model.decide(summer + timedelta(days=1))
    assert (shifted.fired, shifted.reason) == (True, "drift"), shifted.words
    assert "1 of 2 features drift (inventory.volume, PSI " in shifted.words


def test_a_shift_that_the_training_knew_is_no_drift(model: Retraining) -> None:
    model.configure(rules={"age": None, "new_rows": None})
    model.fill()
    model.query("UPDATE ml_inventory_daily SET volume = volume * 3, last_unit_cost = last_unit_cost * 2 WHERE date >= '2025-12-01'")
    model.trained(date(2026, 1, 10))
    assert model.decide(date(2026, 7, 15)).reason == "not_due"
    volume = model.evidence()["features"]["inventory.volume"]
    assert min(volume["psi_year_before"], volume["psi_training"]) > 0.2 > volume["psi_growth"]


def test_without_a_year_before_the_trainings_window_counts(model: Retraining) -> None:
    model.configure(rules={"age": None, "new_rows": None})
    model.fill()
    model.query("DELETE FROM ml_inventory_daily WHERE date < '2025-12-01'")
    model.trained(date(2026, 1, 10))
    assert model.decide(date(2026, 1, 20)).reason == "not_due"
    model.query("UPDATE ml_inventory_daily SET last_unit_cost = NULL WHERE date > '2026-01-10' AND hashtext(product_code) % 3 = 0")
    nulls = model.decide(date(2026, 2, 15))
    assert (nulls.fired, nulls.reason) == (True, "drift")
    cost = model.evidence()["features"]["inventory.last_unit_cost"]
    assert "too few products a year before" in cost["words"]
    assert cost["now"][0] > 50 > cost["training"][0] == 0  # the bin of nulls


def test_new_products_and_rows(model: Retraining) -> None:
    model.configure(rules={"age": None, "drift": None, "new_rows": {"share": 0.1, "min_rows": 100}})
    model.fill(products=100)
    model.query("DELETE FROM ml_inventory_daily WHERE date < '2026-05-01' AND hashtext(product_code) % 2 = 0")
    model.trained(date(2026, 5, 1))
    known, new = (
        int(n) for n in model.query("SELECT count(DISTINCT product_code) FILTER (WHERE date < '2026-05-01'), count(DISTINCT product_code) FROM ml_inventory_daily")[0]
    )
    assert 20 < known < new == 100
    decided = model.decide(date(2026, 7, 1))
    assert (decided.fired, decided.holding) == (True, ["new_products"]), decided.words
    assert f"{new - known} of 100 active products" in decided.words
    rows = model.query("SELECT sum(transactions) FROM ml_inventory_daily WHERE date BETWEEN '2026-05-01' AND '2026-07-01'")[0][0]
    assert model.evidence()["rows"] == rows


def test_rows_of_any_range_are_those_of_its_days(model: Retraining) -> None:
    model.fill(products=3)
    seed = random.randrange(10**6)
    chance = random.Random(seed)
    with closing(model.alerting.connect()) as connection, connection, connection.cursor() as cursor:
        for _ in range(60):
            first = date(2024, 1, 1) + timedelta(days=chance.randrange(400))
            last = first + timedelta(days=chance.choice([0, 3, 27, 30, 31, 60, 365]))
            begin = chance.choice([first, None])
            cursor.execute("SELECT coalesce(sum(transactions), 0) FROM ml_inventory_daily WHERE date >= %s AND date <= %s", (begin or date.min, last))
            ((rows,),) = cursor.fetchall()
            assert measure.rows(cursor, [stream("inventory")], begin, last) == rows, f"seed {seed}: {begin} {last}"


def test_frozen_bins_hold_each_product_once_and_are_exact(model: Retraining) -> None:
    model.fill()
    model.trained(date(2026, 1, 10))
    (bins,) = model.query("SELECT bins FROM castro.training")[0]
    assert (bins["window"], bins["window_days"]) == ({"first": "2025-12-13", "last": "2026-01-09"}, 28)
    volume = bins["features"]["inventory.volume"]
    assert len(volume["edges"]) == 10
    assert volume["counts"][:2] == [0, 0] == volume["counts"][-1:] * 2  # no null, none below or above
    assert sum(volume["counts"]) == 300
    assert all(25 <= n <= 35 for n in volume["counts"][2:-1])
    sums = {str(v) for (v,) in model.query("SELECT sum(volume) FROM ml_inventory_daily WHERE date BETWEEN '2025-12-13' AND '2026-01-09' GROUP BY product_code")}
    assert {*volume["edges"], volume["most"]} <= sums
    assert measure.as_data(measure.from_data(bins["features"])) == bins["features"]


def test_a_first_training_needs_rows(model: Retraining) -> None:
    assert model.decide(date(2026, 3, 1)).reason == "no_training"
    model.fill()
    first = model.decide(date(2026, 3, 2))
    assert first.reason == "no_training"
    assert "no training is recorded; 2,400 rows in the last 28 days" in first.words
    model.configure(rules={"first": {"min_rows": 2400}})
    assert model.decide(date(2026, 3, 3)).reason == "first"


# ----------------------------------------------------------------------------------------------------------- decision


def test_the_task_is_in_the_brokers_queue_with_the_decisions_id(aged: Retraining) -> None:
    shown = json.loads(job(aged.alerting, "retraining", "decide", "--json"))
    assert (shown["fired"], shown["reason"], shown["channels"]) == (True, "age", ["celery"])
    (task,) = tasks(aged)
    assert (task["task"], task["id"], task["kwargs"]["cause"]) == ("retrain_classification_model", shown["id"], shown["id"])
    assert task["kwargs"]["reason"] == "age"
    assert task["kwargs"]["words"].startswith("retraining of classification asked for (age): the last training is ")
    assert task["kwargs"]["policy_hash"] == aged.settings.retraining.policy_hash
    assert task["kwargs"]["evidence"]["training"]["data_until"] == "2025-01-01"

    again = json.loads(job(aged.alerting, "retraining", "decide", "--json"))
    assert (again["fired"], again["reason"]) == (False, "awaited")
    job(aged.alerting, "retraining", "record", "--trained-at", "2025-01-03T09:00", "--data-until", "2025-01-02", "--decision", shown["id"])
    assert json.loads(job(aged.alerting, "retraining", "decide", "--json"))["reason"] == "cooldown"
    aged.query("UPDATE castro.retraining_decision SET decided_at = decided_at - interval '25 hours'")
    assert json.loads(job(aged.alerting, "retraining", "decide", "--json"))["fired"]
    assert len({task["id"] for task in tasks(aged)}) == 2
    # A training that names no decision ends the wait, too.
    job(aged.alerting, "retraining", "record", "--trained-at", "2025-01-04T09:00", "--data-until", "2025-01-03")
    assert json.loads(job(aged.alerting, "retraining", "decide", "--json"))["reason"] == "cooldown"


def test_two_decisions_at_once_fire_once(aged: Retraining) -> None:
    with ThreadPoolExecutor(4) as threads:
        decided = list(threads.map(lambda _: aged.decide(), range(4)))
    assert sorted(d.reason for d in decided) == ["age", "awaited", "awaited", "awaited"]
    assert aged.query("SELECT count(*), count(*) FILTER (WHERE fired) FROM castro.retraining_decision") == [(4, 1)]
    assert aged.query("SELECT cause, channel FROM castro.outbox") == [(str(next(d.id for d in decided if d.fired)), "celery")]


# Where a deciding process is killed -> decisions then stored.
KILLS = {
    "castro_spark.retraining.store:add_decision:1": 0,
    "castro_spark.retraining.store:add_decision:1:after": 0,
    "castro_spark.sinks.postgres.outbox:message_id:1:after": 0,
    "castro_spark.retraining.store:prune:1": 1,  # after the commit
}


def test_a_killed_decision_is_made_whole_or_not_at_all(aged: Retraining) -> None:
    path = os.pathsep.join([str(ROOT / "tests" / "recovery" / "killer"), str(ROOT)])
    for where, stored in KILLS.items():
        killed = subprocess.run(
            [sys.executable, "-m", "castro_spark", "retraining", "decide", "--conf-file", str(aged.alerting.conf)],
            env={**aged.alerting.env, "PYTHONPATH": path, "CASTRO_TEST_KILL": where}, cwd=ROOT, check=False, timeout=60,
        )  # fmt: skip
        assert killed.returncode == -signal.SIGKILL, where
        assert aged.query("SELECT count(*) FROM castro.retraining_decision") == [(stored,)], where
        assert aged.query("SELECT count(*) FROM castro.outbox WHERE kind = 'retraining'") == [(stored,)], where
    assert json.loads(job(aged.alerting, "retraining", "decide", "--json"))["reason"] == "awaited"
    assert tasks(aged) == []
    job(aged.alerting, "outbox", "run", "--once")
    assert [task["id"] for task in tasks(aged)] == [aged.query("SELECT id::text FROM castro.retraining_decision WHERE fired")[0][0]]


def test_confirmations_are_counted_over_decisions(aged: Retraining) -> None:
    aged.configure(**AGED, confirmations=3, confirm_apart_minutes=30)
    day = date.today() + timedelta(days=1)  # since the training was recorded
    assert [aged.decide(day + timedelta(days=n)).reason for n in range(3)] == ["unconfirmed", "unconfirmed", "age"]
    aged.query("DELETE FROM castro.retraining_decision")
    assert [aged.decide(day).reason for _ in range(4)] == ["unconfirmed"] * 4  # all at one time
