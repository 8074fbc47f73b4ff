"""A stream's month in tables, filled once for the checks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from psycopg2 import sql

from castro_spark.local import Stack
from tests.databases.checked import Checked
from tests.integration.quality.faults.finding import NO_HOLIDAYS
from tests.statements import composed
from tests.system import System


@pytest.fixture(scope="package")
def filled(servers: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checked]:
    """Thirty days; each test adds a fault, and mends it or leaves what others do not look at."""
    system = System(servers, tmp_path_factory.mktemp("quality"))
    system.migrate(topics=False)
    checked = Checked(system)
    checked.fill()
    yield checked
    checked.close()
    system.end()


@pytest.fixture
def data(filled: Checked) -> Iterator[Checked]:
    """As filled. Whatever a test changes in the database is undone."""
    system = filled.system
    system.configure({"quality": {"volume": NO_HOLIDAYS}})
    copies = [f"ml_inventory_{of}" for of in ("realtime", "daily", "monthly")]
    copies += [f"castro.{of}" for of in ("offset_ledger", "batch_books", "quarantine", "unknown_field", "touched", "stream")]
    for n, name in enumerate(copies):
        system.query(composed("CREATE TABLE {kept} AS TABLE {name}", kept=f"kept_{n}", name=name))
    positions, times = dict(filled.consumer.positions), {p: list(t) for p, t in filled.topic.times.items()}
    yield filled
    system.query("UPDATE castro.product_360 SET revision = 0, seen = '{}', refreshed_at = NULL")
    system.query("TRUNCATE castro.quality_result, castro.instance, ml_product_master, ml_product_360")
    system.query(composed("TRUNCATE {copies} CASCADE", copies=copies))
    order = [copies.index("castro.stream"), *(n for n, name in enumerate(copies) if name != "castro.stream")]
    for n in order:
        overriding = sql.SQL("OVERRIDING SYSTEM VALUE" if copies[n] == "castro.quarantine" else "")
        back = "INSERT INTO {name} {overriding} TABLE {kept}; DROP TABLE {kept}"
        system.query(composed(back, name=copies[n], overriding=overriding, kept=f"kept_{n}"))
    filled.consumer.positions, filled.topic.times = positions, times
    filled.topic.id, filled.topic.error = "id", None
    system.redis.flushdb()
    while not filled.consumer.projector.step().is_level:  # rewrites every hash
        pass
