"""Records, commits and jobs that lag or are lost: each check finds the fault that is planted."""

from __future__ import annotations

from datetime import timedelta

import pytest

from castro_spark.errors import KafkaUnavailable
from castro_spark.quality.result import Severity
from tests.builders import event, native
from tests.consumer import PARTITIONS
from tests.databases.checked import Checked
from tests.integration.quality.faults.finding import ERROR, FAIL, NO_DATA, PASS, WARN, found


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


def test_one_partition_that_is_stuck_is_stale_however_new_the_others_are(data: Checked) -> None:
    sent = data.send(map(native, data.events(data.today, PARTITIONS)), ago=timedelta(minutes=25))
    sent += data.send(map(native, data.events(data.today, 30)))
    data.commit([(partition, *rest) for partition, *rest in sent if partition != 1])
    found(data.check("freshness"), FAIL, "the oldest for more than 20 min (partition 1)")


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
        ("DELETE FROM castro.batch_books WHERE partition = 2 AND revision = 9", "1 book does not begin where the ones before end"),
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
    found(data.check("record_counts"), FAIL, "aged out unconsumed")
    data.topic.beginnings = {**data.topic.beginnings, 1: 0}
    data.topic.id = "another"
    found(data.check("record_counts"), FAIL, "it was created again")


def test_corrections_deletes_and_skipped_records_keep_counts_equal(data: Checked) -> None:
    events = data.events(data.today, 30)
    data.take(events)
    data.take([{**e, "quantidade": "99", "codigo_produto": "P1", "data_movimentacao": f"{data.day(2)}T10:00:00"} for e in events[:10]])
    data.commit(data.send([None, native(event(), table="other"), b"{"]))
    found(data.check("record_counts"), PASS, "0 records wait")


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
