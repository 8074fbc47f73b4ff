"""Critical products on PostgreSQL: which commits start episodes, once; what ends them; what never starts one."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from castro_spark.critical import rows
from castro_spark.critical.rules import Movement
from castro_spark.observe.status import Status, lines
from castro_spark.sinks.postgres.product_360.master_data import master_tables
from tests.builders import ZONE
from tests.consumer import Consumer
from tests.databases.alerting import Alerting
from tests.databases.stock import LEVELS, MASTER, Stock, moved

BELOW = {"below_minimum": {"ends_at": 1.1}}


@pytest.fixture
def stock(alerting: Alerting) -> Iterator[Stock]:
    stock = Stock(alerting)
    yield stock
    stock.close()


@pytest.fixture
def followed(stock: Stock) -> Stock:
    """P1 has a minimum of 10 and a stock of 50; everything is evaluated."""
    stock.configure(BELOW)
    stock.extract(MASTER, {"product_code": "P1", "description": "Leite", "minimum_stock": 10}, age=timedelta(days=9))
    stock.move(moved("P1", 50, "ENTRADA", days_ago=40))
    assert stock.evaluate().started == 0
    return stock


def test_an_episode_starts_once_ends_at_another_limit_and_the_next_has_the_next_number(followed: Stock) -> None:
    followed.move(moved("P1", 41))  # 9
    assert followed.evaluate().started == 1
    followed.move(moved("P1", 1))  # 8: it lasts
    followed.move(moved("P1", "2.5", "ENTRADA"))  # 10.5: above the minimum, below the end
    assert followed.evaluate().started == 0
    followed.move(moved("P1", 1))  # 9.5: the same episode
    assert (followed.evaluate().started, followed.causes()) == (0, ["P1:below_minimum:1"])
    followed.move(moved("P1", "1.5", "ENTRADA"))  # 11: over
    assert (followed.evaluate().ended, followed.lasting()) == (1, [])
    followed.move(moved("P1", 2))
    followed.evaluate()
    assert followed.causes() == ["P1:below_minimum:1", "P1:below_minimum:2"]
    (payload,) = followed.alerting.query("SELECT payload FROM castro.outbox ORDER BY id DESC LIMIT 1")[0]
    assert payload == {
        "product_code": "P1", "rule": "below_minimum", "episode": 2, "reason": "stock 9, minimum 10", "value": "9", "stock": "9",
        "minimum_stock": "10", "days_of_cover": "6", "summary": "product P1: below_minimum: stock 9, minimum 10",
    }  # fmt: skip
    history = followed.alerting.query("SELECT reason, value, ended_because, started_by FROM castro.critical")
    assert [row[:3] for row in history] == [("stock 9, minimum 10", 9, None)]
    assert "inventory 7" in history[0][3]


def test_commits_out_of_band_start_nothing_and_the_next_event_of_the_stream_does(followed: Stock) -> None:
    followed.backfill(moved("P1", 45, id="B1"))
    assert (followed.evaluate().started, followed.lasting()) == (0, [])
    followed.move(moved("P2", 1))
    assert followed.evaluate().started == 0
    followed.move(moved("P1", 1))
    assert followed.evaluate().started == 1
    followed.backfill(moved("P1", 90, "ENTRADA", id="B2"))  # they end one
    assert (followed.evaluate().ended, followed.lasting()) == (1, [])


def test_a_fresh_event_counts_also_if_a_backfill_touches_the_product_afterwards(followed: Stock) -> None:
    followed.move(moved("P1", 45))
    followed.backfill(moved("P1", 1, days_ago=300, id="B1"))
    assert followed.evaluate().started == 1


def test_old_events_of_the_stream_start_nothing(followed: Stock) -> None:
    followed.move(moved("P1", 45, days_ago=2))
    assert followed.evaluate().started == 0
    followed.move(moved("P1", 1, days_ago=1))  # event_days: of yesterday is fresh
    assert followed.evaluate().started == 1


def test_what_was_committed_before_the_first_evaluation_or_while_none_ran_for_long_starts_nothing(stock: Stock) -> None:
    stock.configure(BELOW)
    stock.extract(MASTER, {"product_code": "P1", "description": "Leite", "minimum_stock": 10})
    stock.move(moved("P1", 1, "ENTRADA"))
    assert stock.evaluate().started == 0
    stock.move(moved("P1", 1, "ENTRADA"))
    stock.alerting.query("UPDATE castro.critical_followed SET followed_at = now() - interval '25 hours'")
    assert stock.evaluate().started == 0
    stock.move(moved("P1", 1, "ENTRADA"))
    assert stock.evaluate().started == 1


def test_the_first_commit_of_all_starts_an_episode_if_the_evaluation_began_before_it(stock: Stock) -> None:
    stock.configure({"low_cover": {"days": 3, "ends_at": 5}})
    stock.alerting.query("TRUNCATE castro.stream CASCADE")
    with stock.evaluator() as evaluation:
        evaluation.begin()
    stock.consumer.close()
    stock.consumer = Consumer(stock.alerting)  # type: ignore[arg-type]
    stock.move(moved("P1", 1))
    with stock.evaluator() as evaluation:
        evaluation.begin()  # nothing is skipped where it is followed
        assert evaluation.run().started == 1


def test_an_extract_that_raises_the_minimum_starts_and_one_that_lowers_it_ends(followed: Stock) -> None:
    old = {"product_code": "P1", "description": "Leite", "minimum_stock": 60}
    followed.extract(MASTER, old, age=timedelta(days=3))  # read again, as a full refresh does: not news
    assert followed.evaluate().started == 0
    followed.extract(MASTER, {**old, "minimum_stock": 61})
    assert followed.evaluate().started == 1
    followed.extract(MASTER, full=True)  # the product is gone
    assert followed.evaluate().ended == 1


def test_stock_is_the_last_count_with_what_moved_since_and_levels_have_their_own_minimum(followed: Stock) -> None:
    counted = {"product_code": "P1", "as_of": "2024-01-01", "minimum": 20}
    followed.extract(LEVELS, {**counted, "warehouse": "D1", "quantity_available": 1}, {**counted, "warehouse": "D2", "quantity_available": 2})
    assert followed.evaluate().started == 0  # the first extract of a table is where it begins: 53 in stock, 40 needed
    followed.move(moved("P1", 14))
    assert followed.evaluate().started == 1
    assert followed.alerting.query("SELECT reason FROM castro.critical") == [("stock 39, minimum 40",)]


def test_flags_and_classes(stock: Stock) -> None:
    stock.configure({"flagged": {"classes": ["A"]}})
    stock.evaluate()
    stock.extract(MASTER, {"product_code": "P0", "description": "d"})
    stock.evaluate()
    stock.extract(
        MASTER, {"product_code": "P1", "description": "d", "class": "A"}, {"product_code": "P2", "description": "d", "critical": True},
        {"product_code": "P3", "description": "d", "class": "B", "critical": False},
    )  # fmt: skip
    stock.evaluate()
    assert stock.alerting.query("SELECT product_code, reason FROM castro.critical ORDER BY 1") == [
        ("P1", "of class A"), ("P2", "flagged as critical in the master data")
    ]  # fmt: skip
    stock.extract(MASTER, {"product_code": "P1", "description": "d", "class": "B"})
    assert (stock.evaluate().ended, stock.lasting()) == (1, [("P2", "flagged", 1)])


def test_low_cover(stock: Stock) -> None:
    stock.configure({"low_cover": {"days": 3, "ends_at": 5}})
    stock.evaluate()
    stock.move(moved("P1", 133, "ENTRADA", days_ago=60), moved("P1", 120, days_ago=10))
    stock.move(moved("P1", "0.5"))  # 12.5 at 4 a day
    assert stock.evaluate().started == 0
    stock.move(moved("P1", "0.7"))
    stock.evaluate()
    assert stock.alerting.query("SELECT reason FROM castro.critical") == [("2.9 days of cover, limit 3",)]


def test_an_unusual_day_is_measured_by_the_products_own_days(stock: Stock) -> None:
    stock.configure({"unusual_movement": {"history_days": 90, "least_days": 5, "score": 8, "ends_at": 4, "least_spread": 0.2}})
    stock.evaluate()
    usual = [moved("P1", q, days_ago=n) for n, q in enumerate([10, 12, 8, 11, 9], 5)]
    stock.move(*usual, *[moved("P2", q, days_ago=n) for n, q in enumerate([10, 12, 8, 11], 5)])
    stock.move(*[moved("P3", q, days_ago=n) for n, q in enumerate([99, 10, 99, 10, 99, 10], 5)])  # the lower median is 10
    stock.move(moved("P1", 25), moved("P2", 500), moved("P3", 25))  # P1's spread is 2; P2 has too few days
    assert stock.evaluate().started == 0
    stock.move(moved("P1", 1), moved("P3", 1))
    stock.evaluate()
    today = stock.alerting.query("SELECT max(date)::text FROM ml_inventory_daily")[0][0]
    assert stock.alerting.query("SELECT product_code, reason FROM castro.critical") == [
        ("P1", f"26 issued on {today}, median 10 of 5 days (score 8, limit 8)"),
        ("P3", f"26 issued on {today}, median 10 of 6 days (score 8, limit 8)"),
    ]


def test_measures_agree_with_plain_python(stock: Stock) -> None:
    seed = random.randrange(10**6)
    print("seed", seed)
    chance = random.Random(seed)
    stock.configure({"unusual_movement": {"history_days": 30, "least_days": 4, "score": 8, "ends_at": 2, "least_spread": 0.1}})
    today = datetime.now(ZONE).date()
    days: dict[str, dict[int, tuple[int, int]]] = {
        f"P{n}": {ago: (chance.randrange(-5, 40), chance.randrange(-5, 40)) for ago in range(-1, 35) if chance.random() < 0.5}
        for n in range(40)
    }
    with closing(stock.alerting.connect()) as connection:
        with connection, connection.cursor() as cursor:
            for code, of_product in days.items():
                for ago, (came, went) in of_product.items():
                    cursor.execute(
                        "INSERT INTO ml_inventory_daily (product_code, date, transactions, volume, value, volume_in, volume_out,"
                        " value_in, value_out, revision) VALUES (%s, %s, 1, 0, 0, %s, %s, 0, 0, 1)",
                        (code, today - timedelta(days=ago), came, went),
                    )
        tables = master_tables(connection, stock.settings.product_360)
        measured = rows.measure(connection, list(days), tables, stock.settings.critical, today)
    assert {m.product_code: set(m.movements) for m in measured} == {code: movements(of, today) for code, of in days.items()}


def movements(days: dict[int, tuple[int, int]], today: date) -> set[Movement]:
    """Those that are at least 1.2 times the median: days 0 and 1 are tested, against days 2 to 31."""
    found = set()
    for index, flow in enumerate(("in", "out")):
        tested = [(days[ago][index], -ago) for ago in (0, 1) if ago in days and days[ago][index] > 0]
        before = sorted(moved[index] for ago, moved in days.items() if 2 <= ago <= 31 and moved[index] > 0)
        if tested and len(before) >= 4:
            quantity, ago = max(tested)
            median = before[(len(before) - 1) // 2]
            spread = sorted(abs(q - median) for q in before)[(len(before) - 1) // 2]
            if quantity >= Decimal("1.2") * median:
                found.add(Movement(flow, today + timedelta(days=ago), Decimal(quantity), len(before), Decimal(median), Decimal(spread)))
    return found


def test_status_says_what_lasts_and_why_it_is_off(followed: Stock) -> None:
    def block() -> tuple[dict[str, object], list[str]]:
        status = Status(followed.settings, [])
        parts = {b.key: (part, list(lines(b, part))) for b, part in status.stored() if b is not None}
        return parts["critical"]

    followed.move(moved("P1", 45))
    part, words = block()
    assert (part["behind"], part["lasting"], part["off"]) == (1, {}, None)
    followed.evaluate()
    part, words = block()
    assert (part["behind"], part["lasting"], part["started_last_day"]) == (0, {"below_minimum": 1}, 1)
    assert words[:2] == [
        "critical products: below_minimum", "  episodes    lasting: below_minimum 1; 1 of them started in the last 24 hours"
    ]  # fmt: skip
    followed.configure(BELOW, {"log": {"type": "log"}})
    assert block()[1][0].startswith("critical products: off: no channel of alerts.channels takes the kind critical_product")
