"""The page in Debian's chromium, on real PostgreSQL and Redis; without Kafka, so without a JVM."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from castro_spark.local import Stack
from tests.browser import seed
from tests.browser.looking import Look
from tests.servers.page import House

CHROMIUM = shutil.which("chromium")
_numbers = itertools.count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "browser" in item.path.parts:
            item.add_marker(pytest.mark.browser)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no chromium on PATH (Debian: apt-get install chromium)")
    with sync_playwright() as playwright:
        # As root, and where /dev/shm is small, it would not start without these.
        flags = ["--no-sandbox", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def empty_house(databases: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A migrated database on which nothing has run, and its page."""
    house = House(databases, tmp_path_factory.mktemp("page"), next(_numbers))
    house.start()
    yield house
    assert house.stop() == 0, house.log()


@pytest.fixture(scope="module")
def house(empty_house: House) -> House:
    """The same after some weeks of work."""
    seed.fill(empty_house.settings, empty_house.today)
    seed.publish(empty_house.settings)
    return empty_house


@pytest.fixture
def living(house: House) -> Iterator[seed.Living]:
    """Streams that run on it."""
    with seed.Living(house.settings) as living:
        yield living


@pytest.fixture
def look(chromium: Browser) -> Iterator[Look]:
    """Opens pages, and holds what must hold for each."""
    look = Look(chromium)
    yield look
    look.close()
