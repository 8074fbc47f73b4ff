"""Every page of the menu, empty and full, in both languages and widths: nothing overflows, and axe-core finds nothing."""

from __future__ import annotations

import pytest

from castro_spark.page.page import Page
from castro_spark.page.pages import routes
from tests.browser import seed
from tests.browser.looking import WIDTHS, Look
from tests.servers.page import House

PATHS = [route.path for route in routes() if isinstance(route, Page) and route.group is not None]


@pytest.mark.parametrize("path", PATHS)
def test_empty(empty_house: House, look: Look, path: str) -> None:
    look.holds(look.at(f"{empty_house.url}{path}", language="pt-BR", width="phone"))


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("path", PATHS)
def test_full(house: House, living: seed.Living, look: Look, path: str, width: str) -> None:
    if not house.query("SELECT 1 FROM castro.incident"):
        seed.trouble(house.settings)
    for language, scheme in (("en", "light"), ("pt-BR", "dark")):
        look.holds(look.at(f"{house.url}{path}", language=language, width=width, scheme=scheme))
