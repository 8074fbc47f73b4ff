"""The operator's pages over HTTP: what they show of real tables, empty, failing and huge; and what their forms ask."""

from __future__ import annotations

import base64
import itertools
import json
import re
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import quote, urlencode
from uuid import uuid4

import psycopg2
import pytest
import redis

from castro_spark.batch.actions import action
from castro_spark.batch.serve import CommandServer
from castro_spark.component import State
from castro_spark.local import Stack
from castro_spark.observe.heartbeat import Heartbeat
from castro_spark.observe.instance import StreamState
from castro_spark.observe.lag_samples import LagSamples
from castro_spark.reconcile.record import record
from castro_spark.reconcile.report import Counts, StreamResult
from castro_spark.settings import load_settings
from castro_spark.sinks.postgres.connection import connect
from castro_spark.sinks.postgres.outbox import put
from castro_spark.streaming.housekeeping import Housekeeper
from castro_spark.streams import stream as stream_named
from tests.builders import event, native
from tests.consumer import Consumer
from tests.servers.page import COMMANDER, Answer, House
from tests.system import System

_numbers = itertools.count(701)
PAGES = ("/streams", "/streams/inventory", "/books", "/quarantine", "/quality", "/incidents", "/outbox", "/reconciliation",
         "/extracts", "/retraining", "/commands")  # fmt: skip
QUARANTINED = 100_000


