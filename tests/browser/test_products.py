"""Products in a real browser: found by keyboard, plotted, alive; narrow and wide, in both languages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from castro_spark.local import Stack
from tests.databases.alerting import NO_KAFKA, Alerting
from tests.databases.shop import Shop, sold, stocked
from tests.servers.serving import serving

# Whether something was drawn: a canvas whose pixels are not all transparent.
DRAWN = (
    "c => new Uint32Array(c.getContext('2d').getImageData(0, 0, c.width, c.height).data.buffer).some(pixel => pixel)"
)
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("products")
    with Stack(folder / "servers", die_with_parent=True, external=NO_KAFKA) as servers:
        shop = Shop(Alerting(servers, folder))
        stocked(shop)
        yield shop
        shop.close()


@pytest.fixture(scope="module")
def address(shop: Shop) -> Iterator[str]:
    quick = shop.settings.page.model_copy(update={"refresh_seconds": 0.2})
    with serving(shop.settings.model_copy(update={"page": quick})) as address:
        yield address


@pytest.fixture
def opened(chromium: Browser, address: str) -> Iterator[Open]:
    """Opens a path. Nothing may go wrong in its console, and nothing be asked for elsewhere."""
    wrong: list[str] = []
    with ExitStack() as ended:

        def opened(path: str, width: int = 1440, language: str = "en-US", **options: Any) -> Page:
            context = chromium.new_context(viewport={"width": width, "height": 900}, locale=language, **options)
            ended.callback(context.close)
            page = context.new_page()
            page.on(
                "console", lambda message: wrong.append(message.text) if message.type in {"error", "warning"} else None
            )
            page.on("pageerror", lambda error: wrong.append(str(error)))
            page.on("request", lambda request: None if request.url.startswith(address) else wrong.append(request.url))
            page.goto(address + path)
            return page

        yield opened
    assert wrong == []


def test_a_product_is_found_by_keyboard(opened: Open) -> None:
    page = opened("/products")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("acucar", delay=20)
    rows = page.locator("#results tbody tr")
    expect(rows).to_have_count(1)
    expect(page.locator("#q")).to_be_focused()  # the results came without taking it away
    page.keyboard.press("ArrowDown")
    expect(rows.locator("a")).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Açúcar cristal")
    expect(page.locator("#plots")).to_have_attribute("data-drawn", "90")  # its script listens
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("x05")
    page.keyboard.press("Enter")
    page.wait_for_url("**/products?q=x05")
    expect(page.locator("#results tbody tr")).to_have_count(5)


def test_a_product_is_plotted(opened: Open) -> None:
    page = opened("/product?code=P1", language="pt-BR")
    expect(page.locator("#plots")).to_have_attribute("data-drawn", "90")
    canvases = page.locator("#plots canvas")
    assert [canvases.nth(n).evaluate(DRAWN) for n in range(canvases.count())] == [True] * 4
    legend = page.locator('[data-chart="movements"] .u-legend')
    expect(legend).to_contain_text("Entradas ↑")
    expect(legend).to_contain_text("Dia")
    page.locator('[data-chart="movements"] .u-over').hover(position={"x": 2, "y": 50})
    expect(page.locator('[data-chart="prices"] .u-legend')).not_to_contain_text(
        "1.234,5"
    )  # the cursor is in all charts
    page.get_by_role("link", name="Meses").click()
    expect(page.locator('[data-chart="stock"] .u-legend')).to_contain_text("Mês")
    assert page.locator("#plots").get_attribute("data-drawn") in {"2", "3"}


def test_the_same_numbers_are_a_table_by_keyboard(opened: Open) -> None:
    page = opened("/product?code=P1")
    page.locator("#as-table summary").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#table tbody tr")).to_have_count(90)
    expect(page.locator("#table tbody tr").nth(1)).to_contain_text("98.5")
    page.locator(".term summary").first.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("The counted stock with all movements after the count").first).to_be_visible()


def test_what_arrives_is_shown_without_losing_what_is_open(opened: Open, shop: Shop) -> None:
    page = opened("/product?code=P1")
    expect(page.locator("#plots")).to_have_attribute("data-drawn", "90")
    page.locator("#as-table summary").click()
    expect(page.locator("#table tbody tr")).to_have_count(90)
    page.locator(".term summary").first.click()
    page.evaluate("document.querySelector('#plots canvas').marked = true")
    sales = page.locator('[data-chart="trade"] .u-legend')
    shop.commit("sales", sold("P1", 77, "1234.5"))
    expect(page.locator(".events tbody tr").first).to_contain_text("77")
    expect(page.get_by_text("being recomputed")).to_be_visible()
    expect(page.get_by_text("3 in flight")).to_be_visible()
    expect(sales).to_contain_text("77")
    expect(page.locator("#table tbody tr")).to_have_count(90)
    expect(page.locator(".term p").first).to_be_visible()
    marked = "document.querySelector('#plots canvas').marked === undefined"
    assert page.evaluate(marked)  # drawn anew
    page.evaluate("document.querySelector('#plots canvas').marked = true")
    shop.publish()
    shop.refresh()
    expect(page.get_by_text("being recomputed")).to_have_count(0)
    expect(page.get_by_text("3 in flight")).to_have_count(0)
    assert not page.evaluate(marked)  # nothing new to draw: no flicker


def test_a_plot_that_does_not_come_says_so(chromium: Browser, address: str) -> None:
    page = chromium.new_page(locale="en-US")

    def cut(route: Route) -> None:
        route.abort()

    page.route("**/product/plot*", cut)
    page.goto(address + "/product?code=P1")
    expect(page.get_by_text("The plot could not be loaded.")).to_be_visible()
    page.close()


def test_without_a_script_everything_but_the_plot_is_there(opened: Open) -> None:
    page = opened("/products?q=acucar", java_script_enabled=False)
    page.get_by_role("link", name="P1").click()
    expect(page.locator("h1")).to_have_text("Açúcar cristal")
    page.locator("#as-table summary").click()
    page.get_by_role("link", name="Open the table").click()
    expect(page.locator("#table tbody tr")).to_have_count(90)


@pytest.mark.parametrize("language", ["pt-BR", "en-US"])
@pytest.mark.parametrize("width", [360, 1440])
def test_nothing_is_wider_than_the_window(opened: Open, width: int, language: str) -> None:
    for path in ("/products", "/product?code=P1", "/product?code=M1", "/product?code=NEW", "/product/table?code=P1"):
        page = opened(path, width, language)
        for plots in page.locator("#plots").all():
            expect(plots).to_have_attribute("data-drawn", "90")
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0, path
        page.context.close()
