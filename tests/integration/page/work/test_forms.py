"""The forms of the page: which commands they ask for, what they refuse, and what their role may not do."""

from __future__ import annotations

import base64
import json
from contextlib import closing
from typing import Any
from uuid import uuid4

import psycopg2
import pytest

from castro_spark.batch.actions import action
from castro_spark.local import Stack
from tests.integration.page.work.operator import numbers, read, reject, send
from tests.servers.page import COMMANDER, House

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
    house = House(databases, tmp_path_factory.mktemp("off"), next(numbers))
    house.start()
    try:
        (number,) = reject(house, b"{")
        page = read(house, f"/quarantine/{number}")
        assert "/act/" not in page and "Actions are off" in page and "Try this value" in page
        assert send(house, "replay", "/", id=number).status == 403
        assert house.query("SELECT count(*) FROM castro.command") == [(0,)]
    finally:
        assert house.stop() == 0, house.log()
