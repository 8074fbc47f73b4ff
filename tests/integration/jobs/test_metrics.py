"""The metrics as a scrape sees them, from a real PostgreSQL: no Kafka, no Spark."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.request import urlopen

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from castro_spark.local import Stack
from castro_spark.observe.heartbeat import Heartbeat
from castro_spark.observe.instance import StreamState
from castro_spark.observe.metrics.collector import PostgresCollector
from castro_spark.observe.metrics.driver import served
from castro_spark.process.component import Component, State
from castro_spark.settings import load_settings
from tests.consumer import Consumer
from tests.integration.projection.test_latency import NO_JSON, commit
from tests.servers.serving import serving
from tests.system import System, migrated_system

Series = dict[str, float]


@pytest.fixture(scope="module")
def tables(servers: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """Tables, and neither Kafka nor Spark."""
    with migrated_system(servers, tmp_path_factory.mktemp("metrics")) as system:
        yield system


@pytest.fixture
def consumer(tables: System, monkeypatch: pytest.MonkeyPatch) -> Iterator[Consumer]:
    monkeypatch.setattr("castro_spark.projection.projector._NOTE_SECONDS", -1.0)  # each step counts
    tables.query("TRUNCATE castro.stage_time, castro.instance, castro.outbox, castro.incident, castro.extract_watermark CASCADE")
    tables.configure({"metrics": {"cache_seconds": 0}})
    consumer = Consumer(tables)
    yield consumer
    consumer.close()


def parsed(text: str) -> Series:
    """The series of an answer in Prometheus's format, by name and labels as it writes them."""
    return {
        sample.name + ("{" + ",".join(f"{k}={v}" for k, v in sorted(sample.labels.items())) + "}" if sample.labels else ""): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


@pytest.fixture
def page(consumer: Consumer) -> Iterator[str]:
    """The address of a page."""
    with serving(consumer.settings) as address:
        yield address


def scrape(page: str) -> Series:
    with urlopen(f"{page}/metrics", timeout=10) as answer:
        assert answer.headers["content-type"].startswith("text/plain; version=")
        return parsed(answer.read().decode())


def drivers(page: str) -> list[Any]:
    with urlopen(f"{page}/sd", timeout=10) as answer:
        assert answer.headers["content-type"] == "application/json"
        return json.loads(answer.read())


def beat(consumer: Consumer, ends: dict[int, int], **of_process: str) -> StreamState:
    """A running stream's heartbeat, which has seen these ends of the topic."""
    state = StreamState("inventory", available_now=False)
    state.claimed(consumer.ledger.epoch)
    state.going()
    state.component.saw_topic("id", ends)
    state.component.progressed(stages={"staged": 0.25})
    with Heartbeat(consumer.settings.postgres, [state], "app", **of_process):  # type: ignore[arg-type]
        pass
    return state


def test_an_empty_database_has_metrics(page: str) -> None:
    series = scrape(page)
    assert series["castro_up"] == 1
    assert series["castro_outbox_dead_messages{channel=log}"] == 0
    assert series["castro_commits_total{stream=inventory}"] == 0


def test_what_a_stream_did(consumer: Consumer, page: str) -> None:
    commit(consumer, [100.0, 100.0, 1.0], values=None)
    commit(consumer, [1.0], values=[NO_JSON])
    consumer.projector.step()
    beat(consumer, {0: 6, 1: 0})
    series = scrape(page)
    assert series["castro_ledger_offset{partition=0,stream=inventory}"] == 4
    assert series["castro_lag_records{partition=0,stream=inventory}"] == 2
    assert series["castro_lag_seconds{partition=0,stream=inventory}"] == pytest.approx(1, abs=30)
    assert series["castro_lag_seconds{partition=1,stream=inventory}"] == 0
    assert series["castro_record_timestamp_seconds{partition=0,stream=inventory}"] == pytest.approx(time.time(), abs=30)
    assert series["castro_records_total{outcome=inserted,stream=inventory}"] == 3
    assert series["castro_records_total{outcome=quarantined,stream=inventory}"] == 1
    assert series["castro_commits_total{stream=inventory}"] == 2
    assert series["castro_quarantine_open_records{reason=not_json,stream=inventory}"] == 1
    for sink in ("postgres", "redis"):
        assert series[f"castro_latency_seconds_bucket{{le=60.0,sink={sink},stream=inventory}}"] == 1
        assert series[f"castro_latency_seconds_bucket{{le=+Inf,sink={sink},stream=inventory}}"] == 3
        assert series[f"castro_latency_seconds_count{{sink={sink},stream=inventory}}"] == 3
    assert series["castro_stage_seconds_count{kind=stream,stage=staged,stream=inventory}"] == 1
    assert series["castro_instance_state{kind=stream,state=running,stream=inventory}"] == 1
    assert series["castro_instance_state{kind=stream,state=silent,stream=inventory}"] == 0
    assert series["castro_restarts_total{stream=inventory}"] == 0
    assert series["castro_projection_lag_commits{stream=inventory}"] == 0


def test_counters_go_on_from_process_to_process(consumer: Consumer, page: str) -> None:
    commit(consumer, [1.0])
    consumer.projector.step()
    before = scrape(page)
    commit(consumer, [1.0])
    consumer.close()
    with closing(Consumer(consumer.system, resume=True)) as later:
        later.projector.step()
        commit(later, [1.0])
        later.projector.step()
    after = scrape(page)
    for name in ("castro_records_total{outcome=inserted,stream=inventory}", "castro_latency_seconds_count{sink=redis,stream=inventory}"):
        assert (before[name], after[name]) == (1, 3)


def test_the_lag_in_time_begins_when_the_stream_was_level(consumer: Consumer, page: str) -> None:
    commit(consumer, [3600.0])
    state = beat(consumer, {0: 1})
    state.component.saw_topic("id", {0: 2})  # a record after an hour without any
    with Heartbeat(consumer.settings.postgres, [state], "app"):
        pass
    series = scrape(page)
    assert series["castro_lag_records{partition=0,stream=inventory}"] == 1
    assert series["castro_lag_seconds{partition=0,stream=inventory}"] < 60
    beat(consumer, {0: 2})  # a process that never saw it level knows the newest committed record only
    assert scrape(page)["castro_lag_seconds{partition=0,stream=inventory}"] == pytest.approx(3600, abs=60)


def test_redis_that_lags(consumer: Consumer, page: str) -> None:
    commit(consumer, [1.0])
    consumer.projector.step()
    commit(consumer, [1.0])
    commit(consumer, [1.0])
    consumer.system.query("UPDATE castro.uncounted SET committed_ms = committed_ms - 50000")
    consumer.system.query("UPDATE castro.projection SET revision = 1, error = 'refused'")
    series = scrape(page)
    assert series["castro_projection_lag_commits{stream=inventory}"] == 2
    assert series["castro_projection_lag_seconds{stream=inventory}"] == pytest.approx(50, abs=20)
    assert series["castro_projection_failing{stream=inventory}"] == 1


def test_incidents_outbox_jobs_and_tables(consumer: Consumer, page: str) -> None:
    query = consumer.system.query
    query("INSERT INTO castro.incident (check_name, subject, outcome, level, words, evidence, opened_at, seen_at, worst_level, outcomes)"
          " VALUES ('freshness', 'inventory', 'fail', 3, 'w', '{}', now(), now(), 3, '{fail}')")  # fmt: skip
    query("INSERT INTO castro.outbox (kind, cause, channel, message_id, payload, state, settled_at) VALUES"
          " ('incident', 'a', 'hook', gen_random_uuid(), '{}', 'dead', now()), ('incident', 'b', 'hook', gen_random_uuid(), '{}', 'pending', NULL)")  # fmt: skip
    query("INSERT INTO castro.extract_watermark VALUES ('ml_purchases', to_timestamp(1000), 1, 'full', 1, to_timestamp(2000))")
    job = Component("reconcile", "inventory")
    job._mode = job._mode.__class__.ONCE
    job.enter(State.DONE)
    with Heartbeat(consumer.settings.postgres, [job], "app"):
        pass
    series = scrape(page)
    assert series["castro_incident_open{check=freshness,level=critical,muted=false,subject=inventory}"] == 1
    assert series["castro_outbox_dead_messages{channel=hook}"] == 1
    assert series["castro_outbox_pending_messages{channel=hook}"] == 1
    assert series["castro_outbox_oldest_pending_timestamp_seconds{channel=hook}"] == pytest.approx(time.time(), abs=60)
    assert series["castro_extract_timestamp_seconds{table=ml_purchases}"] == 2000
    assert series["castro_extract_watermark_timestamp_seconds{table=ml_purchases}"] == 1000
    assert series["castro_job_success_timestamp_seconds{kind=reconcile,stream=inventory}"] == pytest.approx(time.time(), abs=60)


def test_without_postgres_it_is_down_and_comes_back(consumer: Consumer, page: str) -> None:
    assert scrape(page)["castro_up"] == 1
    system = consumer.system
    elsewhere = load_settings(conf_file=system.conf, environ={**system.env, "CASTRO_POSTGRES_DSN": "host=127.0.0.1 port=1 dbname=x user=x"})
    registry = CollectorRegistry()
    registry.register(PostgresCollector(elsewhere))
    assert [(f.name, [s.value for s in f.samples]) for f in registry.collect()] == [("castro_up", [0.0])]
    consumer.close()
    system.query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'castro_spark metrics'")
    assert scrape(page)["castro_up"] == 1


def test_scrapes_share_an_answer(tables: System) -> None:
    tables.configure({"metrics": {"cache_seconds": 300}})
    settings = load_settings(conf_file=tables.conf, environ=tables.env)
    with closing(PostgresCollector(settings)) as collector:
        assert collector.collect() is collector.collect()


def test_a_driver_serves_its_own_and_sd_knows_it(consumer: Consumer, page: str) -> None:
    system = consumer.system
    assert drivers(page) == []
    system.configure({"metrics": {"driver_address": "127.0.0.1", "cache_seconds": 0}})
    settings = load_settings(conf_file=system.conf, environ=system.env)
    state = StreamState("inventory", available_now=False)
    with served(settings) as address, Heartbeat(settings.postgres, [state], "application_1_1", metrics_address=address):
        assert address is not None
        with urlopen(f"http://{address}/metrics", timeout=10) as answer:
            series = parsed(answer.read().decode())
        assert series["castro_up"] == 1
        assert series["process_cpu_seconds_total"] > 0
        (group,) = drivers(page)
        assert group["targets"] == [address]
        assert group["labels"]["__meta_castro_streams"] == "inventory"
        assert group["labels"]["__meta_castro_application"] == "application_1_1"
        system.configure({"metrics": {"driver_address": "127.0.0.1", "driver_port": int(address.rpartition(":")[2])}})
        with served(load_settings(conf_file=system.conf, environ=system.env)) as taken:
            assert taken is None  # another driver of this machine has the port: the stream goes on
    system.query("UPDATE castro.instance SET state = 'stopped'")
    assert drivers(page) == []

