"""At a glance in a browser: every state that a reader may meet."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser import seed
from tests.browser.looking import WIDTHS, Look
from tests.servers.page import House

HEADLINE = ".hero-words"


def test_nothing_has_run(empty_house: House, look: Look) -> None:
    page = look.at(empty_house.url, language="pt-BR", width="phone")
    expect(page.locator(HEADLINE)).to_have_text("Nada rodou ainda")
    expect(page.locator(".hero")).to_have_class("hero unknown")
    look.holds(page)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("language", "headline", "figure"), [("en", "All is well", "R$"), ("pt-BR", "Tudo certo", "R$\u00a0")]
)
def test_all_is_well(
    house: House, living: seed.Living, look: Look, language: str, headline: str, figure: str, scheme: str, width: str
) -> None:
    page = look.at(house.url, language=language, width=width, scheme=scheme)
    expect(page.locator("html")).to_have_attribute("lang", language)
    expect(page.locator(HEADLINE)).to_have_text(headline)
    expect(page.locator(".bars")).to_have_count(3)  # what is usual was computed beside the page
    expect(page.locator(".flow").first).to_contain_text(figure)
    expect(page.locator(".problems")).to_have_count(0)
    look.holds(page)


def test_the_keyboard_alone(house: House, living: seed.Living, look: Look) -> None:
    page = look.at(house.url, language="en")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    expect(page.locator(".skip")).to_be_in_viewport()
    page.keyboard.press("Enter")
    expect(page.locator("#content")).to_be_focused()
    page.keyboard.press("Shift+Tab")  # back into the frame: every stop there is seen
    for _ in range(30):
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        if page.evaluate("document.activeElement.tagName") in {"A", "BUTTON"}:
            assert outline != "none", page.evaluate("document.activeElement.outerHTML")
        if page.evaluate("document.activeElement.value") == "pt_BR":
            break
        page.keyboard.press("Shift+Tab")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Resumo")
    page.locator("button[value=dark]").focus()
    page.keyboard.press("Enter")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    expect(page.locator("h1")).to_have_text("Resumo")
    look.holds(page)


def test_what_is_new_appears_by_itself(house: House, living: seed.Living, look: Look) -> None:
    page = look.at(house.url, language="en")
    expect(page.locator(HEADLINE)).to_have_text("All is well")
    page.evaluate("window.stays = true; document.querySelector('.hero').stays = true")
    living.look(waiting=90_000)
    expect(page.locator(".problems")).to_contain_text("90,000 records wait")
    expect(page.locator(HEADLINE)).to_have_text("3 things to watch")
    assert page.evaluate("window.stays && document.querySelector('.hero').stays"), "only what differs is changed"
    living.look()
    expect(page.locator(HEADLINE)).to_have_text("All is well")
    look.holds(page)


def test_a_lost_connection_and_a_sleep(house: House, living: seed.Living, look: Look) -> None:
    look.expected = ["ERR_INTERNET_DISCONNECTED", "htmx", "Failed to fetch"]
    page = look.at(house.url, language="en")
    expect(page.locator("#link")).to_have_text("live")
    page.context.set_offline(True)
    # An open stream of events is not cut by this; as after a sleep the tab comes to the front, and must notice.
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("#lost")).to_contain_text("Connection lost")
    living.look(waiting=90_000)
    page.context.set_offline(False)
    expect(page.locator("#lost")).to_have_text("")
    expect(page.locator(".problems")).to_contain_text("90,000 records wait")
    living.look()
    expect(page.locator(HEADLINE)).to_have_text("All is well")


def test_ages_go_on_counting(house: House, living: seed.Living, look: Look) -> None:
    page = look.at(house.url, language="pt-BR")
    ages = page.locator("time.ago")
    expect(ages.first).to_be_visible()
    page.evaluate("document.querySelector('#content').removeAttribute('data-live')")
    before = page.locator(".fresh time.ago").first.inner_text()
    expect(page.locator(".fresh time.ago").first).not_to_have_text(before)


def test_streams_that_fell_silent(house: House, look: Look) -> None:
    with seed.Living(house.settings):
        pass  # they have run
    house.query(
        "UPDATE castro.instance SET state = 'running', heartbeat_at = now() - interval '10 min' WHERE kind = 'stream'"
    )
    page = look.at(house.url, language="en", width="phone")
    expect(page.locator(".hero")).to_have_class("hero bad")
    problems = page.locator(".problems > li")
    expect(problems).to_have_count(3)
    expect(problems.first).to_contain_text("No sign of life")
    expect(problems.first).to_contain_text("Nothing is lost: it waits in Kafka.")
    expect(problems.first).to_contain_text("10 min. ago")
    look.holds(page)


@pytest.fixture
def troubled(house: House) -> Iterator[House]:
    seed.trouble(house.settings)
    yield house
    house.query("TRUNCATE castro.incident CASCADE; TRUNCATE castro.outbox; TRUNCATE castro.quarantine")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("language", ["en", "pt-BR"])
def test_what_is_wrong(troubled: House, living: seed.Living, look: Look, language: str, width: str) -> None:
    page = look.at(troubled.url, language=language, width=width)
    words = {
        "en": ["2 things are wrong", "The worst: records wait too long in Kafka (Sales)", "2 messages could not be delivered."],
        "pt-BR": [
            "Há 2 problemas",
            "O pior: registros esperam demais no Kafka (Vendas)",
            "2 mensagens não puderam ser entregues.",
        ],
    }[language]
    for part in words:
        expect(page.locator(".hero")).to_contain_text(part)
    page.locator("details summary").first.click()
    expect(page.locator("details[open] pre").first).to_contain_text("Connection refused")
    look.holds(page)


def test_redis_away_and_back(house: House, living: seed.Living, look: Look) -> None:
    page = look.at(house.url, language="en")
    expect(page.locator(HEADLINE)).to_have_text("All is well")
    house.stack.redis.stop()
    try:
        expect(page.locator(".problems")).to_contain_text("It does not answer.")
        expect(page.locator(".figure").first).to_be_visible()
        look.holds(page)
    finally:
        house.stack.redis.start()
        seed.publish(house.settings)
    living.look()
    expect(page.locator(HEADLINE)).to_have_text("All is well")


def test_postgresql_away_and_back(house: House, living: seed.Living, look: Look) -> None:
    look.expected = ["503 (Service Unavailable)"]
    page = look.at(house.url, language="en")
    expect(page.locator(HEADLINE)).to_have_text("All is well")
    house.stack.postgres.stop()
    try:
        expect(page.locator(".strip")).to_contain_text("PostgreSQL does not answer")
        expect(page.locator(".strip")).to_contain_text("Since")
        expect(page.locator(HEADLINE)).to_have_text("All is well")  # what it showed last, dimmed
        expect(page.locator("#content")).to_have_class("old")
        look.holds(page)
        other = look.at(f"{house.url}/?again", language="pt-BR", width="phone")
        expect(other.locator(".strip")).to_contain_text("O PostgreSQL não responde")
        look.holds(other)
        unknown = house.get("/streams", Accept_Language="en")
        assert unknown.status == 503
        assert "Streams wait and lose nothing." in unknown.text
    finally:
        house.stack.postgres.start()
    living.look()  # after whatever that took
    expect(page.locator(".strip")).to_have_count(0)
    expect(page.locator(HEADLINE)).to_have_text("All is well")
