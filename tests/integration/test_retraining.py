"""Retraining on PostgreSQL: evidence from real tables, one task a decision, what holds it back."""

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
from pathlib import Path
from typing import Any

import pytest

from castro_spark.errors import SettingsError, UsageError
from castro_spark.local import Stack
from castro_spark.observe.status.block import Asked
from castro_spark.observe.status.retraining import RETRAINING
from castro_spark.retraining import measure
from castro_spark.streams import all_streams, stream
from tests.alerting import Alerting
from tests.celery_worker import ROOT
from tests.integration.test_alert_jobs import job
from tests.retraining import Retraining

BROKER_DB = 13
TODAY_OLD = "2025-01-02T09:00"  # a training that is old today
AGED: dict[str, Any] = {"rules": {"drift": None, "new_rows": None, "new_products": None, "first": None}}


@pytest.fixture(scope="module")
def tables(servers: Stack, tmp_path_factory: pytest.TempPathFactory) -> Retraining:
    alerting = Alerting(servers, tmp_path_factory.mktemp("retraining"))
    alerting.env["CASTRO_ALERTS_CELERY_PASSWORD"] = Path(alerting.env["CASTRO_REDIS_PASSWORD_FILE"]).read_text().strip()
    return Retraining(alerting)


@pytest.fixture
def model(tables: Retraining) -> Retraining:
    """Empty tables, and a channel to an empty broker."""
    broker = f"{tables.alerting.redis_url.rpartition('/')[0]}/{BROKER_DB}"
    tables.alerting.configure({"celery": {"type": "celery", "broker": broker, "timeout_seconds": 5}})
    tables.alerting.redis.select(BROKER_DB)
    tables.alerting.redis.flushdb()
    tables.clean()
    return tables


@pytest.fixture
def aged(model: Retraining) -> Retraining:
    """The age rule holds, and nothing else is judged."""
    model.configure(**AGED)
    job(model.alerting, "retraining", "record", "--trained-at", TODAY_OLD, "--data-until", "2025-01-01")
    return model


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


# ----------------------------------------------------------------------------------------------------------- blockers

FAILED = "INSERT INTO castro.quality_result (run, check_name, subject, severity, outcome, failed, words, evidence, day) VALUES ('r', %s, 'sales', 'warning', %s, %s, 'w', '{}', '2026-01-01')"
INCIDENT = (
    "INSERT INTO castro.incident (check_name, subject, outcome, level, words, evidence, opened_at, seen_at, worst_level, outcomes)"
    " VALUES (%s, 'sales', 'fail', %s, 'twice as many', '{}', now(), now(), 3, '{fail}')"
)
INSTANCE = (
    "INSERT INTO castro.instance (stream, instance, host, pid, application, mode, state, reason, error, state_since, kind, progress)"
    " VALUES (%s, 'i', 'h', 1, 'a', 'continuous', %s, 'because', 'it broke', now(), %s, %s)"
)


@pytest.mark.parametrize(
    ("insert", "values", "words"),
    [
        (INCIDENT, ("volume", 3), "incident 1 is open: volume of sales: twice as many"),
        (FAILED, ("drift", "fail", True), "quality: drift of sales is fail: w"),
        (INSTANCE, ("inventory", "failed", "stream", None), "stream inventory is failed (because): it broke"),
        (INSTANCE, ("inventory", "restarting", "stream", None), "stream inventory is restarting (because): it broke"),
        (INSTANCE, ("", "failed", "reconcile", None), "the last reconciliation failed: it broke"),
        (INSTANCE, ("", "done", "reconcile", '{"unrepaired": 1200, "day": "2026-03-01"}'),
         "the last reconciliation left 1,200 differences of 2026-03-01: run it again with --apply"),
    ],
)  # fmt: skip
def test_trouble_holds_it_until_it_is_over(aged: Retraining, insert: str, values: tuple[Any, ...], words: str) -> None:
    aged.configure(**AGED, hold={"quality_max_age_hours": 26})
    aged.query(FAILED, ("freshness", "pass", False))
    aged.query(insert, values)
    held = aged.decide()
    assert (held.fired, held.reason, held.blockers) == (False, "held", [words])
    assert words in held.words
    aged.query("TRUNCATE castro.incident CASCADE; DELETE FROM castro.quality_result WHERE failed; DELETE FROM castro.instance WHERE state <> 'running'")
    assert aged.decide().fired


