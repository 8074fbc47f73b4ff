"""Fixtures of several integration tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from castro_spark.local import Stack
from tests.consumer import Consumer
from tests.databases import warehouse as w
from tests.databases.alerting import NO_KAFKA, Alerting
from tests.databases.retraining import AGED, BROKER_DB, Retraining
from tests.servers.receivers import Hook
from tests.statements import composed
from tests.system import System, migrated_system


@pytest.fixture(scope="module")
def migrated(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A system for many extracts: tables, but no topics."""
    with migrated_system(stack, tmp_path_factory.mktemp("extract")) as system:
        yield system


@pytest.fixture
def lake(migrated: System, spark: SparkSession) -> System:
    """Empty tables on both sides, and no session that a failed test left open."""
    w.fresh(spark)
    migrated.query(
        "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
        " WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
    )
    migrated.query(composed("TRUNCATE castro.extract_watermark, {target}, ml_stock_levels", target=w.TARGET))
    migrated.redis.flushdb()
    return migrated


@pytest.fixture
def consumer(lake: System) -> Iterator[Consumer]:
    """The stream of an empty system, and empty tables of the warehouse beside it."""
    lake.configure({})
    lake.query("TRUNCATE castro.repair")
    consumer = Consumer(lake)
    yield consumer
    consumer.close()


@pytest.fixture(scope="session")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """PostgreSQL and Redis alone."""
    with Stack(tmp_path_factory.mktemp("servers"), die_with_parent=True, external=NO_KAFKA) as stack:
        yield stack


@pytest.fixture
def alerting(servers: Stack, tmp_path: Path) -> Alerting:
    return Alerting(servers, tmp_path)


@pytest.fixture(scope="session")
def retraining_tables(servers: Stack, tmp_path_factory: pytest.TempPathFactory) -> Retraining:
    """Tables of all streams, for many tests of the retraining policy."""
    alerting = Alerting(servers, tmp_path_factory.mktemp("retraining"))
    alerting.env["CASTRO_ALERTS_CELERY_PASSWORD"] = Path(alerting.env["CASTRO_REDIS_PASSWORD_FILE"]).read_text().strip()
    return Retraining(alerting)


@pytest.fixture
def model(retraining_tables: Retraining) -> Retraining:
    """Empty tables, and a channel to an empty broker."""
    broker = f"{retraining_tables.alerting.redis_url.rpartition('/')[0]}/{BROKER_DB}"
    retraining_tables.alerting.configure({"celery": {"type": "celery", "broker": broker, "timeout_seconds": 5}})
    retraining_tables.alerting.redis.select(BROKER_DB)
    retraining_tables.alerting.redis.flushdb()
    retraining_tables.clean()
    return retraining_tables


@pytest.fixture
def aged(model: Retraining) -> Retraining:
    """The age rule holds, and nothing else is judged."""
    model.configure(**AGED)
    model.trained(date(2025, 1, 2))
    return model


@pytest.fixture
def hook() -> Iterator[Hook]:
    with closing(Hook()) as hook:
        yield hook
