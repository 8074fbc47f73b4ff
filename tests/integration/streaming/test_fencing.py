"""Claims at one moment, and what a writer that was fenced may still do: nothing that the rightful one notices."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import psycopg2
import pytest
from psycopg2.errors import LockNotAvailable

from castro_spark.errors import Fenced
from castro_spark.local import Stack
from castro_spark.observe.heartbeat import Heartbeat
from castro_spark.observe.instance import StreamState, trouble
from castro_spark.observe.status.blocks.streams import STREAMS
from castro_spark.observe.status.collect import Status, lines
from castro_spark.parse import parse_batch
from castro_spark.process.component import State
from castro_spark.rules import parse_rules
from castro_spark.settings import Settings, load_settings
from castro_spark.sinks.postgres.commit.ledger import Ledger, claim, lock_as_writer, resume
from castro_spark.sinks.postgres.commit.staging import StagedBatch, copy_parsed, count, new_attempt
from castro_spark.sinks.postgres.commit.staging_tasks import stage_parsed
from castro_spark.sinks.postgres.commit.transaction import StreamCommits
from castro_spark.sinks.postgres.connection import connect
from castro_spark.sinks.postgres.operations.instances import current, prune
from castro_spark.streams import stream
from tests.builders import event, native
from tests.consumer import with_positions
from tests.system import System, migrated_system

INVENTORY = stream("inventory")
SLOT = "a"


@pytest.fixture(scope="module")
def system(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with migrated_system(stack, tmp_path_factory.mktemp("fencing")) as system:
        yield system


@pytest.fixture
def settings(system: System) -> Settings:
    system.query("TRUNCATE castro.stream, castro.offset_ledger, castro.batch_books, castro.instance, ml_inventory_realtime")
    return load_settings(conf_file=system.conf, environ=system.env)


def claimed(connection: Any, writer: str) -> Ledger:
    return claim(connection, "inventory", topic="t", topic_id="id", beginnings={0: 0}, writer=writer)


def test_claims_at_one_moment_never_share_an_epoch(system: System, settings: Settings) -> None:
    writers, rounds = 4, 40
    together = Barrier(writers)

    def claims(writer: int) -> list[int]:
        with closing(connect(settings.postgres, "test")) as connection:
            epochs = []
            for _ in range(rounds):
                together.wait(60)
                epochs.append(claimed(connection, f"w{writer}").epoch)
            return epochs

    with ThreadPoolExecutor(writers) as threads:
        epochs = [epoch for found in threads.map(claims, range(writers)) for epoch in found]
    assert len(set(epochs)) == writers * rounds
    assert system.query("SELECT epoch FROM castro.stream") == [(max(epochs),)]
    with closing(connect(settings.postgres, "test")) as connection:
        assert resume(connection, "inventory", max(epochs)).epoch == max(epochs)
        with pytest.raises(Fenced, match="was taken over by w"):
            resume(connection, "inventory", sorted(epochs)[-2])  # which claims nothing
    assert system.query("SELECT epoch FROM castro.stream") == [(max(epochs),)]


@pytest.mark.parametrize("application", ["castro_spark inventory", "castro_spark inventory out-of-band"])
def test_a_writer_frozen_in_its_transaction_holds_up_no_other_for_long(
    system: System, settings: Settings, application: str
) -> None:
    postgres = settings.postgres.model_copy(update={"lock_timeout_seconds": 1})
    with closing(connect(postgres, application)) as frozen, closing(connect(postgres, "test")) as connection:
        first = claimed(frozen, "first")
        lock_as_writer(frozen, "inventory", first.epoch)
        with pytest.raises(LockNotAvailable):
            claimed(connection, "second")
        second = claimed(connection, "second")
        with pytest.raises(psycopg2.OperationalError):  # it wakes
            frozen.commit()
        assert system.query("SELECT epoch, writer FROM castro.stream") == [(second.epoch, "second")]


def test_an_out_of_band_commit_that_is_at_work_is_waited_for(system: System, settings: Settings) -> None:
    postgres = settings.postgres.model_copy(update={"lock_timeout_seconds": 1})
    with (
        closing(connect(settings.postgres, "castro_spark inventory out-of-band")) as working,
        closing(connect(postgres, "test")) as connection,
    ):
        first = claimed(working, "first")
        lock_as_writer(working, "inventory", first.epoch)
        at_work = Thread(target=lambda: working.cursor().execute("SELECT pg_sleep(4)"))
        at_work.start()
        for _ in range(2):
            with pytest.raises(LockNotAvailable):
                claimed(connection, "second")
        at_work.join()
        working.commit()  # nobody ended it
        assert claimed(connection, "second").epoch > first.epoch


def test_a_late_copy_of_a_fenced_writer_changes_nothing(system: System, settings: Settings) -> None:
    parsed = parse_batch(with_positions([(0, 0, native(event()))]), parse_rules(INVENTORY, settings, 0))
    staged = "SELECT count(*) FROM castro.staged_inventory_events_a"
    with closing(connect(settings.postgres, "test")) as connection, closing(system.connect()) as frozen:
        first = claimed(connection, "first")

        def late_task() -> None:
            list(stage_parsed([parsed], INVENTORY, settings=settings.postgres, slot=SLOT, patience=0, epoch=first.epoch))

        late_task()
        copy_parsed(frozen, INVENTORY, parsed, new_attempt(), SLOT)  # a task that is frozen in mid-COPY
        second = claimed(connection, "second")
        commits = StreamCommits(settings.postgres, INVENTORY, epoch=second.epoch, patience=0)
        commits.begin()  # waits for nobody: with no patience a time-out would be an error
        assert system.query(staged) == [(0,)]
        with pytest.raises(Fenced, match="was taken over by second"):
            late_task()
        assert system.query(staged) == [(0,)]
        attempt = new_attempt()
        copy_parsed(connection, INVENTORY, parsed, attempt, SLOT)
        connection.commit()
        frozen.commit()  # the frozen one wakes; had it asked first, it would not
        batch = StagedBatch(counts=count([parsed]), attempts=[attempt], slot=SLOT)
        committed = commits.commit(batch, batch_id=0, starts={0: 0}, ends={0: 1})
        assert (committed.total("inserted"), committed.positions) == (1, {0: 1})
        assert system.query(staged) == [(0,)]
        old = StreamCommits(settings.postgres, INVENTORY, epoch=first.epoch, patience=0)
        for disturb in (old.begin, lambda: old.commit(batch, batch_id=1, starts={0: 1}, ends={0: 2})):
            with pytest.raises(Fenced):
                disturb()
        commits.close()
        old.close()


def test_who_runs_is_told_until_it_is_silent(system: System, settings: Settings) -> None:
    state = StreamState("inventory", available_now=False)
    with closing(connect(settings.postgres, "test")) as connection:

        def now() -> dict[str, Any]:
            row = current(connection, "inventory")
            assert row is not None
            return row

        assert trouble(current(connection, "inventory")) is None  # nobody ever began
        with Heartbeat(settings.postgres, [state], "local-1"):
            assert (now()["state"], trouble(now())) == ("starting", None)
            state.going()
            state.restarting("kafka_unavailable", "no broker\0answers")
            state.restarting("kafka_unavailable", "no broker answers")
        row = now()
        assert (row["restarts"], row["restarts_since_commit"], row["error"]) == (2, 2, "no broker answers")
        assert "(kafka_unavailable): no broker answers" in str(trouble(row))
        system.query("UPDATE castro.instance SET heartbeat_at = heartbeat_at - interval '1 minute'")
        assert "no heartbeat from" in str(trouble(now()))
        # A process that could not even begin does not stand for one that runs; one that runs does.
        for number in range(60):
            with Heartbeat(settings.postgres, [other := StreamState("inventory", available_now=False)], "local-2"):
                other.ended(State.FAILED, "topic_recreated", f"failure {number}")
        assert "failure 59" in str(trouble(now()))
        system.query("UPDATE castro.instance SET heartbeat_at = clock_timestamp() WHERE application = 'local-1'")
        assert now()["application"] == "local-1"
        prune(connection, "stream", "inventory")
    assert system.query("SELECT count(*), count(*) FILTER (WHERE application = 'local-1') FROM castro.instance") == [(51, 1)]


def test_a_stop_holds_for_one_yarn_application(system: System, settings: Settings, tmp_path: Path) -> None:
    from threading import Event

    from castro_spark.streaming.stop import StopCommands, stop_streams

    def begin(application: str) -> tuple[StreamState, Event, Heartbeat]:
        state, asked = StreamState("inventory", available_now=False), Event()
        state.claimed(7)
        return state, asked, Heartbeat(settings.postgres, [state], application, [StopCommands({"inventory": asked}, [state], application).poll])

    with closing(connect(settings.postgres, "test")) as connection:
        assert list(stop_streams(connection, ["inventory"], 10)) == [("inventory", True, "not running")]
        state, asked, heart = begin("application_1_0001")
        with heart, ThreadPoolExecutor(1) as threads:
            stopping = threads.submit(lambda: list(stop_streams(connection, ["inventory"], 30)))
            assert asked.wait(30)
            state.committed(5)
            state.ended(State.STOPPED)
            assert stopping.result(30) == [("inventory", True, "stopped at revision 5")]
        for application, held in (("application_1_0001", True), ("application_1_0002", False)):
            _, asked, heart = begin(application)
            with heart:
                assert asked.is_set() == held


def test_status_shows_the_yarn_application_and_its_link(system: System, settings: Settings) -> None:
    def shown() -> tuple[Any, list[str]]:
        parts = [(block, part) for block, part in Status(settings, [INVENTORY]).stored() if block is STREAMS]
        [(block, part)] = parts
        return part["instance"]["tracking_url"], [line for line in lines(block, part) if "application_" in line]

    link = "http://manager:8088/proxy/application_1_0001/"
    with Heartbeat(settings.postgres, [StreamState("inventory", available_now=False)], "application_1_0001", tracking_url=link):
        assert shown() == (link, [f"  yarn        application_1_0001 {link}"])
    with Heartbeat(settings.postgres, [StreamState("inventory", available_now=False)], "local-1"):
        assert shown() == (None, [])