def test_what_does_not_hold_it(aged: Retraining) -> None:
    aged.query(INCIDENT, ("volume", 1))  # a warning
    aged.query(INCIDENT, ("archive_lag", 2))  # ignored by the settings
    aged.query(INCIDENT.replace("'sales'", "'inventory'"), ("volume", 3))
    aged.query("UPDATE castro.incident SET ended_at = now(), ended_as = 'resolved' WHERE level = 3")
    aged.query(INSTANCE, ("inventory", "done", "stream", None))
    aged.query(INSTANCE, ("sales", "failed", "stream", None))  # no feature is of this stream
    assert aged.decide().fired


def test_no_quality_run_and_a_silent_stream_hold_it(aged: Retraining) -> None:
    aged.configure(**AGED, hold={"quality_max_age_hours": 26, "reconcile_max_age_hours": 30})
    aged.query(INSTANCE, ("inventory", "running", "stream", None))
    aged.query("UPDATE castro.instance SET heartbeat_at = now() - interval '90 seconds' WHERE kind = 'stream'")
    held = aged.decide()
    assert held.blockers == [
        "no quality run within 26 hours: run ./spark-submit.sh quality", "stream inventory has sent no heartbeat for 90 s",
        "no reconciliation ended well within 30 hours",
    ]  # fmt: skip


# ------------------------------------------------------------------------------------------------------ job and status


def status(model: Retraining) -> tuple[dict[str, Any], str]:
    with closing(model.alerting.connect()) as connection:
        part = RETRAINING.answer(Asked(model.settings, [], connection), {})
    return part, "\n".join(RETRAINING.lines(part))


def test_a_training_is_recorded_once(model: Retraining) -> None:
    model.fill()
    assert status(model)[1] == "retraining of classification: never decided (./spark-submit.sh retraining decide)\n  no training is recorded"
    arguments = ["record", "--trained-at", "2026-03-02T06:00", "--data-until", "2026-03-01", "--metric", "f1=0.87", "--by", "ana"]
    first = job(model.alerting, "retraining", *arguments)
    assert first.startswith("recorded: last training 2026-03-02 09:00 UTC: ")  # São Paulo's six o'clock
    assert "up to 2026-03-01; f1 0.87" in first
    assert job(model.alerting, "retraining", *arguments).startswith("recorded before: ")
    assert model.query("SELECT metrics, recorded_by FROM castro.training") == [({"f1": 0.87}, "ana")]
    other = job(model.alerting, "retraining", *arguments[:-4], "--metric", "f1=0.9", status=2)
    assert "was recorded before, with other values: --metric (recorded: {'f1': 0.87}, given: {'f1': 0.9})" in other
    assert status(model)[0]["training"]["metrics"] == {"f1": 0.87}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--trained-at", "soon", "--data-until", "2026-01-01"], "--trained-at: write 2026-03-02T18:00"),
        (["--trained-at", "2999-01-01T00:00", "--data-until", "2026-01-01"], "is in the future"),
        (["--trained-at", "2026-01-02T01:00Z", "--data-until", "2026-01-02"], "is after the training's own day, 2026-01-01"),
        (["--trained-at", "2026-01-02T12:00", "--data-until", "2026-01-01", "--data-from", "2026-01-02"], "is after --data-until"),
        (["--trained-at", "2026-01-02T12:00", "--data-until", "2026-01-01", "--metric", "f1"], "--metric f1: not NAME=NUMBER"),
        (["--trained-at", "2026-01-02T12:00", "--data-until", "2026-01-01", "--metric", "f1=nan"], "not NAME=NUMBER"),
        (["--trained-at", "2026-01-02T12:00", "--data-until", "2026-01-01", "--decision", "x"], "is no decision's id"),
        (["--trained-at", "2026-01-02T12:00", "--data-until", "2026-01-01", "--decision", "5f0c3b1e-7a90-4d27-9f7e-93d2f0b6a001"], "there is no decision"),
    ],
)  # fmt: skip
def test_what_cannot_be_recorded(model: Retraining, arguments: list[str], words: str) -> None:
    assert words in job(model.alerting, "retraining", "record", *arguments, status=2)
    assert model.query("SELECT count(*) FROM castro.training") == [(0,)]


