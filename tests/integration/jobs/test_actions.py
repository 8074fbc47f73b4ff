"""What castro.command may ask of any process: each action, on real tables, with what its result says."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from contextlib import closing
from threading import Event
from typing import Any
from uuid import uuid4

import pytest

from castro_spark.batch.actions import ACTIONS, action
from castro_spark.batch.serve import CommandServer
from castro_spark.errors import UsageError
from castro_spark.incidents.configured import incident_rules
from castro_spark.incidents.note import note_results
from castro_spark.local import Stack
from castro_spark.quality.result import Outcome, Result, Severity
from castro_spark.settings import Settings, load_settings
from castro_spark.sinks.postgres.commit import quarantine
from castro_spark.sinks.postgres.connection import connect
from castro_spark.sinks.postgres.operations import commands
from castro_spark.sinks.postgres.outbox import put
from tests.builders import event, native
from tests.consumer import Consumer
from tests.system import System, migrated_system


@pytest.fixture(scope="module")
def tables(servers: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with migrated_system(servers, tmp_path_factory.mktemp("actions"), ("inventory", "sales")) as system:
        yield system


@pytest.fixture
def system(tables: System) -> System:
    tables.query(
        "TRUNCATE castro.instance, castro.command, castro.stream, castro.quarantine, castro.incident,"
        " castro.incident_event, castro.outbox RESTART IDENTITY CASCADE"
    )
    return tables


@pytest.fixture
def settings(system: System) -> Settings:
    return load_settings(conf_file=system.conf, environ=system.env)


def done(settings: Settings, name: str, **arguments: Any) -> tuple[str, str]:
    """How a command ends, and with which words."""
    with closing(connect(settings.postgres, "test")) as connection:
        number = commands.request(connection, name, arguments, requested_by="ana", expires=60)
        server = CommandServer(settings, Event())
        server.poll(connection)
        while not server.is_idle:
            server.wait(60)
            server.poll(connection)
        outcome = commands.outcome(connection, number)
    return outcome.state, outcome.result or ""


def reject(system: System, *values: bytes) -> list[int]:
    """The ids of these records, which the stream has put into quarantine."""
    consumer = Consumer(system)
    consumer.consume(0, [(0, n, value) for n, value in enumerate(values)], by_executors=False, twice=False)
    consumer.close()
    return [number for (number,) in system.query("SELECT id FROM castro.quarantine ORDER BY id")]


def states(system: System) -> list[tuple[int, str, str | None]]:
    return system.query("SELECT id, status, note FROM castro.quarantine ORDER BY id")


def test_a_record_is_mended_and_replayed(system: System, settings: Settings) -> None:
    bad, other = reject(system, b"{", b"[")
    value = base64.b64encode(native(event(id_evento="E7"))).decode()
    assert done(settings, "replay", ids=[bad], value=value) == ("done", "1 replayed, 0 still unusable and open")
    assert states(system) == [(bad, "replayed", "value was 7b"), (other, "open", None)]
    assert system.query("SELECT event_id FROM ml_inventory_realtime") == [("E7",)]
    assert system.redis.hget("inventory:realtime:P1", "event_id") == "E7"
    # Once it is replayed, the command repeated by another process changes nothing.
    state, words = done(settings, "replay", ids=[bad], value=value)
    assert state == "failed" and "no open record in quarantine has id" in words
    # One that is unusable still stays open, with the new value.
    state, words = done(settings, "replay", ids=[other], value=base64.b64encode(b"{}").decode())
    assert state == "failed" and "1 still unusable and open" in words
    assert system.query("SELECT status, value FROM castro.quarantine WHERE id = %(id)s", {"id": other}) == [
        ("open", b"{}")
    ]


def test_all_of_a_reason_up_to_what_was_seen(
    system: System, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine, "_RECORDS_AT_A_TIME", 2)
    ids = reject(system, b"{", b"[1]", b"{", b"{", b"{", b"{")
    assert [r.id for r in listed(settings, quarantine.Choice(reason="not_json", up_to=ids[4]))] == [ids[0], *ids[2:5]]
    assert done(settings, "discard", reason="not_json", streams=["inventory"], up_to=ids[4], note="a test") == (
        "done",
        "4 discarded",
    )
    assert [(n, s) for n, s, _ in states(system)] == [
        (ids[0], "discarded"), (ids[1], "open"), *((n, "discarded") for n in ids[2:5]), (ids[5], "open")
    ]  # fmt: skip
    assert states(system)[0][2] == "a test (ana)"
    assert done(settings, "discard", ids=[ids[0], ids[1]], note="x") == (
        "done",
        "1 of 2 discarded; the others are not open",
    )
    assert done(settings, "replay", streams=["sales"]) == ("done", "0 replayed, 0 still unusable and open")


def test_what_fits_into_memory_at_a_time(system: System, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quarantine, "_BYTES_AT_A_TIME", 5)
    ids = reject(system, b"{123456789", b"{", b"{", b"{1234")
    with closing(connect(settings.postgres, "test")) as connection:
        assert [[r.id for r in part] for part in quarantine.chosen(connection, quarantine.Choice())] == [
            [ids[0]], ids[1:4]
        ]  # fmt: skip


def listed(settings: Settings, choice: quarantine.Choice) -> list[quarantine.Quarantined]:
    with closing(connect(settings.postgres, "test")) as connection:
        return [record for part in quarantine.chosen(connection, choice) for record in part]


def test_an_incident_is_muted_and_closed(system: System, settings: Settings) -> None:
    with closing(connect(settings.postgres, "test")) as connection, connection:
        found = Result("freshness", "sales", Severity.CRITICAL, Outcome.FAIL, "601 s behind", "601 s", "600 s", {})
        note_results(connection, [found], incident_rules(settings.alerts), ["log"])
    state, words = done(settings, "mute_incident", incident=1, until="2100-01-01T00:00:00Z", reason="planned work")
    assert (state, "muted until 2100-01-01" in words) == ("done", True)
    assert system.query("SELECT muted_by, muted_because FROM castro.incident") == [("ana", "planned work")]
    assert done(settings, "mute_incident", incident=1, until="2020-01-01T00:00:00Z", reason="done")[0] == "done"
    assert system.query("SELECT muted_until < now() FROM castro.incident") == [(True,)]
    state, words = done(settings, "close_incident", incident=1, reason="a test")
    assert (state, ", closed " in words) == ("done", True)
    assert system.query("SELECT ended_by, ended_because FROM castro.incident") == [("ana", "a test")]
    state, words = done(settings, "close_incident", incident=1, reason="again")
    assert state == "failed" and "incident 1 ended at" in words
    state, words = done(settings, "mute_incident", incident=1, until="tomorrow", reason="x")
    assert state == "failed" and "until" in words


def test_messages_are_sent_again_or_given_up(system: System, settings: Settings) -> None:
    with closing(connect(settings.postgres, "test")) as connection, connection:
        for number in range(3):
            put(connection, "incident", f"cause {number}", {}, ["log", "hook"])
    system.query("UPDATE castro.outbox SET state = 'dead', settled_at = now(), attempts = 30, error = 'refused'")
    assert done(settings, "retry_messages", ids=[1]) == ("done", "1 message is due now")
    ((hooks,),) = system.query("SELECT count(*) FROM castro.outbox WHERE channel = 'hook' AND state = 'dead'")
    assert done(settings, "retry_messages", channel="hook") == ("done", f"{hooks} messages are due now")
    assert done(settings, "retry_messages")[0] == "done"
    assert system.query("SELECT DISTINCT state, attempts FROM castro.outbox") == [("pending", 0)]
    assert done(settings, "discard_messages", ids=[2, 3], note="a test") == ("done", "2 messages discarded")
    assert system.query("SELECT id, settled_note FROM castro.outbox WHERE state = 'discarded' ORDER BY id") == [
        (2, "a test (ana)"), (3, "a test (ana)")
    ]  # fmt: skip
    state, words = done(settings, "discard_messages", ids=[2], note="again")
    assert state == "failed" and "neither dead nor pending" in words


def test_quality_is_checked_on_request(system: System, settings: Settings) -> None:
    state, words = done(settings, "check_quality", checks=["references", "product_360_lag"])
    assert state == "done", words
    assert re.match(r"\d+ results, \d+ failed", words)
    assert {name for (name,) in system.query("SELECT DISTINCT check_name FROM castro.quality_result")} == {
        "references", "product_360_lag"
    }  # fmt: skip
    state, words = done(settings, "check_quality", checks=["nonsense"])
    assert state == "failed" and "there is no check nonsense" in words


@pytest.mark.parametrize(
    ("name", "arguments", "words"),
    [
        ("replay", {"ids": [1, 2], "value": ""}, "value mends one record"),
        ("replay", {"ids": [1], "value": "%"}, "must be base64"),
        ("discard", {"note": "x"}, "name the records by ids, reason or streams"),
        ("discard", {"ids": [1], "note": ""}, "note"),
        ("close_incident", {"incident": 1}, "reason: Field required"),
        ("mute_incident", {"incident": 1, "until": "2026-01-01T00:00:00", "reason": "x"}, "until"),
        ("discard_messages", {"ids": [], "note": "x"}, "ids"),
        ("drop", {}, "there is no action 'drop'"),
    ],
)
def test_arguments_are_checked(name: str, arguments: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        action(name, json.loads(json.dumps(arguments)))


def test_every_action_says_what_it_does() -> None:
    assert all(kind.__doc__ for kind in ACTIONS.values())


def test_a_command_sent_twice_is_requested_once(system: System, settings: Settings) -> None:
    number = uuid4()
    with closing(connect(settings.postgres, "test")) as connection:
        for _ in range(2):
            commands.send(connection, number, "rebuild_cache", {"streams": ["sales"]}, requested_by="ana", expires=60)
    assert system.query("SELECT action, arguments, state FROM castro.command") == [
        ("rebuild_cache", {"streams": ["sales"]}, "waiting")
    ]
