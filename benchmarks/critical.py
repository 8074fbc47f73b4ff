"""Measures critical products on this machine, on PostgreSQL and Redis alone.

    ./benchmarks/run.sh critical [--products N]

From a commit to its task in the broker: woken, polled, and half a second after a burst that touches all products; then
how long an evaluation of all products takes, and one in which all of them start an episode. Each product has 95 days
and 120 months of movements; all rules are on.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import redis

from castro_spark.critical.follower import CriticalProducts
from castro_spark.local import Stack
from castro_spark.outbox.deliverer import Deliverer
from castro_spark.streams import stream
from tests.databases.alerting import NO_KAFKA, Alerting
from tests.databases.stock import MASTER, Stock, moved

RULES = {
    "flagged": {"classes": ["A"]},
    "below_minimum": {"ends_at": 1.1},
    "low_cover": {"days": 1, "ends_at": 2},
    "unusual_movement": {"history_days": 90, "least_days": 10, "score": 8, "ends_at": 4, "least_spread": 0.2},
}
FILL = (
    """
    INSERT INTO ml_product_master (product_code, description, minimum_stock, last_modified)
    SELECT 'P' || i, 'd', 100, 'epoch' FROM generate_series(1, %(products)s) i
    """,
    """
    INSERT INTO ml_inventory_daily (product_code, date, transactions, volume, value, volume_in, volume_out, value_in,
        value_out, revision)
    SELECT 'P' || i, current_date - d, 3, 1000, 30, 12 + i %% 5, 10 + (i + d) %% 7, 10, 10, 1
    FROM generate_series(1, %(products)s) i, generate_series(0, 95) d
    """,
    """
    INSERT INTO ml_inventory_monthly (product_code, month, transactions, volume, value, volume_in, volume_out, value_in,
        value_out, revision)
    SELECT 'P' || i, date_trunc('month', current_date)::date - m * interval '1 month', 3, 3000, 30, 12, 10, 10, 10, 1
    FROM generate_series(1, %(products)s) i, generate_series(0, 119) m
    """,
)
TOUCH = """
    WITH s AS (UPDATE castro.stream SET revision = revision + 1 RETURNING revision)
    INSERT INTO castro.touched (stream, product_code, revision, fresh_revision)
    SELECT 'inventory', 'P' || i, revision, revision FROM s, generate_series(1, %(products)s) i
    ON CONFLICT (stream, product_code) DO UPDATE SET revision = EXCLUDED.revision, fresh_revision = EXCLUDED.revision
    """


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--products", type=int, default=10_000)
    count = {"products": parser.parse_args().products}
    with tempfile.TemporaryDirectory() as folder, Stack(Path(folder), die_with_parent=True, external=NO_KAFKA) as stack:
        alerting = Alerting(stack, Path(folder))
        stock = Stock(alerting)
        for statement in FILL:
            alerting.query(statement, count)
        with closing(alerting.connect()) as connection:
            connection.autocommit = True
            connection.cursor().execute("VACUUM ANALYZE")
        latencies(alerting, stock, count)
        alerting.query(TOUCH, count)
        print(f"all products: {seconds(stock)}")
        alerting.query("UPDATE ml_product_master SET minimum_stock = 1e9")
        alerting.query(TOUCH, count)
        print(f"all products, each with a new episode: {seconds(stock)}")
        stock.close()


def latencies(alerting: Alerting, stock: Stock, count: dict[str, int]) -> None:
    base = stock.redis_url.rpartition("/")[0]
    password = Path(alerting.env["CASTRO_REDIS_PASSWORD_FILE"]).read_text().strip()
    alerting.env["CASTRO_ALERTS_CELERY_PASSWORD"] = password
    stock.configure(RULES, {"celery": {"type": "celery", "broker": f"{base}/14"}})
    broker = redis.Redis.from_url(f"{base}/14", password=password)
    codes = [f"Q{n}" for n in range(45)]
    known = ({"product_code": code, "description": "d", "minimum_stock": 10} for code in codes)
    stock.extract(MASTER, *known, age=timedelta(days=9))
    critical = CriticalProducts(stock.settings, [stream("inventory")])

    def one(*, wake: bool) -> float:
        before = broker.llen("celery")
        stock.move(moved(codes.pop(), 1, "ENTRADA"))
        began = time.monotonic()
        if wake:
            critical.wake("inventory")
        while broker.llen("celery") == before:
            time.sleep(0.002)
        return time.monotonic() - began

    def burst() -> float:
        alerting.query(TOUCH, count)
        critical.wake("inventory")
        time.sleep(0.5)
        return one(wake=True)

    with Deliverer(stock.settings), critical:
        time.sleep(2)
        for words, taken in (
            ("woken", [one(wake=True) for _ in range(20)]),
            ("polled", [one(wake=False) for _ in range(20)]),
            ("half a second after a burst", [burst() for _ in range(5)]),
        ):
            print(f"commit to broker, {words}: p50 {statistics.median(taken):.3f} s, at most {max(taken):.3f} s")


def seconds(stock: Stock) -> str:
    began = time.monotonic()
    done = stock.evaluate()
    return f"{done.products:,} in {time.monotonic() - began:.1f} s, {done.started:,} episodes"


if __name__ == "__main__":
    main()
