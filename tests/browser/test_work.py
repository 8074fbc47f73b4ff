"""The operator's pages in a browser: one record mended, tried and replayed by its form; every page with rich rows."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import closing
from threading import Event, Thread

import pytest
from playwright.sync_api import Page, expect

from castro_spark.batch.serve import CommandServer
from castro_spark.local import Stack
from castro_spark.settings import Settings
from castro_spark.sinks.postgres.connection import connect
from tests.browser import operator_seed, seed
from tests.browser.looking import WIDTHS, Look
from tests.builders import event, native
from tests.servers.page import House

_numbers = itertools.count(801)
DECISION = "00000000-0000-0000-0000-000000000001"
DETAILS = ("/streams/inventory", "/streams/procurement", "/quarantine/1", "/quarantine?reason=not_json", "/incidents/1",
           "/quality/volume/sales", "/outbox/1", "/reconciliation/run-1/inventory", f"/retraining/{DECISION}", "/commands",
           "/outbox?state=delivered")  # fmt: skip


@pytest.fixture(scope="module")
def acting(databases: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """A page that may act, on a house with trouble."""
    house = House(databases, tmp_path_factory.mktemp("acting"), next(_numbers), {"actions": {"enabled": True}})
    seed.fill(house.settings, house.today)
    seed.trouble(house.settings)
    operator_seed.fill(house.settings)
    house.start()
    yield house
    assert house.stop() == 0, house.log()


@pytest.fixture
def running(acting: House) -> Iterator[seed.Living]:
    with seed.Living(acting.settings) as living:
        living.look(waiting=500)
        yield living


class Served:
    """Serves commands as the heartbeat of a running stream does, until the end of the context."""

    def __init__(self, settings: Settings) -> None:
        self._settings, self._ending = settings, Event()
        self._thread = Thread(target=self._run)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ending.set()
        self._thread.join()

    def _run(self) -> None:
        server = CommandServer(self._settings, Event())
        with closing(connect(self._settings.postgres, "test")) as connection:
            while not self._ending.wait(0.2):
                server.poll(connection)


def test_a_record_is_found_mended_tried_and_replayed(acting: House, running: seed.Living, look: Look) -> None:
    page = look.at(f"{acting.url}/streams")
    page.locator('a[href^="/quarantine?stream=inventory"]').first.click()
    page.get_by_role("link", name="not_json").first.click()
    page.locator("tbody th a").first.click()
    expect(page.locator("h1")).to_contain_text("Record")
    number = page.url.rsplit("/", 1)[1]
    page.get_by_label("The value, mended").fill(native(event(id_evento="E-mended", quantidade="NaN")).decode())
    page.get_by_role("button", name="Try this value").click()
    expect(page.locator("#trial")).to_contain_text("Still unusable")
    page.get_by_label("The value, mended").fill(native(event(id_evento="E-mended")).decode())
    page.get_by_role("button", name="Try this value").click()
    expect(page.locator("#trial")).to_contain_text("Usable: a new event")
    look.holds(page)
    assert acting.query("SELECT status FROM castro.quarantine WHERE id = %s", (number,)) == [("open",)]
    page.get_by_role("button", name="Replay with this value").click()
    expect(page.locator("#sent")).to_contain_text("waits for a process to take it")
    look.holds(page)
    with Served(acting.settings):
        # Without a reload: the server only cues, and the page asks again.
        expect(page.locator("#sent")).to_contain_text("1 replayed, 0 still unusable and open")
    expect(page.locator(".title-row .mark")).to_have_text("replayed")
    assert acting.query("SELECT event_id FROM ml_inventory_realtime") == [("E-mended",)]


def test_some_are_discarded_by_keyboard(acting: House, running: seed.Living, look: Look) -> None:
    page = look.at(f"{acting.url}/quarantine?stream=inventory")
    boxes = page.locator("td.pick input")
    chosen = [boxes.nth(n).get_attribute("value") for n in range(2)]
    for n in range(2):
        boxes.nth(n).focus()
        page.keyboard.press("Space")
    page.locator("#chosen input[name=reason]").focus()
    page.keyboard.type("test data")
    # What is chosen and written stays, though the page hears of something new meanwhile.
    acting.query("UPDATE castro.stream SET revision = revision + 1")
    page.wait_for_timeout(3000)
    expect(boxes.nth(0)).to_be_checked()
    expect(page.locator("#chosen input[name=reason]")).to_have_value("test data")
    page.get_by_role("button", name="Discard the chosen").focus()
    page.keyboard.press("Enter")
    with Served(acting.settings):
        expect(page.locator("#sent")).to_contain_text("2 of 2 discarded")
    assert acting.query("SELECT count(*) FROM castro.quarantine WHERE id = ANY(%s::bigint[]) AND status = 'discarded'", (chosen,)) == [(2,)]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("path", DETAILS)
def test_every_detail(acting: House, running: seed.Living, look: Look, path: str, width: str) -> None:
    for language, scheme in (("en", "light"), ("pt-BR", "dark")):
        page = look.at(f"{acting.url}{path}", language=language, width=width, scheme=scheme)
        opened(page)
        look.holds(page)


@pytest.fixture
def strange(acting: House) -> Iterator[House]:
    """Names and words of somebody who means ill: without a blank, as HTML, and very long."""
    word = "<script>alert(1)</script><img src=x onerror=alert(1)>" + "w" * 400
    acting.query(
        "INSERT INTO castro.incident (id, check_name, subject, outcome, level, words, evidence, opened_at, seen_at, worst_level,"
        " outcomes) OVERRIDING SYSTEM VALUE VALUES (99, 'volume', %(subject)s, 'fail', 2, %(word)s, jsonb_build_object(%(word)s, %(word)s), now(),"
        " now(), 2, '{fail}')",
        {"subject": f"inventory.{word}", "word": word},
    )
    acting.query("UPDATE ml_product_360 SET description = %s, last_customer = %s WHERE product_code = 'P0001'", (word, word))
    acting.query("UPDATE castro.quarantine SET value = %s, key = %s, detail = %s WHERE id = 1", (word.encode(),) * 2 + (word,))
    yield acting
    acting.query("DELETE FROM castro.incident WHERE id = 99")


@pytest.mark.parametrize("width", WIDTHS)
def test_strange_names_and_words_neither_run_nor_widen_a_page(strange: House, running: seed.Living, look: Look, width: str) -> None:
    for path in ("/", "/incidents", "/incidents/99", "/products", "/product?code=P0001", "/quarantine/1"):
        page = look.at(f"{strange.url}{path}", width=width)
        expect(page.locator("main")).to_contain_text("<script>alert(1)")
        opened(page)
        look.holds(page)


def opened(page: Page) -> None:
    """Opens what is folded: it is a part of the page."""
    page.evaluate("document.querySelectorAll('details').forEach(details => { details.open = true })")
