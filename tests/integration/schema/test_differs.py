"""Where code and schema are of different versions, every job refuses before it works, with words; nothing is changed."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from castro_spark import cli
from castro_spark.errors import NotMigrated
from castro_spark.local import Stack
from castro_spark.settings import load_settings
from castro_spark.sinks.postgres.connection import connect
from castro_spark.sinks.postgres.schema.migrate import check_migrated, check_schema, migrate
from castro_spark.streams import stream
from tests.system import System

FIRST_SCHEMA = Path(__file__).parents[2] / "data" / "first-schema.sql"
# Those that work on the database.
JOBS = (
    "quarantine list", "quarantine replay --id 1", "quarantine discard --id 1 --note no", "incidents list", "incidents show 1",
    "incidents close 1 --reason no", "outbox list", "outbox run --once", "outbox retry --all", "cache rebuild", "commands list",
    "commands run --once", "commands request rebuild_cache", "quality", "retraining decide", "retraining status",
    "retraining record --trained-at 2026-11-01 --data-until 2026-10-31", "stop --stream all", "extract --mode incremental", "stream",
    "backfill --stream sales --from 2026-01-01 --to 2026-01-31", "reconcile --date 2026-01-31",
)  # fmt: skip
KEPT = "SELECT (SELECT count(*) FROM castro.quarantine WHERE status = 'open'), (SELECT count(*) FROM castro.command)"


@pytest.fixture
def differing(databases: Stack, tmp_path: Path) -> Iterator[System]:
    """Without a schema."""
    system = System(databases, tmp_path)
    yield system
    system.end()


def become_the_first(system: System) -> None:
    with closing(system.connect()) as connection, connection, connection.cursor() as cursor:
        cursor.execute(FIRST_SCHEMA.read_text(encoding="utf-8"))


def become_a_newer(system: System) -> None:
    system.migrate(topics=False)
    system.query("INSERT INTO castro_migrations.applied VALUES ('999_later', '')")


def refused(system: System, arguments: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """The words with which a job ends at once."""
    for name, value in system.env.items():
        monkeypatch.setenv(name, value)
    job, *rest = arguments.split()
    command = importlib.import_module(f"jobs.{job}").main
    assert cli.exit_status(command, [*rest, "--conf-file", str(system.conf)]) == 1
    return capsys.readouterr().err


def test_on_an_older_schema_the_words_are_migrate(
    differing: System, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    become_the_first(differing)
    before = differing.query(KEPT)
    for job in JOBS:
        told = refused(differing, job, monkeypatch, capsys)
        assert "the database lacks 013_components, 014_tracking_url, " in told, job
        assert "what to do: run ./spark-submit.sh migrate with the same settings" in told, job
    assert differing.query(KEPT) == before
    assert "run ./spark-submit.sh migrate" in refused_status(differing, monkeypatch, capsys)


def test_on_a_newer_schema_the_words_are_the_newer_version(
    differing: System, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    become_a_newer(differing)
    for job in JOBS:
        told = refused(differing, job, monkeypatch, capsys)
        assert "the database has migrations that this version does not know: 999_later" in told, job
        assert "use the newer version that migrated it; to go back, restore the backup from before that" in told, job
    settings = load_settings(conf_file=differing.conf, environ=differing.env)
    with closing(connect(settings.postgres, "test")) as connection:
        for refuses in (check_schema, lambda c: check_migrated(c, stream("inventory")), lambda c: migrate(c, [stream("inventory")])):
            with pytest.raises(NotMigrated, match="999_later"):
                refuses(connection)


def test_without_a_schema_the_words_are_migrate(
    differing: System, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for job in ("quarantine list", "outbox run --once", "quality"):
        assert "what to do: run ./spark-submit.sh migrate" in refused(differing, job, monkeypatch, capsys), job


def test_a_schema_of_this_version_refuses_nothing(
    differing: System, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    differing.migrate(topics=False)
    for name, value in differing.env.items():
        monkeypatch.setenv(name, value)
    command = importlib.import_module("jobs.outbox").main
    assert cli.exit_status(command, ["run", "--once", "--conf-file", str(differing.conf)]) == 0


def refused_status(system: System, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """`status` shows what it can read, and what to do about the rest."""
    for name, value in system.env.items():
        monkeypatch.setenv(name, value)
    command = importlib.import_module("jobs.status").main
    assert cli.exit_status(command, ["--conf-file", str(system.conf)]) == 1
    return capsys.readouterr().out
