"""Fixtures: one Spark session for pure functions, one stack of real servers, a clean system a test."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from castro_spark.local import Stack
from castro_spark.session import embedded_hive
from tests.system import System


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    folder = tmp_path_factory.mktemp("warehouse")  # Hive's, for those who ask for a table
    builder = SparkSession.builder.master("local[2,3]")
    for key, value in embedded_hive(folder).items():
        builder = builder.config(key, value)
    session = (
        builder
        .config("spark.ui.enabled", "false")
        .config("spark.ui.showConsoleProgress", "false")
        .config("spark.sql.shuffle.partitions", "2")
        # Not UTC, so that a function that leans on the session's zone shows.
        .config("spark.sql.session.timeZone", "Asia/Tokyo")
        .getOrCreate()
    )
    session.sparkContext.setLogLevel("ERROR")
    session._jvm.java.lang.System.setProperty("derby.stream.error.file", str(folder / "derby.log"))
    yield session
    session.stop()


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with Stack(tmp_path_factory.mktemp("stack"), die_with_parent=True) as stack:
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
