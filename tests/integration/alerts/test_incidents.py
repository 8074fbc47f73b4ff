"""Incidents on PostgreSQL: one open per check and subject, and their notifications in the same transaction."""

from __future__ import annotations

from contextlib import closing
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from threading import Barrier, Thread

import pytest

from castro_spark.incidents.by_hand import mute
from castro_spark.incidents.decision import IncidentRules
from castro_spark.incidents.incident import Reason
from castro_spark.incidents.note import note_results
from castro_spark.quality.result import Outcome, Result, Severity
from castro_spark.sinks.postgres import quality_results
from tests.databases.alerting import Alerting

RULES = IncidentRules(passes_to_resolve=2)


def result(outcome: Outcome, subject: str = "sales", words: str = "601 s behind", **more: object) -> Result:
    return Result("freshness", subject, Severity.CRITICAL, outcome, words, "601 s", "600 s", **more)  # type: ignore[arg-type]


def note(alerting: Alerting, *results: Result, rules: IncidentRules = RULES) -> list[Reason]:
    connection = alerting.connect()
    with connection:
        transitions = note_results(connection, results, rules, ["log", "hook"])
    connection.close()
    return [transition.reason for transition in transitions]


def test_from_the_first_failure_to_its_end(alerting: Alerting) -> None:
    fail, passed = result(Outcome.FAIL), result(Outcome.PASS)
    assert note(alerting, result(Outcome.WARN), result(Outcome.PASS, "inventory")) == [Reason.OPENED, Reason.HEALTHY]
    assert [note(alerting, r)[0].value for r in (fail, fail, result(Outcome.ERROR), passed, fail, passed, passed, passed)] == [
        "escalated", "noticed", "changed", "passed", "noticed", "passed", "resolved", "healthy",
    ]  # fmt: skip
    assert alerting.query("SELECT outcome, count, passes, ended_as, told_channels FROM castro.incident") == [
        ("fail", 5, 2, "resolved", ["hook", "log"])
    ]
    assert alerting.query("SELECT event, channels FROM castro.incident_event ORDER BY id") == [
        (event, ["log", "hook"]) for event in ("opened", "escalated", "changed", "resolved")
    ]
    assert alerting.query(
        "SELECT channel, payload->>'event', payload->>'status', payload->>'outcome' FROM castro.outbox ORDER BY channel, id"
    ) == [
        (channel, event, "resolved" if event == "resolved" else "firing", outcome)
        for channel in ("hook", "log")
        for event, outcome in (("opened", "warn"), ("escalated", "fail"), ("changed", "error"), ("resolved", "fail"))
    ]


def test_nothing_is_left_of_a_transaction_that_fails(alerting: Alerting) -> None:
    connection = alerting.connect()
    with pytest.raises(ZeroDivisionError), connection:
        note_results(connection, [result(Outcome.FAIL)], RULES, ["log"])
        raise ZeroDivisionError
    connection.close()
    assert alerting.query("SELECT (SELECT count(*) FROM castro.incident), (SELECT count(*) FROM castro.outbox)") == [(0, 0)]


