"""Whatever a database, a role or the environment sets for a session, a batch gives the oracle's numbers."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg2
import pytest
from psycopg2 import sql

from castro_spark.errors import SessionRefused
from castro_spark.sinks.postgres.commit.transaction import StreamCommits
from castro_spark.sinks.postgres.connection import connect
from tests import oracle
from tests.builders import native, random_events
from tests.consumer import INVENTORY, Consumer
from tests.system import System

HOSTILE = {
    "client_encoding": "LATIN1", "DateStyle": "German, DMY", "IntervalStyle": "sql_standard", "TimeZone": "Asia/Tokyo",
    "bytea_output": "escape", "extra_float_digits": "-15", "standard_conforming_strings": "off",
    "quote_all_identifiers": "on", "transform_null_equals": "on", "search_path": "pg_catalog",
    "default_transaction_isolation": "serializable", "synchronous_commit": "off", "row_security": "on",
    "statement_timeout": "50", "lock_timeout": "1", "idle_in_transaction_session_timeout": "500",
    "idle_session_timeout": "500", "transaction_timeout": "500", "work_mem": "64", "enable_indexscan": "off",
}  # fmt: skip


@pytest.fixture
def owner(migrated: System) -> Iterator[Any]:
    """A connection that changes what others get; at the end nothing of it is left."""
    migrated.configure({})
    with closing(migrated.connect("inventory_ml")) as connection:
        connection.autocommit = True
        cursor = connection.cursor()
        cursor.execute("SET default_transaction_read_only = off")
        try:
            yield cursor
        finally:
            cursor.execute("ALTER SYSTEM RESET ALL")
            cursor.execute("SELECT pg_reload_conf()")
            cursor.execute(of(migrated, "ALTER DATABASE {database} RESET ALL"))
            cursor.execute(of(migrated, "ALTER ROLE castro IN DATABASE {database} RESET ALL"))


def of(system: System, statement: str, **parts: str) -> sql.Composed:
    names = {name: sql.Identifier(text) for name, text in {"database": system.database, **parts}.items()}
    return sql.SQL(statement).format(**names)


def deliver(consumer: Consumer, seed: int) -> list[Any]:
    """Commits two batches, one of them copied by executors; some products have letters that LATIN1 mistakes."""
    events = random_events(random.Random(seed), 40)
    for data in events:
        data["codigo_produto"] = f"AÇÚCAR {data['codigo_produto']}"
        data["cliente"] = "João & Cia – €"
    sent = []
    for number, part in enumerate((events[:20], events[20:])):
        batch = [(0, number * 20 + n, native(data)) for n, data in enumerate(part)]
        consumer.consume(number, batch, by_executors=number == 1, twice=True)
        sent += [((p, o), data) for (p, o, _), data in zip(batch, part, strict=True)]
    return sent


@pytest.mark.parametrize("way", ["database", "role", "environment"])
def test_hostile_settings(migrated: System, owner: Any, way: str, monkeypatch: pytest.MonkeyPatch) -> None:
    consumer = Consumer(migrated)
    consumer.connection.close()
    target = {"database": "ALTER DATABASE {database}", "role": "ALTER ROLE castro IN DATABASE {database}"}
    if way == "environment":
        for name, variable in (("client_encoding", "PGCLIENTENCODING"), ("DateStyle", "PGDATESTYLE"), ("TimeZone", "PGTZ")):
            monkeypatch.setenv(variable, HOSTILE[name])
        options = (f"-c {name}={value.replace(' ', chr(92) + ' ')}" for name, value in HOSTILE.items())
        monkeypatch.setenv("PGOPTIONS", " ".join(options))
    else:
        for name, value in HOSTILE.items():
            owner.execute(of(migrated, target[way] + " SET {name} = %s", name=name), (value,))
    consumer.connection = connect(consumer.settings.postgres, "test")
    sent = deliver(consumer, 1)
    consumer.close()
    if way == "environment":
        monkeypatch.undo()
    else:
        owner.execute(of(migrated, target[way] + " RESET ALL"))
    oracle.assert_agrees(migrated, sent)


@pytest.mark.parametrize("way", ["database", "server"])
def test_a_read_only_server_is_waited_for(migrated: System, owner: Any, way: str) -> None:
    consumer = Consumer(migrated)
    consumer.commits.close()
    consumer.commits = StreamCommits(consumer.settings.postgres, INVENTORY, epoch=consumer.ledger.epoch, patience=120)
    consumer.commits.begin()  # has its session
    if way == "database":  # those who come are read-only, and those who are there have to come again
        owner.execute(of(migrated, "ALTER DATABASE {database} SET default_transaction_read_only = on"))
        owner.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'castro_spark inventory'")
    else:
        owner.execute("ALTER SYSTEM SET default_transaction_read_only = on")
        owner.execute("SELECT pg_reload_conf()")
        time.sleep(0.5)
    sent: list[Any] = []
    writing = threading.Thread(target=lambda: sent.extend(commit_one(consumer)))
    writing.start()
    time.sleep(2)
    assert writing.is_alive()
    owner.execute("ALTER SYSTEM RESET default_transaction_read_only")
    owner.execute("SELECT pg_reload_conf()")
    owner.execute(of(migrated, "ALTER DATABASE {database} RESET default_transaction_read_only"))
    writing.join(60)
    consumer.close()
    assert sent
    oracle.assert_agrees(migrated, sent)


def commit_one(consumer: Consumer) -> list[Any]:
    events = random_events(random.Random(2), 10)
    consumer.consume(0, [(0, n, native(data)) for n, data in enumerate(events)], by_executors=False, twice=False)
    return [((0, n), data) for n, data in enumerate(events)]


def test_what_somebody_must_mend_is_refused(migrated: System, owner: Any) -> None:
    role = of(migrated, "ALTER ROLE castro IN DATABASE {database} SET default_transaction_read_only = on")
    owner.execute(role)
    assert "read-only: default_transaction_read_only is on for this role in this database" in migrated.job("validate", status=1)
    owner.execute(of(migrated, "ALTER ROLE castro IN DATABASE {database} RESET ALL"))
    migrated.configure({"postgres": {"schema": "elsewhere"}})
    assert "there is no schema elsewhere" in migrated.job("validate", status=1)


def test_tables_of_a_schema_of_ones_own(migrated: System, owner: Any) -> None:
    settings = Consumer(migrated).settings.postgres.model_copy(update={"schema_name": 'a "b'})
    with pytest.raises(SessionRefused, match='no schema a "b'):
        connect(settings, "test")
    migrated.query('CREATE SCHEMA "a ""b"')
    with closing(connect(settings, "test")) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE ml_here (i int)")
        cursor.execute("SELECT schemaname FROM pg_tables WHERE tablename = 'ml_here'")
        assert cursor.fetchall() == [('a "b',)]


class Freezing:
    """Rows without end; after the first of them the server's process stands still."""

    def __init__(self, backend: int) -> None:
        self.backend = backend
        self.parts = 0

    def read(self, size: int) -> str:
        self.parts += 1
        if self.parts == 3:
            os.kill(self.backend, signal.SIGSTOP)
        return "1\n" * (size // 2)


def test_a_server_that_freezes_in_mid_copy_is_given_up(migrated: System) -> None:
    consumer = Consumer(migrated)
    settings = consumer.settings.postgres.model_copy(update={"answer_timeout_seconds": 1})
    connection = connect(settings, "test")
    backend = connection.info.backend_pid
    try:
        with connection.cursor() as cursor:
            cursor.execute("CREATE TEMP TABLE t (i int)")
            with pytest.raises(psycopg2.OperationalError, match="no answer for 1 s"):
                cursor.copy_expert("COPY t FROM STDIN", Freezing(backend))
    finally:
        os.kill(backend, signal.SIGCONT)
        connection.close()
    with closing(connect(settings, "test")) as again, again.cursor() as cursor:
        cursor.execute("SELECT 1")
    consumer.close()
