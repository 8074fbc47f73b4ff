"""What holds a retraining back, the job `retraining`, and what `status` says."""

from __future__ import annotations

import json
from contextlib import closing
from datetime import date
from typing import Any

import pytest

from castro_spark.errors import SettingsError, UsageError
from castro_spark.observe.status.block import Asked
from castro_spark.observe.status.blocks.retraining import RETRAINING
from castro_spark.streams import all_streams
from tests.databases.retraining import AGED, Retraining
from tests.integration.alerts.test_jobs import job

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
        (["--trained-at", "2026-01-02T12:00", "--data-until", "2026-01-01", "--metric", " =1"], "not NAME=NUMBER"),
        (["--trained-at", "2026-01-02T12:00", "--data-until", "2026-01-01", "--metric", "f1=1", "--metric", "f1=2"], "--metric names f1 more than once"),
        (["--trained-at", "9999-12-31T23:30", "--data-until", "2026-01-01"], "--trained-at: write 2026-03-02T18:00"),
        (["--trained-at", "2026-01-02T12:00", "--data-until", "0001-01-05"], "is before 1990, when the first events may be"),
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