def test_a_decision_that_did_not_fire_asked_for_no_training(model: Retraining) -> None:
    quiet = model.decide()
    with pytest.raises(UsageError, match="did not ask for a training"):
        from castro_spark.retraining.record import Finished, record

        day = date(2026, 1, 2)
        record(model.settings, all_streams(), Finished(model.at(day), day, None, {}, quiet.id, "test"))


def test_without_a_channel_it_says_so(aged: Retraining) -> None:
    aged.alerting.configure({})
    aged.configure(**AGED)
    failed = job(aged.alerting, "retraining", "decide", status=1)
    assert "a retraining is due, and no channel of" in failed
    assert "give alerts.channels one of type celery" in failed
    part, words = status(aged)
    assert part["decision"]["reason"] == "no_channel"
    assert part["trouble"]
    assert "TROUBLE     no channel takes retraining" in words
    assert aged.query("SELECT count(*) FROM castro.outbox") == [(0,)]


def test_evidence_that_cannot_be_measured_fails_the_job_and_stores_nothing(aged: Retraining) -> None:
    aged.configure(**AGED, statement_timeout_seconds=0.2)
    with closing(aged.alerting.connect()) as connection, connection, connection.cursor() as cursor:
        cursor.execute("LOCK TABLE ml_inventory_daily")
        assert "statement timeout" in job(aged.alerting, "retraining", "decide", status=1)
    assert aged.query("SELECT count(*) FROM castro.retraining_decision") == [(0,)]
    assert aged.query("SELECT state FROM castro.instance WHERE kind = 'retraining'") == [("failed",)]


def test_status_says_why(aged: Retraining) -> None:
    aged.query(INCIDENT, ("volume", 3))
    job(aged.alerting, "retraining", "decide")
    part, words = status(aged)
    assert ": due (the last training is " in words
    assert "), but held: incident 1 is open: volume of sales: twice as many" in words
    assert part["trouble"] is None
    assert json.loads(json.dumps(part, default=str))["decision"]["rules"][0]["in_a_row"] == 1
    listed = job(aged.alerting, "retraining", "status")
    assert listed.startswith("classification: last training 2025-01-02 12:00 UTC: 0 rows, up to 2025-01-01\n")
    assert "  held: due (" in listed
    assert len(json.loads(job(aged.alerting, "retraining", "status", "--json"))["decisions"]) == 1


def test_features_that_do_not_exist_are_named(model: Retraining) -> None:
    for feature, words in (("inventory.price", "inventory has transactions, volume"), ("stock.volume", "streams: inventory")):
        model.configure(features=[feature])
        with pytest.raises(SettingsError, match=f"retraining.features: {feature} is no column") as raised:
            model.decide()
        assert words in raised.value.remedy


def test_old_decisions_are_pruned_and_the_last_that_fired_stays(aged: Retraining) -> None:
    aged.decide()
    aged.query("UPDATE castro.retraining_decision SET decided_at = now() - interval '1200 days'")
    aged.query(
        "INSERT INTO castro.retraining_decision SELECT gen_random_uuid(), model, now() - age * interval '1 day', age = 1300, reason, words, holding,"
        " rules, blockers, evidence, policy_hash, training_id, channels FROM castro.retraining_decision, unnest(ARRAY[59, 61, 1300]) age"
    )
    aged.query(INCIDENT, ("volume", 3))
    aged.configure(**{**AGED, "retention_days": 60})
    assert aged.decide().reason == "held"
    left = aged.query("SELECT fired, round(extract(epoch FROM now() - decided_at) / 86400)::int FROM castro.retraining_decision ORDER BY decided_at")
    assert left == [(True, 1200), (False, 59), (False, 0)]
