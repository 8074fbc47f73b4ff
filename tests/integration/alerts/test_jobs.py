"""The jobs `incidents` and `outbox`, and what `status` says of both."""

from __future__ import annotations

import importlib
import io
import json
import logging
import shlex
import signal
import subprocess
import sys
from contextlib import closing, redirect_stderr, redirect_stdout
from typing import Any

import pytest

from castro_spark import cli
from castro_spark.incidents.configured import incident_rules
from castro_spark.incidents.note import note_results
from castro_spark.observe.status.block import Asked
from castro_spark.observe.status.blocks.alerts import ALERTS
from castro_spark.quality.result import Outcome, Result, Severity
from tests.databases.alerting import Alerting, wait_until
from tests.environment import environment
from tests.servers.celery_worker import ROOT


def job(alerting: Alerting, name: str, *arguments: str, status: int = 0) -> str:
    out = io.StringIO()
    command = importlib.import_module(f"jobs.{name}").main
    with environment(alerting.env), redirect_stdout(out), redirect_stderr(out):
        left = cli.exit_status(command, [*arguments, "--conf-file", str(alerting.conf)])
    assert left == status, out.getvalue()
    return out.getvalue()


def check(alerting: Alerting, outcome: Outcome, subject: str = "sales", severity: Severity = Severity.CRITICAL) -> None:
    conf = alerting.settings.alerts
    with closing(alerting.connect()) as connection, connection:
        found = Result("freshness", subject, severity, outcome, "601 s behind", "601 s", "600 s", {"newest": "12:00"})
        note_results(connection, [found], incident_rules(conf), conf.channels_for("incident"))


def status(alerting: Alerting) -> tuple[dict[str, Any], str]:
    with closing(alerting.connect()) as connection:
        part = ALERTS.answer(Asked(alerting.settings, [], connection), {})
    return part, "\n".join(ALERTS.lines(part))


def test_incidents(alerting: Alerting) -> None:
    assert job(alerting, "incidents", "list") == "0 incidents\n"
    check(alerting, Outcome.WARN, "inventory")
    check(alerting, Outcome.FAIL)
    listed = job(alerting, "incidents", "list").splitlines()
    assert listed[0].startswith("     2  critical fail    freshness of sales: 601 s behind  (since ")
    assert listed[1].startswith("     1  warning  warn    freshness of inventory")
    assert [i["id"] for i in json.loads(job(alerting, "incidents", "list", "--json"))] == [2, 1]
    shown = job(alerting, "incidents", "show", "2")
    assert "observed 601 s, limit 600 s" in shown
    assert "newest: 12:00" in shown
    assert "opened: freshness of sales, fail (critical, since" in shown
    assert "-> log" in shown

    assert "muted until" in job(alerting, "incidents", "mute", "2", "--until", "8h", "--reason", "planned work", "--by", "ana")
    assert alerting.query("SELECT muted_until > now() + interval '7 hours' AND muted_until < now() + interval '9 hours' FROM castro.incident WHERE id = 2") == [(True,)]
    job(alerting, "incidents", "mute", "2", "--until", "2030-01-01T12:00", "--reason", "planned work")
    assert alerting.query("SELECT muted_until::text FROM castro.incident WHERE id = 2") == [("2030-01-01 15:00:00+00",)]  # São Paulo's noon
    assert "write 2026-03-02T18:00" in job(alerting, "incidents", "mute", "2", "--until", "soon", "--reason", "x", status=2)
    assert "there is no incident 9" in job(alerting, "incidents", "close", "9", "--reason", "x", status=2)

    job(alerting, "incidents", "mute", "2", "--until", "0m", "--reason", "done")
    assert "closed" in job(alerting, "incidents", "close", "2", "--reason", "a test", "--by", "ana")
    assert "incident 2 ended at" in job(alerting, "incidents", "close", "2", "--reason", "again", status=2)
    assert json.loads(job(alerting, "incidents", "show", "2", "--json"))["ended_by"] == "ana"
    assert alerting.query("SELECT payload->>'summary', payload->>'status' FROM castro.outbox ORDER BY id DESC LIMIT 1") == [
        ("closed: freshness of sales, by ana: a test", "resolved")
    ]
    assert job(alerting, "incidents", "list").endswith("1 incident\n")
    assert job(alerting, "incidents", "list", "--all").endswith("2 incidents\n")
    check(alerting, Outcome.FAIL)  # it still fails: a new one
    assert alerting.query("SELECT id FROM castro.incident WHERE ended_at IS NULL AND subject = 'sales'") == [(3,)]


@pytest.mark.parametrize(("arguments", "words"), [
    ("incidents mute 1 --reason x --until 99999999999d", "--until: write 2026-03-02T18:00"),
    ("incidents mute 1 --reason x --until 9999-12-31T23:59", "--until: write 2026-03-02T18:00"),
    ("incidents close 1 --reason ' '", "is blank: say it in words"),
    ("incidents close 1 --reason x --by ''", "is blank: say it in words"),
    ("incidents show 99999999999999999999", "is not in the range"),
    ("incidents list --limit 0", "is not in the range"),
    ("outbox discard 1 --note ''", "is blank: say it in words"),
    ("outbox retry 99999999999999999999", "is not in the range"),
    ("outbox list --channel hok", "there is no channel hok, and no message for one of that name"),
    ("outbox retry --all --channel hok", "no channel hok"),
    ("quality --date 2150-01-01", "--date 2150-01-01 is in the future"),
])  # fmt: skip
def test_wrong_arguments_are_named(alerting: Alerting, arguments: str, words: str) -> None:
    name, *given = shlex.split(arguments)
    assert words in job(alerting, name, *given, status=2)


