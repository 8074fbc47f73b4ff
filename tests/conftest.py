"""Fixtures: one Spark session for pure functions, one stack of real servers, a clean system a test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from pyspark.sql import SparkSession

from castro_spark.local import Stack
from tests import engine
from tests.skips import pytest_make_collect_report, pytest_runtest_makereport  # noqa: F401 - hooks
from tests.system import System
from tests.today import wait_out_midnight

# A busy machine fails no test: hypothesis would bound the time of an example, and of making them.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

_ROOMS = ("cluster", "kerberos", "secured", "monitoring", "airflow", "oozie", "notebooks", "browser", "recovery", "integration", "docs", "release", "unit")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The longest files first, so that no worker is left alone with one at the end (test.sh keeps this order)."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: (item.path not in slow, _ROOMS.index(_room(item.path))))


def _room(file: Path) -> str:
    """The innermost of its folders that has a place in the order."""
    folders = file.relative_to(Path(__file__).parent).parts[:-1]
    return next(name for name in reversed(folders) if name in _ROOMS)


def pytest_runtest_setup(item: pytest.Item) -> None:
    wait_out_midnight()


@pytest.fixture(scope="session")
def spark() -> SparkSession:
    """A session for pure functions and for the warehouse's tables, on the process's one Spark."""
    session = engine.new_session()
    # Not UTC, so that a function that leans on the session's zone shows.
    session.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
    return session


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("stack"), die_with_parent=True) as stack:
        yield stack


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """PostgreSQL and Redis alone, for what needs no Kafka and so no JVM."""
    external = {"CASTRO_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}
    with Stack(tmp_path_factory.mktemp("databases"), die_with_parent=True, external=external) as stack:
        yield stack


@pytest.fixture
def archived(system: System) -> System:
    """A clean system that archives, to the folder that tests.archive.folder names."""
    system.env["CASTRO_ARCHIVE_DIR"] = str(system.folder / "archive")
    return system


@pytest.fixture
def system(stack: Stack, tmp_path: Path) -> Iterator[System]:
    system = System(stack, tmp_path)
    system.migrate()
    yield system
    system.end()
