"""The page for the operator's work, with its actions, on tables that each test empties."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from castro_spark.local import Stack
from tests.integration.page.work.operator import numbers
from tests.servers.page import House


@pytest.fixture(scope="package")
def house(databases: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(databases, tmp_path_factory.mktemp("work"), next(numbers), {"actions": {"enabled": True}})
    house.start()
    yield house
    assert house.stop() == 0, house.log()


@pytest.fixture
def clean(house: House) -> House:
    house.query(
        "TRUNCATE castro.instance, castro.command, castro.stream, castro.quarantine, castro.incident, castro.outbox,"
        " castro.quality_result, castro.batch_books, castro.lag_sample, castro.reconciliation, castro.repair,"
        " ml_inventory_realtime RESTART IDENTITY CASCADE"
    )
    return house