@pytest.mark.parametrize("arguments", ["incidents list", "outbox run --once", "retraining status", "quality --dry-run"])
def test_a_postgresql_that_does_not_answer_is_told_with_what_to_do(
    alerting: Alerting, monkeypatch: pytest.MonkeyPatch, arguments: str
) -> None:
    name, *given = arguments.split()
    monkeypatch.setitem(alerting.env, "CASTRO_POSTGRES_DSN", "host=127.0.0.1 port=1 dbname=x user=x")
    told = job(alerting, name, *given, status=1)
    assert 'error: PostgreSQL: connection to server at "127.0.0.1", port 1 failed: Connection refused' in told
    assert "what to do: check postgres.dsn" in told


def test_channels_choose_by_severity_check_and_subject(alerting: Alerting) -> None:
    alerting.configure({
        "pager": {"type": "log", "min_severity": "critical"}, "sales": {"type": "log", "subjects": ["sales*"]},
        "volume": {"type": "log", "checks": ["volume"]}, "tasks": {"type": "log", "kinds": ["retraining"]},
    })  # fmt: skip
    check(alerting, Outcome.WARN)
    check(alerting, Outcome.FAIL, "inventory")
    assert alerting.query("SELECT payload->>'subject', array_agg(channel ORDER BY channel) FROM castro.outbox GROUP BY 1 ORDER BY 1") == [
        ("inventory", ["log", "pager"]), ("sales", ["log", "sales"]),
    ]  # fmt: skip


def test_outbox_and_status(alerting: Alerting) -> None:
    part, text = status(alerting)
    assert (text, part["trouble"]) == ("alerts: 0 open incidents", None)
    alerting.configure({"hook": {"type": "webhook", "url": "http://127.0.0.1:1/x"}, "gone": {"type": "log"}}, attempts=1)
    check(alerting, Outcome.FAIL)
    alerting.configure({"hook": {"type": "webhook", "url": "http://127.0.0.1:1/x"}}, attempts=1)
    printed = job(alerting, "outbox", "run", "--once", status=1)
    assert "hook: 0 delivered, 0 failed, 1 dead\nlog: 1 delivered, 0 failed, 0 dead\n" in printed
    assert "not all messages were delivered by hook" in printed
    part, text = status(alerting)
    assert part["trouble"] == "dead letters: 1 (outbox list, then outbox retry or discard)"
    assert "  worst       1: freshness of sales, fail (critical, since " in text
    assert "  outbox      gone: 1 pending since " in text
    assert "alerts.channels lacks this channel" in text
    assert "hook: 0 pending, DEAD LETTERS: 1; last error: given up after 1 attempt: 127.0.0.1:1: Connection refused" in text

    listed = job(alerting, "outbox", "list")
    assert "dead      hook       incident incident:1:1, 1 attempt, at " in listed
    assert listed.endswith("2 undelivered\n")
    assert json.loads(job(alerting, "outbox", "list", "--state", "delivered", "--json"))[0]["channel"] == "log"
    assert "name the messages, or give --all" in job(alerting, "outbox", "retry", status=2)
    number = alerting.query("SELECT id FROM castro.outbox WHERE channel = 'log'")[0][0]
    assert "nothing was changed" in job(alerting, "outbox", "retry", str(number), status=2)
    assert job(alerting, "outbox", "retry", "--all", "--channel", "hook") == "1 due now\n"
    dead = alerting.query("SELECT id FROM castro.outbox WHERE channel = 'hook'")[0][0]
    assert job(alerting, "outbox", "discard", str(dead), "--note", "no such hook") == "1 discarded\n"
    assert status(alerting)[0]["trouble"] is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_outbox_run_until_it_is_told_to_end(alerting: Alerting, number: int) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "castro_spark", "outbox", "run", "--conf-file", str(alerting.conf)],
        env=alerting.env, cwd=ROOT, stderr=subprocess.PIPE,
    )  # fmt: skip
    check(alerting, Outcome.FAIL)
    wait_until(lambda: alerting.query("SELECT state FROM castro.outbox") == [("delivered",)])
    process.send_signal(number)
    assert process.wait(30) == 0
    assert b"ERROR   opened: freshness of sales, fail (critical, since" in (process.stderr.read() if process.stderr else b"")


def test_importing_castro_spark_imports_no_celery() -> None:
    code = "import sys, castro_spark, castro_spark.outbox.deliverer, castro_spark.channels.build as b; assert 'celery' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_apprise_that_is_not_installed_is_named(alerting: Alerting) -> None:
    alerting.env["CASTRO_ALERTS_CHAT_URL"] = "json://127.0.0.1/c4n4ry"
    alerting.configure({"chat": {"type": "apprise"}})
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(sys.modules, "apprise", None)
        printed = job(alerting, "outbox", "run", "--once", status=2)
    assert "pip install 'castro-spark[alerts]'" in printed
    alerting.env["CASTRO_ALERTS_CHAT_URL"] = "c4n4ry://127.0.0.1"
    logging.getLogger("apprise").setLevel(logging.CRITICAL)
    assert "apprise does not know this" in (printed := job(alerting, "outbox", "run", "--once", status=2))
    assert "c4n4ry" not in printed