def test_two_runs_at_once_open_one_incident(alerting: Alerting) -> None:
    subjects = [f"s{n}" for n in range(20)]
    both, seen, errors = Barrier(2), [], []

    def run(order: list[str]) -> None:
        connection = alerting.connect()
        try:
            both.wait()
            for _ in range(5):
                with connection:
                    seen.extend(t.reason for t in note_results(connection, [result(Outcome.FAIL, s) for s in order], RULES, ["log"]))
        except Exception as error:  # noqa: BLE001 - for the assertion
            errors.append(error)
        finally:
            connection.close()

    threads = [Thread(target=run, args=(order,)) for order in (subjects, subjects[::-1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert errors == []
    assert (seen.count(Reason.OPENED), seen.count(Reason.NOTICED)) == (20, 180)
    assert alerting.query("SELECT count(*), min(count), max(count) FROM castro.incident") == [(20, 10, 10)]
    assert alerting.query("SELECT count(*) FROM castro.outbox") == [(20,)]


def test_what_a_mute_kept_back_is_told_after_it(alerting: Alerting) -> None:
    note(alerting, result(Outcome.WARN))
    alerting.query("UPDATE castro.incident SET muted_until = now() + interval '1 hour'")
    assert note(alerting, result(Outcome.FAIL)) == [Reason.ESCALATED]
    assert note(alerting, result(Outcome.PASS)) == [Reason.PASSED]
    assert note(alerting, result(Outcome.PASS)) == [Reason.RESOLVED]
    assert note(alerting, result(Outcome.FAIL)) == [Reason.OPENED]  # a new one, muted as the old one was
    assert alerting.query("SELECT kept_back, muted_until > now() FROM castro.incident ORDER BY id") == [("escalated", True), ("opened", True)]
    assert alerting.query("SELECT count(*) FROM castro.outbox WHERE channel = 'log'") == [(1,)]
    alerting.query("UPDATE castro.incident SET muted_until = now() - interval '1 second'")
    assert note(alerting, result(Outcome.PASS)) == [Reason.AFTER_MUTE, Reason.AFTER_MUTE, Reason.PASSED]
    assert note(alerting, result(Outcome.PASS)) == [Reason.RESOLVED]
    assert alerting.query("SELECT payload->>'event', payload->>'status' FROM castro.outbox WHERE channel = 'log' ORDER BY id") == [
        ("opened", "firing"), ("after_mute", "resolved"), ("after_mute", "firing"), ("resolved", "resolved"),
    ]  # fmt: skip


def test_the_end_of_a_mute_holds_for_what_comes_later(alerting: Alerting) -> None:
    note(alerting, result(Outcome.FAIL))
    with closing(alerting.connect()) as connection:
        later = datetime.now(timezone.utc) + timedelta(hours=1)
        mute(connection, 1, later, "ana", "planned work")
        for _ in range(2):
            note(alerting, result(Outcome.PASS))
        note(alerting, result(Outcome.FAIL))
        mute(connection, 2, later - timedelta(hours=1), "ana", "done early")
    for outcome in (Outcome.PASS, Outcome.PASS, Outcome.FAIL):
        note(alerting, result(outcome))
    assert alerting.query("SELECT payload->>'incident', payload->>'event' FROM castro.outbox WHERE channel = 'log' ORDER BY id") == [
        ("1", "opened"), ("1", "after_mute"), ("2", "after_mute"), ("2", "resolved"), ("3", "opened"),
    ]  # fmt: skip


def test_what_jsonb_cannot_hold_and_what_is_too_large(alerting: Alerting) -> None:
    evidence = {"keys": ["a\0b", "\ud800", float("nan")], "large": "x" * 100_000}
    assert note(alerting, result(Outcome.FAIL, words="nul \0 and more " * 500, evidence=evidence)) == [Reason.OPENED]
    note(alerting, result(Outcome.FAIL, "small", evidence={"keys": ["a\0b", "\ud800", float("nan")]}))
    assert alerting.query("SELECT evidence FROM castro.incident ORDER BY id") == [
        ({"omitted": "100,052 characters"},), ({"keys": ["a\ufffdb", "\ufffd", "nan"]},),
    ]  # fmt: skip


def test_results_hold_what_jsonb_cannot(alerting: Alerting) -> None:
    found = {"examples": ["A\0B", r"A\u0000", "\ud800"], "ratio": float("nan"), "price": Decimal("1.50")}
    row = {
        "run": "r", "check_name": "drift", "subject": "odd", "severity": "warning", "outcome": "fail", "failed": True,
        "words": "A\0B \ud800", "observed": None, "limit": None, "evidence": found, "day": date(2026, 3, 1),
    }  # fmt: skip
    with closing(alerting.connect()) as connection, connection, connection.cursor() as cursor:
        quality_results.add(cursor, [row])
    stored = {"examples": ["A\ufffdB", r"A\u0000", "\ufffd"], "ratio": "nan", "price": "1.50"}
    assert alerting.query("DELETE FROM castro.quality_result WHERE subject = 'odd' RETURNING words, evidence") == [
        ("A\ufffdB \ufffd", stored)
    ]


def test_history_is_bounded_and_old_incidents_are_pruned(alerting: Alerting) -> None:
    rules = IncidentRules(repeat_every=timedelta(0), retention_days=30)
    with closing(alerting.connect()) as connection:
        for _ in range(205):
            with connection:
                note_results(connection, [result(Outcome.FAIL)], rules, ["log"])
    assert alerting.query("SELECT count(*), min(event) FROM castro.incident_event") == [(200, "opened")]
    alerting.query("UPDATE castro.incident SET ended_at = now() - interval '31 days', ended_as = 'resolved'")
    note(alerting, result(Outcome.PASS), rules=rules)
    assert alerting.query("SELECT (SELECT count(*) FROM castro.incident), (SELECT count(*) FROM castro.incident_event)") == [(0, 0)]
