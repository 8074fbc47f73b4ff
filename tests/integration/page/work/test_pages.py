"""The operator's pages over HTTP: what they show of real tables, empty, failing and huge."""

from __future__ import annotations

import re
from contextlib import closing
from datetime import datetime, timezone

import pytest

from castro_spark.observe.heartbeat import Heartbeat
from castro_spark.observe.instance import StreamState
from castro_spark.observe.lag_samples import LagSamples
from castro_spark.process.component import State
from castro_spark.reconcile.record import record
from castro_spark.reconcile.report import Counts, StreamResult
from castro_spark.settings import load_settings
from castro_spark.sinks.postgres.connection import connect
from castro_spark.sinks.postgres.outbox import put
from castro_spark.streaming.housekeeping import Housekeeper
from castro_spark.streams import stream as stream_named
from tests.integration.page.work.operator import read, send, serve
from tests.servers.page import House

PAGES = ("/streams", "/streams/inventory", "/books", "/quarantine", "/quality", "/incidents", "/outbox", "/reconciliation",
         "/extracts", "/retraining", "/commands")  # fmt: skip


@pytest.mark.parametrize("language", ["en", "pt-BR"])
@pytest.mark.parametrize("path", PAGES)
def test_before_anything_ever_ran(clean: House, path: str, language: str) -> None:
    page = read(clean, path, language)
    assert f'lang="{language}"' in page
    assert " style=" not in page


@pytest.mark.parametrize(
    "path", ["/streams/nothing", "/quarantine/99", "/quarantine?status=x", "/incidents/99", "/outbox/99", "/books?stream=x",
             "/outbox?state=x", "/reconciliation/r/sales", "/retraining/x", "/streams/%00", "/reconciliation/%00/sales",
             *(f"/{page}/{'9' * 5000}" for page in ("incidents", "outbox", "quarantine"))]
)  # fmt: skip
def test_what_is_not_there(clean: House, path: str) -> None:
    assert clean.get(path).status == 404


@pytest.mark.parametrize(
    "path", ["/quarantine?reason=%00", "/outbox?channel=%00", "/reconciliation?stream=%00", "/products?q=%00&after=1.%00",
             "/quarantine?before=9999999999999999999", "/incidents?before=%C2%B2", "/retraining?before=9999-99-99",
             "/books?before=9999999999999999999.1", "/books?before=%C2%B2.%C2%B2", "/quality/%00/%00"]
)  # fmt: skip
def test_what_postgresql_cannot_hold_is_asked_for(clean: House, path: str) -> None:
    assert clean.get(path).status == 200


def test_a_stream_that_runs_and_one_that_fails(clean: House) -> None:
    with closing(connect(clean.settings.postgres, "test")) as connection:
        clean.query(
            "INSERT INTO castro.stream (stream, topic, topic_id, epoch, writer, revision) VALUES"
            " ('inventory', 't', 'T', 1, 'node7', 10), ('sales', 's', 'S', 1, 'node7', 3)"
        )
        clean.query("INSERT INTO castro.offset_ledger (stream, partition, next_offset, record_at) VALUES ('inventory', 0, 40, now() - interval '5 minutes')")
        runs, fails = StreamState("inventory", available_now=False), StreamState("sales", available_now=False)
        runs.claimed(1)
        runs.component.running()
        runs.component.saw_topic("T", {0: 1040})
        fails.ended(State.FAILED, "kafka_refused", "Kafka refuses this client")
        samples = LagSamples([runs, fails])
        with Heartbeat(clean.settings.postgres, [runs, fails], "application_1_2"):
            samples.poll(connection)
            assert clean.query("SELECT stream, records, partitions FROM castro.lag_sample") == [("inventory", 1000, {"0": 1000})]
            clean.query("INSERT INTO castro.lag_sample SELECT 'inventory', now() - n * interval '1 minute', 1000 + 600 * n, jsonb_build_object('0', 1000 + 600 * n) FROM generate_series(1, 8) n")
            page = read(clean, "/streams")
            assert page.index("Sales") < page.index("Stock movements")  # failures first
            assert "Kafka refuses this client" in page
            one = read(clean, "/streams/inventory")
    assert "catches up" in one and "in about" in one
    assert re.search(r"shrinks by (9|10)(\.\d)? a second", one)
    assert ">1,000</td>" in one
    assert 'name="epoch" value="1"' in one and 'name="application" value="application_1_2"' in one
    assert "1.000" in read(clean, "/streams/inventory", "pt-BR")


def test_books_in_pages(clean: House) -> None:
    clean.query(
        "INSERT INTO castro.batch_books (stream, revision, partition, batch_id, from_offset, to_offset, inserted, corrected,"
        " stale, quarantined, skipped, gaps) SELECT 'inventory', r, p, r, r * 10, r * 10 + 10, 7, 1, 1, 1, 0, 0"
        " FROM generate_series(1, 50) r, generate_series(0, 2) p"
    )
    seen, path = [], "/books?stream=inventory"
    while path:
        page = read(clean, path)
        seen += re.findall(r'<th scope="row">(\d+)</th><td>(\d)</td>', page)
        path = next(iter(re.findall(r'href="(/books\?[^"]*before=[^"]*)"', page)), "").replace("&amp;", "&")
    assert [(int(r), int(p)) for r, p in seen] == [(r, p) for r in range(50, 0, -1) for p in (2, 1, 0)]


