"""Hashes that differ or wait to be written: each check finds the fault that is planted."""

from __future__ import annotations

from contextlib import closing

import pytest

from castro_spark.quality.result import Result
from castro_spark.sinks.postgres.commit.staging import stage_on_driver
from castro_spark.sinks.postgres.connection import connect
from castro_spark.sinks.postgres.schema.migrate import migrate
from castro_spark.streaming.product_360 import Product360
from castro_spark.streams import all_streams
from tests.builders import native
from tests.consumer import with_positions
from tests.databases.checked import PRODUCTS, Checked
from tests.integration.quality.faults.finding import ERROR, FAIL, NO_DATA, PASS, found


def test_a_wrong_and_a_missing_hash(data: Checked) -> None:
    redis = data.system.redis
    data.take(data.events(data.today, 24))
    assert data.check("redis_sample").outcome is PASS
    key = f"agg:daily:P3:{data.day(1)}"
    was = redis.hget(key, "volume")
    redis.hset(key, "volume", "1")
    found(data.check("redis_sample"), FAIL, f"differ from PostgreSQL: {key}")
    data.system.configure({"quality": {"redis_sample": {"products": 1}}})
    for _ in range(3):  # whatever is sampled
        found(data.check("redis_sample"), FAIL, f"differ from PostgreSQL: {key}")
    data.system.configure({})
    redis.hset(key, "volume", was)
    redis.delete("inventory:realtime:P4")
    found(data.check("redis_sample"), FAIL, "inventory:realtime:P4")


def test_a_wrong_hash_of_any_cached_day_or_month(data: Checked) -> None:
    redis, month = data.system.redis, data.day(30)
    for key in (f"agg:daily:P3:{data.day(5)}", f"agg:monthly:P3:{month.year}-{month.month}"):
        was = redis.hget(key, "volume")
        redis.hset(key, "volume", "1")
        found(data.check("redis_sample"), FAIL, f"differ from PostgreSQL: {key}")
        data.system.configure({"quality": {"redis_sample": {"products": 1, "whole_products": 0}}})
        for _ in range(3):  # whatever is sampled
            found(data.check("redis_sample"), FAIL, f"differ from PostgreSQL: {key}")
        data.system.configure({})
        redis.hset(key, "volume", was)
        assert data.check("redis_sample").outcome is PASS
    redis.hset(f"agg:daily:P3:{data.day(5)}", "a_field_of_nobody", "1")
    assert data.check("redis_sample").outcome is FAIL


def test_a_wrong_hash_of_the_view(data: Checked) -> None:
    def check() -> Result:
        return data.check("redis_sample", subject="product_360")

    assert check().outcome is NO_DATA
    with closing(connect(data.settings.postgres, "test")) as connection:
        migrate(connection, all_streams().values())
    with closing(Product360(data.settings)) as view:
        assert view.refresh() == PRODUCTS
        found(check(), PASS, f"0 of {PRODUCTS} hashes differ")
        data.system.redis.hset("product:360:P3", "stock", "1")
        found(check(), FAIL, f"1 of {PRODUCTS} hashes differ from PostgreSQL: product:360:P3")
        data.system.redis.delete("product:360:P4")
        found(check(), FAIL, "product:360:P3, product:360:P4")
        view.rebuild()
        assert check().outcome is PASS


def test_a_redis_that_does_not_answer_is_an_error(data: Checked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(data.system.env, "CASTRO_REDIS_URL", "redis://127.0.0.1:1/1")
    found(data.check("redis_sample"), ERROR, "could not run: Redis: it cannot be reached")
    found(data.check("projection_lag"), ERROR, "Redis does not answer")


def test_a_commit_that_is_not_published_yet_is_in_flight(data: Checked) -> None:
    consumer = data.consumer
    batch = data.send([native(e) for e in data.events(data.today, 24)])
    rows = with_positions(batch)
    ends = consumer.ends(batch)
    consumer.commit(99, stage_on_driver([rows], consumer.rules, consumer.positions), ends)
    consumer.positions = ends
    found(data.check("redis_sample"), PASS, "are being written")
    assert data.check("projection_lag").outcome is PASS
    data.system.query("UPDATE castro.batch_books SET committed_at = now() - interval '1 hour'")
    found(data.check("projection_lag"), FAIL, "Redis lacks 1 commit")
