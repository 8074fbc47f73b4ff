"""What the page knows of one product, on a real PostgreSQL and Redis."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest

from castro_spark.page.product.cached import Part, cached
from castro_spark.page.product.events import newest_events
from castro_spark.page.product.search import search
from castro_spark.page.product.series import Span, series
from castro_spark.page.product.view import product
from castro_spark.projection.comparison import Verdict
from castro_spark.streams import all_streams
from tests.builders import ZONE, random_three
from tests.databases.alerting import Alerting
from tests.databases.shop import Shop, bought, sold
from tests.databases.stock import LEVELS, MASTER, moved
from tests.today import today

STREAMS = list(all_streams().values())


@pytest.fixture
def shop(alerting: Alerting) -> Iterator[Shop]:
    shop = Shop(alerting)
    yield shop
    shop.close()


def found(shop: Shop, question: str) -> list[str]:
    with shop.snapshot() as snapshot:
        answer = search(snapshot, question)
    assert answer.found == len(answer.products)
    return [one.product_code for one in answer.products]


def of(shop: Shop, code: str) -> dict[str, Part]:
    with shop.snapshot() as snapshot:
        return {part.name: part for part in cached(snapshot, shop.settings, shop.settings.redis, STREAMS, code, today())}


def verdicts(part: Part) -> dict[Verdict, int]:
    return Counter(one.verdict for one in part.hashes)


class TestSearch:
    def test_by_code_and_description_without_accents_and_case(self, shop: Shop) -> None:
        rows = {"A1": "Açúcar refinado 1 kg", "A10": "ACUCAR cristal", "B-A1": "Leite 100% integral", "ÇX": "Pão", "D_1": None}
        for code, description in rows.items():
            shop.extract(MASTER, {"product_code": code, "description": description})
        shop.refresh()
        shop.commit("inventory", moved("NEW", 1))  # the view does not have it yet
        assert found(shop, "açucar") == found(shop, "ACÚCAR") == ["A1", "A10"]
        assert found(shop, "kg acucar") == ["A1"]
        assert found(shop, "a1") == ["A1", "A10", "B-A1"]  # itself, codes that begin so, the rest
        assert found(shop, "cx") == ["ÇX"]
        assert found(shop, "100%") == ["B-A1"]
        assert found(shop, "_") == ["D_1"]
        assert found(shop, "new") == ["NEW"]
        assert found(shop, "a1 cristal leite") == []
        assert found(shop, " ") == ["A1", "A10", "B-A1", "D_1", "NEW", "ÇX"]

    def test_pages_by_key_show_each_product_once(self, shop: Shop) -> None:
        shop.commit("inventory", *(moved(f"P{n}", 1, id=str(n)) for n in range(12)), moved("XP1", 1))
        shop.refresh()
        seen, after = [], (-1, "")
        for _ in range(5):
            with shop.snapshot() as snapshot:
                answer = search(snapshot, "p1", after, most=2)
            assert answer.found == 4
            seen += [one.product_code for one in answer.products]
            if answer.following is None:
                break
            after = answer.following
        assert seen == ["P1", "P10", "P11", "XP1"]

    def test_what_a_row_says(self, shop: Shop) -> None:
        shop.extract(MASTER, {"product_code": "P1", "description": "Leite", "minimum_stock": 10})
        shop.commit("inventory", moved("P1", 5, "ENTRADA"))
        shop.refresh()
        with shop.snapshot() as snapshot:
            (row,) = search(snapshot, "leite").products
        assert (row.stock, row.minimum_stock, row.below_minimum, row.as_of) == (5, 10, True, today())


class TestProduct:
    def test_unknown_known_and_not_computed_yet(self, shop: Shop) -> None:
        shop.commit("sales", sold("P1", 2))
        with shop.snapshot() as snapshot:
            assert product(snapshot, "P2") is None
            waiting = product(snapshot, "P1")
        assert waiting is not None
        assert (waiting.updated_at, waiting.waiting, waiting.columns["stock"]) == (None, True, None)
        shop.refresh()
        with shop.snapshot() as snapshot:
            known = product(snapshot, "P1")
        assert known is not None
        assert (known.waiting, known.columns["sales_volume_7d"]) == (False, 2)
        shop.commit("sales", sold("P1", 3))
        with shop.snapshot() as snapshot:
            behind = product(snapshot, "P1")
        assert behind is not None
        assert (behind.waiting, behind.columns["sales_volume_7d"]) == (True, 2)

    def test_a_code_that_looks_like_anything_is_only_a_code(self, shop: Shop) -> None:
        odd = "a/../b?c=%27' OR 1=1 --"
        shop.commit("inventory", moved(odd, 1, id="odd"))
        shop.refresh()
        with shop.snapshot() as snapshot:
            known = product(snapshot, odd)
        assert known is not None
        assert known.columns["product_code"] == odd


class TestSeries:
    @pytest.mark.parametrize("counted_days_ago", [None, 0, 40, -3])
    def test_agrees_with_the_view(self, shop: Shop, counted_days_ago: int | None) -> None:
        seed = random.randrange(10**6)
        print("seed", seed)
        for stream, events in random_three(random.Random(seed), 400, days=500, products=4).items():
            shop.commit(stream, *events)
        if counted_days_ago is not None:
            day = today() - timedelta(days=counted_days_ago)
            for code in ("P0", "P1"):
                shop.extract(LEVELS, {"product_code": code, "warehouse": "D", "quantity_available": 1000, "as_of": day})
        shop.refresh()
        for code in ("P0", "P1", "P2"):
            with shop.snapshot() as snapshot:
                known = product(snapshot, code)
                assert known is not None
                days = series(snapshot, known, Span.QUARTER, today())
                years = series(snapshot, known, Span.FIVE_YEARS, today())
                months = series(snapshot, known, Span.MONTHS, today())
            row = known.columns
            assert [p.first_day for p in days] == [today() - timedelta(days=n) for n in range(89, -1, -1)]
            assert sum(p.received for p in days) == row["in_volume_90d"]
            assert sum(p.issued for p in days) == row["out_volume_90d"]
            assert sum(p.sold for p in days) == row["sales_volume_90d"]
            assert sum(p.bought for p in days) == row["purchase_volume_90d"]
            assert days[-1].stock == years[-1].stock == months[-1].stock == row["stock"]
            assert years[-90:] == days
            ends = {p.first_day: p.stock for p in years}
            for month, following in pairwise(months):
                assert month.stock == ends[following.first_day - timedelta(days=1)]
                of_month = [p for p in years if month.first_day <= p.first_day < following.first_day]
                assert month.sold == sum(p.sold for p in of_month)

    def test_without_an_event_there_is_none(self, shop: Shop) -> None:
        shop.extract(MASTER, {"product_code": "P1", "description": "Leite"})
        shop.refresh()
        with shop.snapshot() as snapshot:
            known = product(snapshot, "P1")
            assert known is not None
            assert [series(snapshot, known, span, today()) for span in Span] == [[], [], [], []]

    def test_days_of_five_years(self, shop: Shop) -> None:
        shop.alerting.query(
            "INSERT INTO ml_sales_daily (product_code, date, transactions, volume, value, last_unit_price, revision)"
            " SELECT 'P1', %(today)s::date - n, 1, 1, 2, 2, 1 FROM generate_series(0, 1826) n;"
            "INSERT INTO ml_sales_monthly (product_code, month, transactions, volume, value, last_unit_price, revision)"
            " SELECT 'P1', date_trunc('month', date), sum(1), sum(1), sum(2), 2, 1 FROM ml_sales_daily GROUP BY 2",
            {"today": today()},
        )
        shop.extract(MASTER, {"product_code": "P1"})
        shop.refresh()
        with shop.snapshot() as snapshot:
            known = product(snapshot, "P1")
            assert known is not None
            days = series(snapshot, known, Span.FIVE_YEARS, today())
        assert (len(days), {p.sold for p in days}, {p.price for p in days}) == (1826, {Decimal(1)}, {Decimal(2)})


def test_newest_events_of_all_streams_are_one_list(shop: Shop) -> None:
    now = datetime.now(ZONE).replace(microsecond=0)
    at = {n: now - timedelta(minutes=n) for n in range(4)}
    shop.commit("inventory", {**moved("P1", 1, id="I"), "data_movimentacao": at[3].isoformat(), "fornecedor": "F"})
    shop.commit("sales", sold("P1", 2, at=at[1]), sold("OTHER", 9))
    shop.commit("procurement", bought("P1", 3, at=at[2], previsao_entrega="2026-12-24"))
    shop.commit("sales", sold("P1", 4, at=at[1]))  # a correction
    with shop.snapshot() as snapshot:
        events = newest_events(snapshot, STREAMS, "P1", 10)
        assert newest_events(snapshot, STREAMS, "P1", 2) == events[:2]
    assert [(e.stream, e.at, e.quantity, e.corrected) for e in events] == [
        ("sales", at[1], 4, True), ("procurement", at[2], 3, False), ("inventory", at[3], 1, False)
    ]  # fmt: skip
    assert [e.details for e in events] == [
        {"customer": "C1", "order_number": "V1"},
        {"supplier": "F1", "order_number": "C1", "expected_delivery": date(2026, 12, 24)},
        {"transaction_type": "SAIDA", "warehouse": "D1", "supplier": "F"},
    ]


class TestCached:
    def test_agrees_once_published(self, shop: Shop) -> None:
        shop.commit("inventory", moved("P1", 1))
        shop.commit("sales", sold("P1", 2))
        shop.publish()
        shop.refresh()
        parts = of(shop, "P1")
        assert {name: verdicts(part) for name, part in parts.items()} == {
            "product_360": {Verdict.AGREES: 1}, "inventory": {Verdict.AGREES: 3}, "sales": {Verdict.AGREES: 3}, "procurement": {}
        }  # fmt: skip
        assert {(part.behind, part.emptied) for part in parts.values()} == {(0, False)}
        newest, day, month = parts["sales"].hashes
        assert [newest.key, day.key, month.key] == [
            "sales:realtime:P1", f"agg:sales:daily:P1:{today()}", f"agg:sales:monthly:P1:{today().year}-{today().month}"
        ]  # fmt: skip
        assert day.fields == [("transactions", "1", "1"), ("volume", "2", "2"), ("value", "8", "8")]
        assert newest.ends is not None
        assert 3500 < newest.ends - datetime.now(ZONE).timestamp() <= 3601

    def test_what_is_not_published_yet_is_in_flight(self, shop: Shop) -> None:
        shop.commit("sales", sold("P1", 2))
        shop.publish()
        shop.refresh()
        shop.commit("sales", sold("P1", 3))
        part = of(shop, "P1")["sales"]
        assert (part.behind, verdicts(part)) == (1, {Verdict.IN_FLIGHT: 3})
        assert ("quantity", "3", "2") in part.hashes[0].fields
        shop.publish()
        assert verdicts(of(shop, "P1")["sales"]) == {Verdict.AGREES: 3}

    def test_what_no_commit_explains_is_stale(self, shop: Shop) -> None:
        shop.commit("sales", sold("P1", 2))
        shop.publish()
        shop.refresh()
        redis = shop.alerting.redis
        redis.hset("sales:realtime:P1", "quantity", "5")
        redis.delete(f"agg:sales:daily:P1:{today()}")
        redis.hset(f"agg:sales:daily:P1:{today() - timedelta(days=1)}", mapping={"volume": "1", "version": "0"})  # of no row
        redis.hset("product:360:P1", "stock", "77")
        parts = of(shop, "P1")
        assert verdicts(parts["sales"]) == {Verdict.STALE: 3, Verdict.AGREES: 1}
        (view,) = parts["product_360"].hashes
        assert (view.verdict, ("stock", None, "77") in view.fields) == (Verdict.STALE, True)

    def test_an_emptied_redis_is_said_to_be(self, shop: Shop) -> None:
        shop.commit("sales", sold("P1", 2))
        shop.publish()
        shop.alerting.redis.flushdb()
        part = of(shop, "P1")["sales"]
        assert (part.emptied, part.behind) == (True, 0)

    def test_a_newest_event_past_its_time_is_not_missed(self, shop: Shop) -> None:
        shop.commit("sales", sold("P1", 2))
        shop.alerting.query("UPDATE ml_sales_realtime SET updated_at = now() - interval '2 hours'")
        shop.publish()
        newest = of(shop, "P1")["sales"].hashes[0]
        assert (newest.key, newest.ends, newest.verdict) == ("sales:realtime:P1", None, Verdict.AGREES)