def test_incidents_and_messages(clean: House) -> None:
    clean.query(
        "INSERT INTO castro.incident (check_name, subject, outcome, level, words, evidence, opened_at, seen_at, worst_level,"
        " outcomes) VALUES ('freshness', 'sales', 'fail', 3, '<i>late</i>', '{\"rows\": [{\"a\": null, \"b\": [1, 2]}]}', now(), now(), 3, '{fail}'),"
        " ('drift', 'inventory', 'warn', 1, 'near', '{}', now() - interval '1 hour', now(), 1, '{warn}')"
    )
    with closing(connect(clean.settings.postgres, "test")) as connection, connection:
        for n in range(3):
            put(connection, "incident", f"cause {n}", {"summary": "<i>x</i>"}, ["mail"], series="incident:1")
    clean.query("UPDATE castro.outbox SET state = 'dead', settled_at = now(), attempts = 30, error = 'mailbox unavailable', error_at = now()")
    page = read(clean, "/incidents")
    assert page.index("&lt;i&gt;late") < page.index("near") and "2 open" in page
    one = read(clean, "/incidents/1")
    assert "mailbox unavailable" in one and "Mute" in one
    page = read(clean, "/outbox")
    assert "3 dead letters" in page and "no such channel" in page and "Send all of mail again" in page
    assert "&lt;i&gt;x" in read(clean, "/outbox/1")
    where = send(clean, "retry_messages", "/outbox", all=1, channel="mail").headers["location"]
    serve(clean)
    assert "3 messages are due now" in read(clean, where)
    where = send(clean, "close_incident", "/incidents/1", incident=1, reason="a test").headers["location"]
    serve(clean)
    page = read(clean, where)
    assert "Closed by anyone on this machine, on the page:" in page and "a test" in page
    assert "Resolved" not in read(clean, "/incidents").partition("Ended")[2].partition("Closed")[0]


def test_checks_with_their_history(clean: House) -> None:
    clean.query(
        "INSERT INTO castro.quality_result (run, check_name, subject, severity, outcome, failed, words, evidence, day, judged_at)"
        " SELECT 'r' || n, 'volume', s, 'critical', CASE WHEN n = 120 AND s = 'sales' THEN 'fail' ELSE 'pass' END,"
        " n = 120 AND s = 'sales', 'words ' || n, '{}', current_date, now() - (120 - n) * interval '5 minutes'"
        " FROM generate_series(1, 120) n, unnest(ARRAY['inventory', 'sales']) s ORDER BY n"
    )
    page = read(clean, "/quality")
    assert page.index("volume · sales") < page.index("volume · inventory") and "1 check needs a look" in page
    assert "29 of the last 30 results passed" in page
    first = read(clean, "/quality/volume/sales")
    older = re.findall(r'href="(/quality/volume/sales\?before=\d+)"', first)
    assert "words 120" in first and "words 70" not in first
    assert "words 70<" in read(clean, older[0])


def test_reconciliations_are_kept_and_shown(clean: House) -> None:
    result = StreamResult("inventory", clean.today, "run-1", datetime.now(timezone.utc), applied=True, rows_in_warehouse=10, rows_in_postgres=8)
    result.events = Counts(missing=2)
    result.repaired = {"event": 2}
    result.add_examples("event", [{"class": "missing", "event_id": f"E{n}\0", "product_code": "P1", "differs": None} for n in range(30)])
    record(clean.settings.postgres, result)
    record(clean.settings.postgres, result)  # repeated, it stays one
    refused = StreamResult("sales", clean.today, "run-1", datetime.now(timezone.utc), problem="more than reconcile.change_limit allows")
    record(clean.settings.postgres, refused)
    assert clean.query("SELECT stream, applied, jsonb_array_length(result->'examples'->'event') FROM castro.reconciliation ORDER BY stream") == [
        ("inventory", True, 20), ("sales", False, None)
    ]  # fmt: skip
    clean.query("INSERT INTO castro.repair (run, stream, kind, class, key, product_code, before, after, revision) VALUES ('run-1', 'inventory', 'event', 'different', 'E1', 'P1', '{\"quantity\": \"1\", \"unit_cost\": \"2\"}', '{\"quantity\": \"3\", \"unit_cost\": \"2\"}', 1)")
    page = read(clean, "/reconciliation")
    assert "repaired" in page and "change_limit allows" in page
    one = read(clean, "/reconciliation/run-1/inventory")
    assert "<del>1</del> <ins>3</ins>" in one and "unit_cost" not in one and "E29" not in one
    # The newest result of a stream outlives its retention.
    clean.query("UPDATE castro.reconciliation SET ended_at = now() - interval '500 days'")
    record(clean.settings.postgres, StreamResult("inventory", clean.today, "run-2", datetime.now(timezone.utc)))
    settings = load_settings(conf_file=clean.conf, environ=clean.env)
    Housekeeper(settings, [stream_named("inventory"), stream_named("sales")]).tidy()
    assert clean.query("SELECT run, stream FROM castro.reconciliation ORDER BY 1, 2") == [("run-1", "sales"), ("run-2", "inventory")]
