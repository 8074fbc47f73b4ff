"""The pages of products over HTTP: what they say in each state, in both languages."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import quote

import pytest

from castro_spark.local import Stack
from castro_spark.page.product.search import PAGE
from tests.databases.alerting import Alerting
from tests.databases.shop import ODD, Shop, sold, stocked
from tests.servers.serving import Answer, Site, serving
from tests.today import today


@pytest.fixture(scope="module")
def shop(servers: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = Shop(Alerting(servers, tmp_path_factory.mktemp("products")))
    stocked(shop)
    yield shop
    shop.close()


@pytest.fixture(scope="module")
def site(shop: Shop) -> Iterator[Site]:
    with serving(shop.settings) as address:
        yield Site(address)


def links(answer: Answer, pattern: str = "/product[?]") -> list[str]:
    return [unescape(found) for found in re.findall(rf'href="({pattern}[^"]*)"', answer.text)]


def heading(answer: Answer) -> str:
    (found,) = re.findall("<h1>(.*?)</h1>", answer.text, re.DOTALL)
    return unescape(found)


class TestSearch:
    def test_finds_and_leads_to_the_product(self, site: Site) -> None:
        answer = site.get("/products?q=" + quote("acucar CRISTAL"))
        assert (answer.status, links(answer)) == (200, ["/product?code=P1"])
        assert "1 product<" in answer.text
        assert "1 produto<" in site.get("/products?q=acucar", "pt-BR").text
        assert heading(site.get(links(answer)[0])) == "Açúcar cristal"

    @pytest.mark.parametrize("code", ODD)
    def test_any_code_has_a_page(self, site: Site, code: str) -> None:
        (link,) = {link for link in links(site.get("/products?q=" + quote(code))) if code in unescape(site.get(link).text)}
        page = site.get(link)
        assert (page.status, heading(page)) == (200, code)
        assert json.loads(site.get(re.findall(r'data-plot="([^"]*)"', unescape(page.text))[0]).text)["labels"]

    def test_pages_follow_each_other(self, site: Site) -> None:
        first = site.get("/products?q=x0")
        (following,) = links(first, "/products[?]q=x0&amp;after=")
        second = site.get(following)
        shown = [link.rpartition("=")[2] for link in links(first) + links(second)]
        assert shown == [f"X{n:03}" for n in range(PAGE + 5)]
        assert links(second, "/products[?]q=x0&amp;after=") == []

    @pytest.mark.parametrize("query", ["q=nothing+has+this", "q=%00", "q=x&after=zzz", "q=x&after=2.%FF", "after=9.A", "q=" + "y" * 5000])
    def test_nothing_and_nonsense_have_a_page(self, site: Site, query: str) -> None:
        assert site.get(f"/products?{query}").status == 200

    def test_the_states_of_products_are_words(self, site: Site) -> None:
        assert "not computed yet" in site.get("/products?q=new").words
        assert "below the minimum" in site.get("/products?q=p1").words


class TestProduct:
    def test_in_both_languages(self, site: Site) -> None:
        english, portuguese = site.get("/product?code=P1"), site.get("/product?code=P1", "pt-BR")
        for answer in (english, portuguese):
            assert (answer.status, heading(answer)) == (200, "Açúcar cristal")
        for words in ("Stock now", "The counted stock with all movements after the count", "inactive", "minimum 500", "98.5", "25", "Received, quantity"):
            assert words in english.words
        for words in ("Estoque atual", "O estoque contado com as movimentações posteriores", "inativo", "mínimo 500", "98,5", "Entradas, quantidade"):
            assert words in portuguese.words
        assert "Dec 24, 2026" in english.words
        assert "24 de dez. de 2026" in portuguese.words

    def test_nothing_is_inline(self, site: Site) -> None:
        for path in ("/products", "/product?code=P1", "/product/table?code=P1", "/product?code=ZZ"):
            text = site.get(path).text
            assert re.findall(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son[a-z]+=|javascript:", text) == []
            assert re.findall(r'(?:src|href|hx-get|data-plot|action)="(?!/|#)', text) == []

    def test_unknown_is_not_found_and_names_the_like(self, site: Site) -> None:
        answer = site.get("/product?code=p1")
        assert (answer.status, heading(answer), links(answer)) == (404, "Unknown product", ["/product?code=P1"])
        assert site.get("/product").status == 404
        assert "<script>" not in site.get("/product?code=" + quote("<script>")).text
        assert site.get("/product/plot?code=none").status == site.get("/product/table?code=none").status == 404

    def test_without_movement(self, site: Site) -> None:
        answer = site.get("/product?code=M1")
        assert (answer.status, heading(answer)) == (200, "Queijo")
        assert answer.words.count("No event of this product yet.") == 2
        assert "data-plot" not in answer.text
        assert "360° view" in answer.words
        assert json.loads(site.get("/product/plot?code=M1").text)["labels"] == []

    def test_not_in_the_view_yet(self, site: Site) -> None:
        answer = site.get("/product?code=NEW")
        assert "The 360° view does not have this product yet." in answer.words
        assert "data-plot" in answer.text
        assert "Newest events" in answer.words

    def test_series_for_the_plot_and_as_a_table(self, site: Site) -> None:
        plot = json.loads(site.get("/product/plot?code=P1").text)
        of = {one["colour"]: one["values"] for chart in plot["charts"] for one in chart["series"]}
        assert (len(plot["labels"]), {len(values) for values in of.values()}) == (90, {90})
        assert (of["stock"][-1], of["in"][-2], of["out"][-2], of["price"][-2], of["cost"][-3]) == (98.5, 1, 2.5, 1234.5, 1000)
        assert sum(of["sales"]) == 3
        assert plot["language"] == "en"
        months = json.loads(site.get("/product/plot?code=P1&span=months", "pt").text)
        assert months["period"] == "Mês"
        table = site.get("/product/table?code=P1")
        rows = re.findall("<tr><th scope=.row.>(.*?)</th>(.*?)</tr>", table.text, re.DOTALL)
        assert len(rows) == 90
        numbers = [unescape(cell).strip() for cell in re.findall("<td[^>]*>(.*?)</td>", rows[1][1], re.DOTALL)]
        assert numbers == ["98.5", "1", "2.5", "1", "0", "1,234.50", "–"]


class TestRedis:
    def test_agrees(self, site: Site) -> None:
        answer = site.get("/product?code=P1")
        assert "product:360:P1" in answer.words
        assert not re.search("being rewritten|differ[s ]|in flight<", answer.text)

    def test_in_flight_differing_and_emptied(self, shop: Shop, site: Site) -> None:
        shop.commit("sales", sold("P1", 9, "1"))
        answer = site.get("/product?code=P1")
        assert "Redis waits for 1 commit." in answer.words
        assert "3 in flight" in answer.words
        assert "being recomputed" in answer.words
        assert "O Redis espera 1 gravação." in site.get("/product?code=P1", "pt").words
        shop.publish()
        shop.refresh()
        shop.alerting.redis.hset(f"agg:sales:daily:P1:{today()}", "volume", "7")
        answer = site.get("/product?code=P1")
        assert "1 differs" in answer.words
        assert len(re.findall('class="differs"', answer.text)) == 1
        marker = shop.alerting.redis.get("castro:published:sales")
        shop.alerting.redis.delete("castro:published:sales")
        assert "Redis has no marker of it" in site.get("/product?code=P1").words
        shop.alerting.redis.set("castro:published:sales", str(marker))


class TestTrouble:
    def test_redis_away(self, shop: Shop) -> None:
        away = shop.settings.redis.model_copy(update={"url": "redis://127.0.0.1:1/1"})
        with serving(shop.settings.model_copy(update={"redis": away})) as address:
            site = Site(address)
            answer = site.get("/product?code=P1")
            assert answer.status == 200
            assert "Redis does not answer" in answer.words
            assert "it cannot be reached" in answer.words
            assert "Newest events" in answer.words
            assert "O Redis não responde" in site.get("/product?code=P1", "pt").words

    def test_postgres_away(self, shop: Shop) -> None:
        away = shop.settings.postgres.model_copy(update={"dsn": "host=127.0.0.1 port=1 dbname=x user=x"})
        with serving(shop.settings.model_copy(update={"postgres": away})) as address:
            site = Site(address)
            for path in ("/products?q=x", "/product?code=P1", "/product/plot?code=P1", "/product/table?code=P1"):
                answer = site.get(path)
                assert (answer.status, heading(answer)) == (503, "PostgreSQL does not answer")
