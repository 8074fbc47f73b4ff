"""What runs, how far, and what is asked of it: castro.instance, castro.command and the status, without a JVM."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import closing
from threading import Event
from typing import Any

import pytest

from castro_spark.batch.serve import CommandServer
from castro_spark.errors import SourceError
from castro_spark.local import Stack
from castro_spark.observe.heartbeat import Heartbeat, reported
from castro_spark.observe.instance import StreamState
from castro_spark.observe.status import Status, lines
from castro_spark.process.component import Component, State
from castro_spark.projection.followers import following
from castro_spark.settings import Settings, load_settings
from castro_spark.sinks.postgres.connection import connect
from castro_spark.sinks.postgres.operations import commands
from castro_spark.sinks.postgres.operations.instances import current
from castro_spark.streams import stream
from tests.builders import event, native
from tests.consumer import Consumer
from tests.system import System, migrated_system

INVENTORY = stream("inventory")


@pytest.fixture(scope="module")
def tables(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with migrated_system(stack, tmp_path_factory.mktemp("components")) as system:
        yield system


@pytest.fixture
def system(tables: System) -> System:
    tables.query("TRUNCATE castro.instance, castro.command, castro.stream, castro.quarantine CASCADE")
    return tables


@pytest.fixture
def settings(system: System) -> Settings:
    return load_settings(conf_file=system.conf, environ=system.env)


def rows(system: System) -> dict[str, tuple[str, str | None]]:
    found = system.query("SELECT kind, stream, state, last_error FROM castro.instance")
    return {f"{kind} {of}".strip(): (state, error) for kind, of, state, error in found}


def status(system: System) -> tuple[Status, str]:
    told = Status(load_settings(conf_file=system.conf, environ=system.env), [INVENTORY])
    text = "\n".join(line for block, part in told.stored() for line in lines(block, part))
    json.dumps(told.document, default=str)
    return told, text


def test_a_part_tells_how_far_it_is_and_its_last_error(system: System, settings: Settings) -> None:
    part = Component("archive", "inventory")
    with closing(connect(settings.postgres, "test")) as connection:

        def now() -> dict[str, Any]:
            row = current(connection, "inventory", "archive")
            assert row is not None
            return row

        with Heartbeat(settings.postgres, [part], "local-1"):
            assert (now()["state"], now()["positions"]) == ("starting", None)
            part.failing("retrying", "no broker\0answers")
            part.running()
            part.saw_topic("T", {0: 10, 1: 7})
            part.progressed(positions={0: 4, 1: 7}, stages={"appended": 1.234}, lost={"0": 2})
        row = now()
        assert (row["state"], row["error"], row["last_error"]) == ("running", None, "no brokeranswers")
        assert (row["positions"], row["topic_id"], row["topic_ends"]) == ({"0": 4, "1": 7}, "T", {"0": 10, "1": 7})
        assert (row["stages"], row["progress"]) == ({"appended": 1234}, {"lost": {"0": 2}})
        assert 0 <= (row["heartbeat_at"] - row["topic_seen_at"]).total_seconds() < 30
        first = row["last_error_at"]
        # What is not told again stays; times do not drift with every heartbeat.
        part.enter(State.STOPPED)
        with Heartbeat(settings.postgres, [part], "local-1"):
            pass
        assert (now()["state"], now()["positions"]) == ("stopped", {"0": 4, "1": 7})
        assert now()["last_error_at"] == first
    assert current(connect(settings.postgres, "test"), "inventory") is None  # a stream is another kind


def test_a_job_is_seen_while_it_runs_and_with_how_it_ended(system: System, settings: Settings) -> None:
    with reported(settings.postgres, "extract", application="local-1") as job:
        assert rows(system) == {"extract": ("running", None)}
        job.progressed(tables_done=3)
    assert rows(system) == {"extract": ("done", None)}
    with pytest.raises(SourceError), reported(settings.postgres, "extract"):
        raise SourceError("the warehouse is away", "wait")
    with reported(settings.postgres, "backfill", "inventory") as job:
        job.progressed(records_done=7, month=None)
        job.enter(State.FAILED, "tables_failed", "one of two")
    with Heartbeat(settings.postgres, [part := Component("projector", "sales")], "local-1"):
        part.enter(State.STOPPED)
    told, text = status(system)
    assert "projector" not in text
    assert "extract: failed since" in text
    assert "(SourceError)" in text and "the warehouse is away" in text
    assert "backfill inventory: failed since" in text
    assert [(row["kind"], row["progress"]) for row in told.document["components"]["ended"]] == [
        ("backfill", {"records_done": 7, "month": None}), ("extract", None), ("projector", None),
    ]  # fmt: skip
    assert ", once, records_done 7: one of two" in text
    assert not told.failed  # nothing of that should be running
    # Bounded, however often it runs.
    system.query(
        "INSERT INTO castro.instance (kind, stream, instance, host, pid, application, mode, state, state_since)"
        " SELECT 'extract', '', 'old ' || n, 'h', 1, 'a', 'once', 'done', now() FROM generate_series(1, 500) n"
    )
    with reported(settings.postgres, "extract"):
        pass
    assert system.query("SELECT count(*) FROM castro.instance WHERE kind = 'extract'") == [(51,)]


def test_a_job_that_cannot_reach_postgresql_ends_as_soon_as_without(system: System, settings: Settings) -> None:
    away = settings.postgres.model_copy(update={"dsn": "host=127.0.0.1 port=1 dbname=x user=x"})
    began = time.monotonic()
    with reported(away, "extract"):
        pass
    assert time.monotonic() - began < 10  # not the fifteen seconds that an outage is waited for


def test_the_lag_is_by_the_topics_end_as_seen_last(system: System) -> None:
    consumer = Consumer(system)
    consumer.consume(0, [(0, 0, native(event())), (0, 1, b"{")], by_executors=False, twice=False)
    state = StreamState("inventory", available_now=False)
    told, text = status(system)
    assert told.document["streams"][0]["lag"] is None
    assert "lag         not known" in text
    with Heartbeat(consumer.settings.postgres, [state], "local-1"):
        state.claimed(1)
        state.component.saw_topic("id", {0: 5, 1: 0, 2: 3})
        state.committed(1, {"staged": 0.25, "committed": 0.5}, 7)
    told, text = status(system)
    (inventory,) = told.document["streams"]
    assert (inventory["lag"], inventory["topic_is_the_ledgers"]) == ({0: 3, 1: 0, 2: 3}, True)
    assert 0 <= inventory["lag_age_seconds"] < 60
    assert "lag         6 records {0: 3, 1: 0, 2: 3}, by the topic's end as seen" in text
    assert "last batch  staged 250 ms, committed 500 ms" in text
    assert inventory["instance"]["progress"] == {"batch_id": 7}
    # Long ago, and of a topic that is not the ledger's.
    system.query("UPDATE castro.instance SET topic_seen_at = topic_seen_at - interval '3 hours', topic_id = 'other'")
    told, text = status(system)
    assert "as seen 3 h ago; --live asks Kafka" in text
    assert "TOPIC       WAS CREATED AGAIN" in text
    assert told.document["streams"][0]["topic_is_the_ledgers"] is False
    # What was committed since then is no negative lag.
    consumer.consume(1, [(1, n, native(event(id_evento=f"E{n}"))) for n in range(4)], by_executors=False, twice=False)
    assert status(system)[0].document["streams"][0]["lag"] == {0: 3, 1: 0, 2: 3}
    consumer.close()


def test_an_archive_that_fails_is_an_error_and_one_that_ended_is_not(system: System) -> None:
    consumer = Consumer(system)
    consumer.close()
    system.env["CASTRO_ARCHIVE_DIR"] = "/nowhere"
    try:
        told, text = status(system)
        assert "archive     nothing is known of it" in text
        assert not told.failed
        part = Component("archive", "inventory")
        with Heartbeat(consumer.settings.postgres, [part], "local-1"):
            part.saw_topic("id", {0: 5})
            part.progressed(positions={0: 1}, archived_at="2026-01-01", lost={"0": 3})
            part.failing("retrying", "the disk is full")
        told, text = status(system)
        assert re.search(r"archive     4 records behind, .*  FAILS: the disk is full", text)
        assert told.failed
        assert told.document["streams"][0]["archive"]["behind"] == {0: 4}
        with Heartbeat(consumer.settings.postgres, [part], "local-1"):
            part.enter(State.STOPPED)
        told, text = status(system)
        assert "archive     4 records behind, last append 2026-01-01 (as seen at" in text
        assert "3 RECORDS AGED OUT BEFORE" in text
        assert not told.failed
    finally:
        del system.env["CASTRO_ARCHIVE_DIR"]


def test_a_projector_tells_its_revision_and_why_it_fails(system: System) -> None:
    consumer = Consumer(system)
    consumer.consume(0, [(0, 0, native(event()))], by_executors=False, twice=False)
    with following(consumer.settings, [INVENTORY]) as followers:
        (part,) = followers.components
        deadline = time.monotonic() + 30
        while part.row("")["revision"] != 1:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert part.state is State.RUNNING
    assert part.state is State.STOPPED
    away = consumer.settings.model_copy(
        update={"redis": consumer.settings.redis.model_copy(update={"url": "redis://127.0.0.1:1/1"})}
    )
    with following(away, [INVENTORY]) as followers:
        (part,) = followers.components
    row = part.row("")
    assert (row["state"], row["reason"]) == ("stopped", "behind")
    assert "Redis is behind" in str(row["last_error"])
    consumer.close()


def ask(system: System, action: str, expires: float = 60, **arguments: Any) -> int:
    settings = load_settings(conf_file=system.conf, environ=system.env)
    with closing(connect(settings.postgres, "test")) as connection:
        return commands.request(connection, action, arguments, requested_by="a test", expires=expires)


def serve(settings: Settings) -> None:
    """Serves what waits, as the heartbeat of a process does."""
    server = CommandServer(settings, Event())
    with closing(connect(settings.postgres, "test")) as connection:
        server.poll(connection)
        while not server.is_idle:
            server.wait(60)
            server.poll(connection)


def results(system: System) -> dict[int, tuple[str, str | None]]:
    return {n: (state, result) for n, state, result in system.query("SELECT id, state, result FROM castro.command")}


def test_commands_are_served_and_each_has_a_result(system: System) -> None:
    consumer = Consumer(system)
    consumer.consume(0, [(0, 0, native(event())), (0, 1, b"{"), (0, 2, b"[")], by_executors=False, twice=False)
    consumer.close()
    bad, worse = (n for (n,) in system.query("SELECT id FROM castro.quarantine ORDER BY id"))
    discarded = ask(system, "discard", ids=[bad], note="test data")
    replayed = ask(system, "replay", ids=[worse])
    unknown_record = ask(system, "replay", ids=[99])
    wrong = ask(system, "discard", ids=[], notes="x")
    rebuilt = ask(system, "rebuild_cache", streams=["inventory"])
    late = ask(system, "replay", expires=-1)
    other = ask(system, "stop")  # not for just any process
    system.redis.flushdb()
    serve(consumer.settings)
    found = results(system)
    assert found[discarded] == ("done", "1 of 1 discarded")
    assert found[replayed][0] == "failed" and "1 still unusable and open" in str(found[replayed][1])
    assert found[unknown_record][0] == "failed" and "no open record in quarantine has id 99" in str(found[unknown_record][1])
    assert found[wrong][0] == "failed" and "notes" in str(found[wrong][1]) and "its arguments are ids, reason, streams, up_to, note" in str(found[wrong][1])
    assert found[rebuilt][0] == "done" and "1 hash as of revision" in str(found[rebuilt][1])
    assert found[late] == ("expired", "no process took it before it expired")
    assert found[other] == ("waiting", None)
    assert system.query("SELECT id, status FROM castro.quarantine ORDER BY id") == [(bad, "discarded"), (worse, "open")]
    assert system.redis.hget("inventory:realtime:P1", "event_id") == "E1"
    text = status(system)[1]
    assert f"command {late}: replay: expired, requested by a test" in text
    assert f"command {other}: stop: waiting" in text
    assert f"command {discarded}:" not in text


def test_a_command_of_a_dead_process_is_taken_over_and_its_late_result_does_not_count(system: System, settings: Settings) -> None:
    number = ask(system, "rebuild_cache", streams=["inventory"])
    with closing(connect(settings.postgres, "test")) as connection:
        taken = commands.take(connection, "dead", ["rebuild_cache"])
        assert taken is not None and taken.id == number
        serve(settings)  # the lease runs
        assert results(system)[number] == ("taken", None)
        system.query("UPDATE castro.command SET lease_until = now()")
        serve(settings)
        commands.finish(connection, number, "dead", done=False, result="too late")
    assert results(system)[number] == ("done", "inventory: never started, nothing to cache")


def test_the_command_line_of_commands(system: System) -> None:
    assert "note: Field required" in system.job("commands", "request", "discard", "--id", "1", status=2)
    number = system.job("commands", "request", "rebuild_cache", "--stream", "inventory").split(":")[0]
    assert f"{number}: rebuild_cache streams ['inventory']: waiting" in system.job("status")
    assert "1 command served" in system.job("commands", "run", "--once")
    assert ": done, requested by" in system.job("commands", "list")
    assert rows(system)["commands"] == ("done", None)
