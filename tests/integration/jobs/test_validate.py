"""`validate` on real servers: rights that lack are named with what to grant, and nothing is left behind."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg2
import pytest
import redis
from psycopg2 import sql
from pydantic import SecretStr

from castro_spark.settings import Settings, load_settings
from castro_spark.sinks.redis import access as redis_access
from castro_spark.streams import stream
from castro_spark.validation import postgres as postgres_checks
from castro_spark.validation import redis as redis_checks
from castro_spark.validation.check import Result, State, run
from tests.builders import event, native
from tests.consumer import Consumer
from tests.statements import composed
from tests.system import System

INVENTORY = stream("inventory")
ROLE = "validated"


def settings_of(system: System) -> Settings:
    return load_settings(conf_file=system.conf, environ=system.env)


def postgres_results(settings: Settings) -> dict[str, Result]:
    return {r.check: r for r in run(list(postgres_checks.checks(settings, [INVENTORY], "here")))}


def failed(results: dict[str, Result]) -> dict[str, str]:
    return {name: f"{r.note}: {r.remedy}" for name, r in results.items() if r.state is State.FAILED}


@pytest.fixture
def owner(migrated: System) -> Iterator[Any]:
    """The owner's connection to the system's database, with a role that may only log in."""
    connection = migrated.connect()
    connection.autocommit = True
    cursor = connection.cursor()
    cursor.execute(composed("CREATE ROLE {role} LOGIN PASSWORD 'pw'", role=ROLE))
    yield cursor
    cursor.execute(composed("DROP OWNED BY {role}; DROP ROLE {role}", role=ROLE))
    connection.close()


def as_role(settings: Settings) -> Settings:
    parts = psycopg2.extensions.parse_dsn(settings.postgres.dsn) | {"user": ROLE}
    dsn = psycopg2.extensions.make_dsn(**parts)
    return settings.model_copy(update={"postgres": settings.postgres.model_copy(update={"dsn": dsn, "password": SecretStr("pw")})})


def test_the_owner_holds_all_rights_and_nothing_is_left(migrated: System) -> None:
    def contents() -> list[tuple[Any, ...]]:
        names = migrated.query("SELECT schemaname, relname FROM pg_stat_user_tables ORDER BY 1, 2")
        counts = [migrated.query(composed("SELECT count(*) FROM {table}", table=sql.Identifier(*name)))[0][0] for name in names]
        sequences = migrated.query("SELECT schemaname, sequencename, last_value FROM pg_sequences ORDER BY 1, 2")
        return [*zip(names, counts, strict=True), *sequences]

    before = contents()
    results = postgres_results(settings_of(migrated))
    assert failed(results) == {}
    assert "inserted into 3 tables, rolled back" in results["postgres inventory's tables"].note
    assert "inserted into 5 tables" in results["postgres warehouse's tables"].note
    assert "extract --mode full: yes; migrate: yes" in results["postgres other rights"].note
    assert results["time zone in postgres"].note == "America/Sao_Paulo: the same as here from 1990 to 2039"
    assert contents() == before


def test_rights_that_lack_are_granted_as_told(migrated: System, owner: Any) -> None:
    settings = as_role(settings_of(migrated))
    owner.execute(sql.SQL("REVOKE TEMPORARY ON DATABASE {} FROM PUBLIC").format(sql.Identifier(migrated.database)))
    granted = []
    for _ in range(10):  # a right at a time is told where a later one cannot be seen yet
        told = failed(postgres_results(settings))
        grants = {r.partition("GRANT ")[2] for r in told.values() if "GRANT " in r}
        if not grants:
            break
        for grant in sorted(grants):
            owner.execute("GRANT " + grant)  # as it is told
        granted += sorted(grants)
    assert told == {}, told
    assert any("TRUNCATE" in grant and "castro.staged_inventory_events_a" in grant for grant in granted)
    assert any(grant.startswith("TEMPORARY ON DATABASE") for grant in granted)
    results = postgres_results(settings)
    assert "extract --mode full: no (create in schema public: no, owns 0 of 5 warehouse tables); migrate: no" in results["postgres other rights"].note
    commit_as_role(migrated, settings)
    owner.execute(composed("REVOKE INSERT ON castro.quarantine FROM {role}", role=ROLE))
    assert "lacks rights to 1 of" in failed(postgres_results(settings))["postgres castro's tables"]
    owner.execute(sql.SQL("GRANT TEMPORARY ON DATABASE {} TO PUBLIC").format(sql.Identifier(migrated.database)))


def commit_as_role(system: System, settings: Settings) -> None:
    """What was granted is enough for a stream, with batches from the driver and from executors."""
    mine = dict(system.env)
    del system.env["CASTRO_POSTGRES_PASSWORD_FILE"]
    system.env |= {"CASTRO_POSTGRES_DSN": settings.postgres.dsn, "CASTRO_POSTGRES_PASSWORD": "pw"}
    try:
        consumer = Consumer(system)
        records = [[(0, number, native(event(id_evento=f"E{number}"))), (1, number, b"{")] for number in range(3)]
        for number, batch in enumerate(records):
            consumer.consume(number, batch, by_executors=number > 0, twice=False)
        consumer.close()
    finally:
        system.env |= mine
        del system.env["CASTRO_POSTGRES_PASSWORD"]
    assert system.query("SELECT count(*) FROM ml_inventory_realtime") == [(3,)]
    assert system.query("SELECT count(*) FROM castro.quarantine") == [(3,)]


def test_a_trigger_that_refuses_is_told(migrated: System) -> None:
    migrated.query(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not today'; END $$;"
        " CREATE TRIGGER refuse BEFORE INSERT ON ml_inventory_daily FOR EACH ROW EXECUTE FUNCTION refuse()"
    )
    try:
        told = failed(postgres_results(settings_of(migrated)))
    finally:
        migrated.query("DROP FUNCTION refuse CASCADE")
    assert list(told) == ["postgres inventory's tables"]
    assert told["postgres inventory's tables"].startswith("public.ml_inventory_daily: not today")


def test_redis_keys_are_written_and_removed(migrated: System) -> None:
    settings = settings_of(migrated)
    migrated.redis.flushdb()
    migrated.redis.set("inventory:realtime:P1", "kept")
    results = {r.check: r for r in run(list(redis_checks.checks(settings, [INVENTORY], "here")))}
    assert {r.state for r in results.values()} == {State.OK}, results
    assert results["redis keys"].note == "wrote, read, expired and deleted 6 keys by script"
    assert migrated.redis.keys("*") == ["inventory:realtime:P1"]


def test_an_acl_user_without_rights_is_told_what_to_grant(migrated: System) -> None:
    settings = settings_of(migrated)
    administrator: Any = migrated.redis
    administrator.acl_setuser("narrow", enabled=True, passwords=["+pw"], keys=["inventory:realtime:*"], commands=["+ping", "+set", "+get"])
    narrow = settings.redis.model_copy(update={"username": "narrow", "password": SecretStr("pw")})
    try:
        with pytest.raises(Exception, match="what to do: grant the user these keys") as raised:
            redis_access.check_access(narrow, [INVENTORY])
        assert redis_access.server(narrow).version is None
        rules = str(raised.value).partition("ACL SETUSER ... ")[2].split()
        administrator.execute_command("ACL", "SETUSER", "narrow", *rules)
        assert redis_access.check_access(narrow, [INVENTORY]) == 6
        assert redis_access.server(narrow).version >= (6, 0)
        with pytest.raises(redis.exceptions.NoPermissionError):
            redis.Redis.from_url(narrow.url, username="narrow", password="pw").set("another:key", "1")
    finally:
        administrator.acl_deluser("narrow")


def test_all_of_it_by_the_job(system: System, tmp_path: Path) -> None:
    system.produce([b"{}"])
    system.env["CASTRO_ARCHIVE_DIR"] = str(tmp_path / "not" / "yet")
    output = system.job("validate", "--json")
    told = json.loads(output[output.index("{\n") : output.rindex("\n}") + 2])
    assert told["ok"]
    rows = {row["check"]: row for row in told["checks"]}
    assert all(row["state"] == "ok" and row["seconds"] >= 0 for row in told["checks"])
    assert rows["read topic of inventory"]["note"].startswith("3 partitions, 1 of 1 replicas in sync, retention ")
    assert "1 offset, read one of " in rows["read topic of inventory"]["note"]
    assert rows["kafka brokers"]["note"].startswith("login; as advertised: 127.0.0.1 ")
    assert rows["write archive"]["note"].endswith("the folder would be created")
    assert not (tmp_path / "not").exists()
    assert rows["executor reaches"]["note"] == "login to PostgreSQL, connections to Kafka"
    assert "pyarrow" in rows["executor's packages"]["note"]
    assert rows["version of kafka's jars"]["note"].startswith("spark-sql-kafka-0-10_2.13-")
    assert system.redis.keys("*") == []
    missing = {"inventory": "no.such.topic"}
    system.topics = missing
    system.configure({"redis": {"url": "redis://127.0.0.1:1/1"}})
    system.env.pop("CASTRO_REDIS_URL")
    output = system.job("validate", status=1)
    assert "there is no topic no.such.topic at" in output
    assert "what to do: create it: ./spark-submit.sh migrate" in output
    assert "nothing listens on that port: start the server, or correct redis.url" in output
    assert output.splitlines()[-1].endswith("ok, 5 failed") or " failed" in output.splitlines()[-1]
