"""Each quality check passes on clean data, and finds the fault that is planted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import timedelta
from decimal import Decimal
from unittest.mock import patch

import pytest

from castro_spark.errors import KafkaUnavailable
from castro_spark.local import Stack
from castro_spark.quality.checks import NAMES
from castro_spark.quality.result import Outcome, Result, Severity
from castro_spark.quality.run import run_checks
from castro_spark.sinks.postgres.commit.staging import stage_on_driver
from castro_spark.sinks.postgres.connection import connect
from castro_spark.sinks.postgres.migrate import migrate
from castro_spark.streaming.product_360 import Product360
from castro_spark.streams import all_streams, stream
from tests.builders import event, native
from tests.consumer import PARTITIONS, with_positions
from tests.databases.checked import A_DAY, PRODUCTS, Checked
from tests.system import System

PASS, WARN, FAIL, ERROR, NO_DATA = (Outcome(o) for o in ("pass", "warn", "fail", "error", "no_data"))


NO_HOLIDAYS = {"holiday_country": None}  # the days of a test are of any date


@pytest.fixture(scope="module")
def filled(servers: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Checked]:
    """Thirty days; each test adds a fault, and mends it or leaves what others do not look at."""
    system = System(servers, tmp_path_factory.mktemp("quality"))
    system.migrate(topics=False)
    checked = Checked(system)
    checked.fill()
    yield checked
    checked.close()
    system.end()


@pytest.fixture
def data(filled: Checked) -> Iterator[Checked]:
    """As filled. Whatever a test changes in the database is undone."""
    system = filled.system
    system.configure({"quality": {"volume": NO_HOLIDAYS}})
    copies = [f"ml_inventory_{of}" for of in ("realtime", "daily", "monthly")]
    copies += [f"castro.{of}" for of in ("offset_ledger", "batch_books", "quarantine", "unknown_field", "touched", "stream")]
    system.query("; ".join(f"CREATE TABLE kept_{n} AS TABLE {name}" for n, name in enumerate(copies)))
    positions, times = dict(filled.consumer.positions), {p: list(t) for p, t in filled.topic.times.items()}
    yield filled
    system.query("UPDATE castro.product_360 SET revision = 0, seen = '{}', refreshed_at = NULL")
    system.query("TRUNCATE castro.quality_result, castro.instance, ml_product_master, ml_product_360; TRUNCATE " + ", ".join(copies) + " CASCADE")
    order = [copies.index("castro.stream"), *(n for n, name in enumerate(copies) if name != "castro.stream")]
    for n in order:
        overriding = "OVERRIDING SYSTEM VALUE" if copies[n] == "castro.quarantine" else ""
        system.query(f"INSERT INTO {copies[n]} {overriding} TABLE kept_{n}; DROP TABLE kept_{n}")
    filled.consumer.positions, filled.topic.times = positions, times
    filled.topic.id, filled.topic.error = "id", None
    system.redis.flushdb()
    while not filled.consumer.projector.step().is_level:  # rewrites every hash
        pass


def found(result: Result, outcome: Outcome, words: str) -> None:
    assert result.outcome is outcome, result
    assert words in result.words, result.words


def test_clean_data_pass_every_check(data: Checked) -> None:
    results = {(r.check, r.subject): r for r in data.run()}
    wrong = [r for r in results.values() if r.outcome not in (PASS, NO_DATA)]
    assert wrong == []
    judged = {r.check for r in results.values() if r.outcome is PASS}
    # No archive, extract, reconciliation or master data is there, and the view was never refreshed.
    assert set(NAMES) - judged <= {"archive_lag", "extract_age", "reconcile_age", "references", "product_360_lag"}


def test_a_stuck_topic_is_stale_and_a_quiet_one_is_not(data: Checked) -> None:
    found(data.check("freshness"), PASS, "every record is committed")
    late = data.send([native(e) for e in data.events(data.today, 6)], ago=timedelta(minutes=45))
    young = data.send([native(e) for e in data.events(data.today, 9)], ago=timedelta(minutes=2))
    stale = data.check("freshness")
    found(stale, FAIL, "15 records wait, the oldest for more than 40 min")
    assert (stale.severity, stale.observed) == (Severity.CRITICAL, "40 min")
    data.commit(late)
    found(data.check("freshness"), PASS, "9 records wait, all of them newer than 5 min")
    data.commit(young)
    found(data.check("freshness"), PASS, "every record is committed")


def test_unreadable_times_are_judged_by_the_ledger(data: Checked) -> None:
    data.send([native(event())], ago=timedelta(days=-36500))
    assert data.check("freshness").outcome is PASS
    data.system.query("UPDATE castro.offset_ledger SET updated_at = now() - interval '3 hours'")
    found(data.check("freshness"), FAIL, "for more than 3 h")


def test_kafka_that_does_not_answer_is_an_error_and_hides_nothing(data: Checked) -> None:
    data.topic.error = KafkaUnavailable("Kafka at 127.0.0.1:1: no broker answers")
    found(data.check("freshness"), ERROR, "no broker answers")
    found(data.check("record_counts"), ERROR, "ledger, books and tables agree, but the topic cannot be asked")
    data.system.query("DELETE FROM ml_inventory_realtime WHERE event_id = (SELECT max(event_id) FROM ml_inventory_realtime"
                      " WHERE date = %(day)s AND product_code = 'P1')", {"day": data.day(1)})  # fmt: skip
    found(data.check("record_counts"), FAIL, "daily row P1")


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("UPDATE castro.offset_ledger SET next_offset = 1000000 WHERE partition = 1", "beyond the end"),
        ("UPDATE castro.offset_ledger SET next_offset = next_offset - 1 WHERE partition = 0", "the books end at"),
        ("DELETE FROM castro.batch_books WHERE partition = 2 AND revision = 9", "do not begin where the ones before end"),
        ("DELETE FROM ml_inventory_realtime WHERE event_id IN (SELECT event_id FROM ml_inventory_realtime"
         " ORDER BY created_at DESC LIMIT 3)", "inserted 480 events; the table has 477 of these"),
        ("UPDATE ml_inventory_daily SET volume = volume + 1 WHERE product_code = 'P3' AND date = %(day)s",
         "daily row P3"),
        ("UPDATE ml_inventory_monthly SET value = value + 1 WHERE product_code = 'P4'", "monthly row P4"),
        ("DELETE FROM ml_inventory_monthly WHERE product_code = 'P5'", "monthly row P5"),
    ],
)  # fmt: skip
def test_counts_that_differ(data: Checked, fault: str, words: str) -> None:
    assert data.check("record_counts").outcome is PASS
    data.system.query(fault, {"day": data.day(1)})
    found(data.check("record_counts"), FAIL, words)


def test_aged_out_records_and_a_topic_created_again_are_no_equal_counts(data: Checked) -> None:
    data.topic.beginnings = {**data.topic.beginnings, 1: 10_000}
    found(data.check("record_counts"), FAIL, "aged out before they were consumed")
    data.topic.beginnings = {**data.topic.beginnings, 1: 0}
    data.topic.id = "another"
    found(data.check("record_counts"), FAIL, "it was created again")


def test_corrections_deletes_and_skipped_records_keep_counts_equal(data: Checked) -> None:
    events = data.events(data.today, 30)
    data.take(events)
    data.take([{**e, "quantidade": "99", "codigo_produto": "P1", "data_movimentacao": f"{data.day(2)}T10:00:00"} for e in events[:10]])
    data.commit(data.send([None, native(event(), table="other"), b"{"]))
    found(data.check("record_counts"), PASS, "0 records wait")


def test_a_vanished_column_and_one_that_nobody_declared(data: Checked) -> None:
    data.system.query("ALTER TABLE ml_inventory_realtime RENAME customer TO client")
    try:
        seen = data.check("schema")
    finally:
        data.system.query("ALTER TABLE ml_inventory_realtime RENAME client TO customer")
    found(seen, FAIL, "ml_inventory_realtime lacks column customer")
    assert seen.evidence["extra"] == ["ml_inventory_realtime.client"]
    data.system.query("ALTER TABLE ml_product_master RENAME category TO kind")
    try:
        found(data.check("schema", subject="ml_product_master"), FAIL, "ml_product_master lacks column category")
    finally:
        data.system.query("ALTER TABLE ml_product_master RENAME kind TO category")


def test_an_optional_field_that_vanishes(data: Checked) -> None:
    data.take(data.events(data.today, 240, cliente=...))
    found(data.check("schema"), FAIL, "field cliente has vanished")
    found(data.check("null_rates"), FAIL, "customer of SAIDA is null in 100.00 %, usually in 0.00 %")


def test_a_required_field_that_is_renamed(data: Checked) -> None:
    data.take(data.events(data.today, 30, deposito=..., deposito_id="D1"))
    seen = data.check("schema")
    found(seen, FAIL, "field deposito is missing in 30 records, which were rejected")
    assert seen.evidence["vanished"] == ["deposito"]
    assert seen.evidence["unknown"] == ["deposito_id"]


def test_nulls_that_grow(data: Checked) -> None:
    data.take(e | {"cliente": None} if n % 2 else e for n, e in enumerate(data.events(data.today, 480)))
    found(data.check("null_rates"), FAIL, "customer of SAIDA")
    data.system.configure({"quality": {"null_rates": {"of": {"inventory.customer": {"rise": 0.6}}}}})
    assert data.check("null_rates").outcome is PASS


def test_a_doubled_day(data: Checked) -> None:
    doubled = data.events(data.today, A_DAY)
    data.take(doubled)
    assert data.check("duplicates").outcome is PASS
    data.take({**e, "id_evento": f"again-{e['id_evento']}"} for e in doubled)
    twice = data.check("duplicates")
    found(twice, FAIL, "240 of 480 events repeat another one but for its id")
    assert len(twice.evidence["examples"]) == 5
    tomorrow = data.day(-1)
    found(data.check("volume", day=tomorrow), WARN, f"{data.today}: 480 events; usual for this weekday are 240")
    data.take(data.events(data.today, 500))
    found(data.check("volume", day=tomorrow), FAIL, "980 events")


def test_an_empty_day(data: Checked) -> None:
    found(data.check("volume", day=data.day(-1)), FAIL, f"{data.today}: 0 events")


def test_prices_times_ten_and_quantities_times_ten(data: Checked) -> None:
    data.take({**e, "custo_unitario": str(Decimal(e["custo_unitario"]) * 10)} for e in data.events(data.today, 120))
    found(data.check("drift"), FAIL, "120 of 120 events have a unit_cost beyond a factor of 5")


def test_quantities_times_ten(data: Checked) -> None:
    data.take({**e, "quantidade": str(int(e["quantidade"]) * 10)} for e in data.events(data.today, 120))
    found(data.check("drift"), FAIL, "usually 10.0")


def test_prices_and_quantities_of_nothing(data: Checked) -> None:
    data.take({**e, "custo_unitario": "0"} for e in data.events(data.today, 120))
    found(data.check("drift"), FAIL, "120 of 120 events have a unit_cost beyond a factor of 5 of their product's usual one (median ratio 0.0)")


def test_quantities_of_nothing(data: Checked) -> None:
    data.take({**e, "quantidade": "0"} for e in data.events(data.today, 120))
    found(data.check("drift"), FAIL, "the median quantity is 0.0, usually 10.0")


def test_one_partition_that_is_stuck_is_stale_however_new_the_others_are(data: Checked) -> None:
    sent = data.send(map(native, data.events(data.today, PARTITIONS)), ago=timedelta(minutes=25))
    sent += data.send(map(native, data.events(data.today, 30)))
    data.commit([(partition, *rest) for partition, *rest in sent if partition != 1])
    found(data.check("freshness"), FAIL, "the oldest for more than 20 min (partition 1)")


def test_products_without_master_data(data: Checked) -> None:
    assert data.check("references").outcome is NO_DATA
    data.system.query("INSERT INTO ml_product_master (product_code, description, last_modified) SELECT 'P' || n, 'x', now() FROM generate_series(0, 10) n")
    found(data.check("references"), WARN, "20 of 240 recent events are of 1 products not in ml_product_master")
    data.system.query("INSERT INTO ml_product_master (product_code, description, last_modified) VALUES ('P11', 'x', now())")
    assert data.check("references").outcome is PASS


def test_rejected_records(data: Checked) -> None:
    data.take(data.events(data.today, 4000))
    quiet = data.check("quarantine_share")
    assert quiet.outcome is PASS
    data.commit(data.send([b"{"] * 200))
    found(data.check("quarantine_share"), WARN, "200 of")
    data.commit(data.send([b"{"] * 3000))
    found(data.check("quarantine_share"), FAIL, "(not_json 3,200)")


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


def test_a_redis_that_does_not_answer_is_an_error(data: Checked) -> None:
    with patch.dict(data.system.env, CASTRO_REDIS_URL="redis://127.0.0.1:1/1"):
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
    found(data.check("projection_lag"), FAIL, "Redis lacks 1 commits")


def test_an_archive_that_has_stopped(data: Checked) -> None:
    data.system.configure({"archive": {"dir": "/nowhere"}})
    assert data.check("archive_lag").outcome is NO_DATA
    data.system.query(
        "INSERT INTO castro.instance (stream, instance, kind, host, pid, application, mode, state, state_since, positions,"
        " topic_id, heartbeat_at) SELECT 'inventory', 'a', 'archive', 'h', 1, 'app', 'continuous', 'failed', now(),"
        " jsonb_object_agg(partition, next_offset), 'id', now() - interval '1 day' FROM castro.offset_ledger"
    )
    found(data.check("archive_lag"), PASS, "every record is archived")
    data.commit(data.send([native(e) for e in data.events(data.today, 5)], ago=timedelta(hours=3)))
    found(data.check("archive_lag"), FAIL, "5 records are not archived yet, the oldest for more than 120 min; the archive's process")


def test_ages_of_extracts_reconciliations_and_the_view(data: Checked) -> None:
    query = data.system.query
    assert data.check("extract_age", subject="ml_purchases").outcome is NO_DATA
    query("INSERT INTO castro.extract_watermark VALUES ('ml_purchases', now(), 1, 'incremental', 1, now() - interval '2 hours')")
    found(data.check("extract_age", subject="ml_purchases"), WARN, "the last extract (incremental) was 120 min ago")
    query("DELETE FROM castro.extract_watermark")
    assert data.check("reconcile_age").outcome is NO_DATA
    query(
        "INSERT INTO castro.instance (stream, instance, kind, host, pid, application, mode, state, state_since, heartbeat_at)"
        " VALUES ('', 'r', 'reconcile', 'h', 1, 'app', 'once', 'done', now(), now() - interval '9 days')"
    )
    found(data.check("reconcile_age"), FAIL, "the last reconciliation was 9 days ago")
    query("UPDATE castro.product_360 SET seen = jsonb_build_object('inventory', (SELECT revision FROM castro.stream))")
    assert data.check("product_360_lag", subject="product_360").outcome is PASS
    query("UPDATE castro.product_360 SET seen = '{}'; UPDATE castro.batch_books SET committed_at = now() - interval '1 hour'")
    found(data.check("product_360_lag", subject="product_360"), FAIL, "commits of inventory are not included yet")


def test_a_check_that_takes_too_long_is_an_error_and_the_others_run(data: Checked) -> None:
    data.system.configure({"quality": {"statement_timeout_seconds": 0.3, "volume": NO_HOLIDAYS}})
    blocked = data.system.connect()
    blocked.cursor().execute("LOCK TABLE castro.offset_ledger")
    try:
        results = {r.check: r for r in data.run("freshness", "volume")}
    finally:
        blocked.close()
    found(results["freshness"], ERROR, "longer than quality.statement_timeout_seconds")
    assert results["volume"].outcome is PASS


def test_results_are_stored_with_what_follows_from_them_and_pruned(data: Checked) -> None:
    noted: list[int] = []

    def note(connection: object, results: object) -> None:
        noted.append(len(results))  # type: ignore[arg-type]
        if len(noted) > 1:
            raise RuntimeError("the transaction ends")

    def run() -> None:
        run_checks(data.settings, [stream("inventory")], data.topic, names=["volume"], note=note)

    run()
    with pytest.raises(RuntimeError):
        run()
    rows = data.system.query("SELECT check_name, subject, outcome, failed, severity, day FROM castro.quality_result")
    assert rows == [("volume", "inventory", "pass", False, "warning", data.today)]
    data.system.query("UPDATE castro.quality_result SET judged_at = now() - interval '1 year'")
    data.check("volume")
    assert data.system.query("SELECT count(*) FROM castro.quality_result") == [(1,)]


def test_an_unusual_day_is_no_baseline(data: Checked) -> None:
    day = data.day(-1)
    data.take(data.events(data.today, 2000))
    assert data.check("volume", day=day).outcome is FAIL
    later = data.check("volume", day=day + timedelta(weeks=1))
    assert str(data.today) not in later.evidence["baseline"]
    assert str(data.day(7)) in later.evidence["baseline"]