@pytest.fixture(scope="module")
def house(databases: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(databases, tmp_path_factory.mktemp("work"), next(_numbers), {"actions": {"enabled": True}})
    house.start()
    yield house
    assert house.stop() == 0, house.log()


@pytest.fixture
def clean(house: House) -> House:
    house.query(
        "TRUNCATE castro.instance, castro.command, castro.stream, castro.quarantine, castro.incident, castro.outbox,"
        " castro.quality_result, castro.batch_books, castro.lag_sample, castro.reconciliation, castro.repair,"
        " ml_inventory_realtime RESTART IDENTITY CASCADE"
    )
    return house


class OfHouse(System):
    """What a Consumer needs of a system, at the page's database."""

    def __init__(self, house: House) -> None:
        self.env, self.conf, self.query = house.env, house.conf, house.query  # type: ignore[assignment]
        self.redis = redis.Redis.from_url(
            house.env["CASTRO_REDIS_URL"], password=Path(house.env["CASTRO_REDIS_PASSWORD_FILE"]).read_text().strip()
        )


def read(house: House, path: str, language: str = "en") -> str:
    answer = house.get(path, Accept_Language=language)
    assert answer.status == 200, f"{path}: {answer.status}\n{answer.text[:3000]}\n{house.log()[-3000:]}"
    return answer.text


def send(house: House, name: str, back: str, number: str | None = None, **fields: Any) -> Answer:
    form = urlencode({"request": number or str(uuid4()), "back": back, **fields}, doseq=True)
    return house.get(
        f"/act/{name}", "POST", form, Origin=house.url, Content_Type="application/x-www-form-urlencoded"
    )


def serve(house: House) -> None:
    """Serves the commands that wait, as a running stream does."""
    server = CommandServer(house.settings, Event())
    with closing(connect(house.settings.postgres, "test")) as connection:
        server.poll(connection)
        while not server.is_idle:
            server.wait(60)
            server.poll(connection)


def reject(house: House, *values: bytes) -> list[int]:
    """The ids of these records, which the stream has put into quarantine."""
    consumer = Consumer(OfHouse(house))
    batch: list[Any] = [(0, n, value) for n, value in enumerate(values)]
    consumer.commit(0, consumer_staged(consumer, batch), consumer.ends(batch))
    consumer.close()
    return [number for (number,) in house.query("SELECT id FROM castro.quarantine ORDER BY id")]


def consumer_staged(consumer: Consumer, batch: list[Any]) -> Any:
    from castro_spark.sinks.postgres.commit.staging import stage_on_driver
    from tests.consumer import with_positions

    return stage_on_driver([with_positions(batch)], consumer.rules, consumer.positions)


@pytest.mark.parametrize("language", ["en", "pt-BR"])
@pytest.mark.parametrize("path", PAGES)
def test_before_anything_ever_ran(clean: House, path: str, language: str) -> None:
    page = read(clean, path, language)
    assert f'lang="{language}"' in page
    assert " style=" not in page


@pytest.mark.parametrize(
    "path", ["/streams/nothing", "/quarantine/99", "/quarantine?status=x", "/incidents/99", "/outbox/99", "/books?stream=x",
             "/outbox?state=x", "/reconciliation/r/sales", "/retraining/x"]
)  # fmt: skip
def test_what_is_not_there(clean: House, path: str) -> None:
    assert clean.get(path).status == 404


@pytest.mark.parametrize(
    "path", ["/quarantine?reason=%00", "/outbox?channel=%00", "/reconciliation?stream=%00", "/products?q=%00&after=1.%00",
             "/quarantine?before=9999999999999999999", "/incidents?before=%C2%B2", "/retraining?before=9999-99-99"]
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


def test_a_hundred_thousand_in_quarantine(clean: House) -> None:
    clean.query(
        "INSERT INTO castro.quarantine (stream, topic, generation, partition, \"offset\", value, reason, detail)"
        " SELECT CASE WHEN n %% 3 = 0 THEN 'sales' ELSE 'inventory' END, 't', 0, 0, n, convert_to('{\"n\": ' || n || '}', 'UTF8'),"
        " CASE WHEN n %% 1000 = 0 THEN 'not_json' ELSE 'bad_number' END, '<b>quantidade</b>' FROM generate_series(1, %s) n",
        (QUARANTINED,),
    )
    page = read(clean, "/quarantine")
    assert "100,000" in page and "All 100,000 records of this choice" in page
    assert "&lt;b&gt;quantidade" in page and "<b>quantidade" not in page
    seen, path = [], "/quarantine?reason=not_json&stream=inventory"
    while path:
        page = read(clean, path)
        seen += map(int, re.findall(r'<a href="/quarantine/(\d+)">', page))
        path = next(iter(re.findall(r'href="(/quarantine\?[^"]*before=[^"]*)"', page)), "").replace("&amp;", "&")
    assert seen == sorted((n for n in range(1000, QUARANTINED + 1, 1000) if n % 3), reverse=True)
    # However far into the list: the plan reads the rows it shows, and not the table.
    plan = explained(clean, "page/quarantine.sql", {"status": "open", "before": 50_000, "limit": 51, "streams": ["sales"], "reasons": ["bad_number"]})
    assert "Seq Scan" not in plan, plan


def explained(house: House, path: str, parameters: dict[str, Any]) -> str:
    from castro_spark.sinks.postgres.sql_files import statement

    with closing(connect(house.settings.postgres, "test")) as connection, connection.cursor() as cursor:
        cursor.execute("ANALYZE castro.quarantine")
        cursor.execute("EXPLAIN " + statement(path).as_string(cursor), parameters)
        return "\n".join(line for (line,) in cursor.fetchall())


def test_a_records_bytes_are_shown_and_harm_nobody(clean: House) -> None:
    hostile = b'{"a": "<script>alert(1)</script>\xe2\x80\xae", "n": 1.50'
    (number,) = reject(clean, hostile)
    page = read(clean, f"/quarantine/{number}")
    assert "<script>alert" not in page and "&lt;script&gt;alert" in page
    assert "U+202E" in page
    raw = clean.get(f"/quarantine/{number}/value")
    assert raw.text.encode() == hostile
    assert raw.headers["content-type"] == "application/octet-stream"
    assert raw.headers["content-disposition"].startswith("attachment")


def test_a_record_of_a_megabyte_is_a_page_that_a_browser_can_show(clean: House) -> None:
    """Each of these bytes is hidden and gets an element of its own; a form with all of them would hold a browser up."""
    (number,) = reject(clean, bytes(range(1, 32)) * 33_000)
    answer = clean.get(f"/quarantine/{number}", Accept_Language="en")
    assert len(answer.text) < 1_500_000
    assert "Only the beginning is shown." in answer.text
    assert "<textarea" not in answer.text
    assert "--value-file" in answer.text
    assert "Replay as it is" in answer.text


def try_value(house: House, number: int, value: bytes) -> str:
    body = f"value={quote(value)}"
    answer = house.get(
        f"/quarantine/{number}/try", "POST", body, Origin=house.url, Accept_Language="en",
        Content_Type="application/x-www-form-urlencoded",
    )  # fmt: skip
    assert answer.status == 200, answer.text
    return answer.text


def test_a_mended_value_is_tried_and_then_replayed(clean: House) -> None:
    bad, _ = reject(clean, b"{", b"[")
    before = clean.query("SELECT * FROM castro.quarantine ORDER BY id")
    assert "Still unusable" in try_value(clean, bad, native(event(quantidade="NaN")))
    page = try_value(clean, bad, native(event(id_evento="E7", lote="x")))
    assert "Usable: a new event" in page and "<code>value_total</code>" in page and "25.0" in page and "lote" in page
    assert "&#34;E7&#34;" in page  # what was written stays in the form
    assert clean.query("SELECT * FROM castro.quarantine ORDER BY id") == before
    assert clean.query("SELECT count(*) FROM ml_inventory_realtime") == [(0,)]

    answer = send(clean, "replay", f"/quarantine/{bad}", id=bad, value=native(event(id_evento="E7")).decode())
    assert answer.status == 303
    where = answer.headers["location"]
    assert where.startswith(f"/quarantine/{bad}?request=")
    assert "waits for a process to take it" in read(clean, where) and "commands run" in read(clean, where)
    serve(clean)
    page = read(clean, where)
    assert "1 replayed, 0 still unusable and open" in page and "<span>replayed</span>" in page
    assert clean.query("SELECT event_id FROM ml_inventory_realtime") == [("E7",)]
    # Against what is stored now: the same place in the source, so nothing newer.
    assert "Usable: it corrects the stored event" in try_value(clean, bad, native(event(id_evento="E7", quantidade="11")))
    clean.query("UPDATE ml_inventory_realtime SET source_position = '\\xff'")
    assert "a newer event of this id is stored" in try_value(clean, bad, native(event(id_evento="E7")))


def test_a_try_needs_a_value_and_the_page_itself(clean: House) -> None:
    (number,) = reject(clean, b"{")
    path, form = f"/quarantine/{number}/try", {"Content_Type": "application/x-www-form-urlencoded"}
    assert clean.get(path, "POST", "value=x", Origin="https://elsewhere.example", **form).status == 403
    assert clean.get(path, "POST", "x=1", Origin=clean.url, **form).status == 400
    assert clean.get(path, "POST", "value=" + "x" * (7 << 20), Origin=clean.url, **form).status == 413


FORMS: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("replay", {"id": [3, 4]}, {"ids": [3, 4]}),
    ("replay", {"all": 1, "up_to": 9, "of_reason": "not_json", "of_stream": ""}, {"up_to": 9, "reason": "not_json"}),
    ("replay", {"id": 3, "value": "a\r\nção"}, {"ids": [3], "value": base64.b64encode("a\nção".encode()).decode()}),
    ("discard", {"id": 3, "reason": " test\0 data "}, {"ids": [3], "note": "test data"}),
    ("discard", {"all": 1, "up_to": 9, "of_stream": "sales", "reason": "x"}, {"up_to": 9, "streams": ["sales"], "note": "x"}),
    ("close_incident", {"incident": 1, "reason": "x"}, {"incident": 1, "reason": "x"}),
    ("retry_messages", {"all": 1, "channel": "mail"}, {"channel": "mail"}),
    ("retry_messages", {"all": 1}, {}),
    ("retry_messages", {"id": 5}, {"ids": [5]}),
    ("discard_messages", {"id": 5, "reason": "x"}, {"ids": [5], "note": "x"}),
    ("check_quality", {"check": "volume"}, {"checks": ["volume"]}),
    ("check_quality", {}, {}),
    ("rebuild_cache", {"stream": "sales"}, {"streams": ["sales"]}),
]


@pytest.mark.parametrize(("name", "fields", "arguments"), FORMS)
def test_a_form_becomes_a_command(clean: House, name: str, fields: dict[str, Any], arguments: dict[str, Any]) -> None:
    number = str(uuid4())
    for _ in range(2):  # a double click
        assert send(clean, name, "/commands", number, **fields).status == 303
    rows = clean.query("SELECT action, arguments, requested_by, state, expires_at > now() + interval '10 minutes' FROM castro.command")
    assert rows == [(name, arguments, "anyone on this machine, on the page", "waiting", True)]
    action(name, json.loads(json.dumps(arguments)))  # raises if whoever serves it would refuse it


def test_a_command_that_nobody_took_has_expired_also_where_nobody_says_so(clean: House) -> None:
    where = send(clean, "check_quality", "/quality").headers["location"]
    assert "waits for a process to take it" in read(clean, where)
    clean.query("UPDATE castro.command SET requested_at = now() - interval '1 h', expires_at = now() - interval '1 s'")
    for path in (where, "/commands"):
        assert "nobody did it in time" in read(clean, path)
    assert "waits for a process to take it" not in read(clean, where)


def test_a_mute_ends_at_a_moment(clean: House) -> None:
    send(clean, "mute_incident", "/incidents/1", incident=1, hours="1,5", reason="planned work")
    ((minutes,),) = clean.query(
        "SELECT round(extract(epoch FROM (arguments->>'until')::timestamptz - now()) / 60) FROM castro.command"
    )
    assert 88 <= minutes <= 90
    send(clean, "mute_incident", "/incidents/1", incident=1, hours=0, reason="over")
    assert clean.query("SELECT (arguments->>'until')::timestamptz < now() FROM castro.command ORDER BY id DESC LIMIT 1") == [(True,)]


def test_a_stop_names_its_writer(clean: House) -> None:
    send(clean, "stop", "/streams/sales", stream="sales", epoch=7, application="application_1_2")
    assert clean.query("SELECT action, stream, target_epoch, application, arguments, expires_at < now() + interval '2 minutes' FROM castro.command") == [
        ("stop", "sales", 7, "application_1_2", {}, True)
    ]


@pytest.mark.parametrize(
    ("name", "fields", "why"),
    [
        ("replay", {}, "nothing"), ("discard", {"id": 3}, "reason"), ("discard", {"all": 1, "up_to": 3}, "nothing"),
        ("mute_incident", {"incident": 1, "hours": "soon", "reason": "x"}, "hours"), ("close_incident", {"reason": "x"}, "nothing"),
        ("discard_messages", {"reason": "x"}, "nothing"), ("replay", {"id": "1; DROP"}, "nothing"),
        ("replay", {"id": "9" * 19}, "nothing"), ("replay", {"id": "9" * 5000}, "nothing"), ("discard", {"id": 3, "reason": "\0"}, "reason"),
    ],
)  # fmt: skip
def test_an_incomplete_form_asks_for_nothing_and_says_why(clean: House, name: str, fields: dict[str, Any], why: str) -> None:
    answer = send(clean, name, "/quarantine?reason=not_json", **fields)
    assert (answer.status, answer.headers["location"]) == (303, f"/quarantine?reason=not_json&refused={why}")
    assert "Nothing was asked:" in read(clean, answer.headers["location"])
    assert clean.query("SELECT count(*) FROM castro.command") == [(0,)]


def test_what_is_no_form_of_the_page_is_refused(clean: House) -> None:
    form = {"Content_Type": "application/x-www-form-urlencoded"}
    assert clean.get("/act/replay", "POST", "id=1", Origin="https://elsewhere.example", **form).status == 403
    assert clean.get("/act/replay", "POST", "id=1", **form).status == 403
    assert clean.get("/act/replay", "POST", "id=1&back=/", Origin=clean.url, **form).status == 400
    assert send(clean, "drop", "/").status == 404
    refused = clean.get("/act/replay")
    assert (refused.status, refused.headers["allow"]) == (405, "POST")
    assert send(clean, "check_quality", "//[").headers["location"].startswith("/?request=")
    assert send(clean, "check_quality", "https://elsewhere.example/x").headers["location"].startswith("/?request=")
    assert send(clean, "check_quality", "//elsewhere.example/x").headers["location"].startswith("/?request=")


def test_the_role_of_the_actions_can_do_nothing_else(clean: House) -> None:
    send(clean, "check_quality", "/")
    refused = psycopg2.errors.InsufficientPrivilege
    for attempt in (
        "SELECT * FROM castro.command",
        "UPDATE castro.command SET state = 'done'",
        "DELETE FROM castro.command",
        "INSERT INTO castro.command (action, requested_by, expires_at, state) VALUES ('stop', 'x', now(), 'done')",
        "SELECT * FROM castro.quarantine",
        "SELECT * FROM ml_inventory_realtime",
        "CREATE TABLE public.x (y int)",
        "CREATE TABLE castro.x (y int)",
    ):
        with closing(clean.role(COMMANDER)) as session, session.cursor() as cursor, pytest.raises(refused):
            cursor.execute(attempt)


def test_actions_that_are_off(databases: Stack, tmp_path_factory: pytest.TempPathFactory) -> None:
    house = House(databases, tmp_path_factory.mktemp("off"), next(_numbers))
    house.start()
    try:
        (number,) = reject(house, b"{")
        page = read(house, f"/quarantine/{number}")
        assert "/act/" not in page and "Actions are off" in page and "Try this value" in page
        assert send(house, "replay", "/", id=number).status == 403
        assert house.query("SELECT count(*) FROM castro.command") == [(0,)]
    finally:
        assert house.stop() == 0, house.log()


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
