"""Tables for the tests of the projection, and commits to them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from castro_spark.local import Stack
from tests.integration.projection.followers.ledger import QUICK, Ledger
from tests.system import System, migrated_system


@pytest.fixture(scope="package")
def tables(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Tables, and neither Kafka nor Spark."""
    with migrated_system(stack, tmp_path_factory.mktemp("projection")) as system:
        yield system


@pytest.fixture
def ledger(tables: System) -> Iterator[Ledger]:
    tables.configure(QUICK)
    made = Ledger(tables)
    yield made
    made.consumer.close()
