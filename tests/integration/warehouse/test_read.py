"""What notebooks read: PostgreSQL, archive and warehouse give the same events, and the docstrings' examples are true."""

from __future__ import annotations

import doctest
import random
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession

import castro_spark
from castro_spark import read
from castro_spark.errors import SettingsError, SourceError, UsageError
from castro_spark.settings import Settings, load_settings
from castro_spark.streams import stream
from tests import engine
from tests.builders import debezium, debezium_key, event, native, random_events
from tests.databases import warehouse as w
from tests.system import System

INVENTORY = stream("inventory")
FIRST = [
    event(id_evento="E1", data_movimentacao="2025-01-01T10:00:00"),
    event(id_evento="E2", data_movimentacao="2025-01-02T23:30:00", tipo_movimentacao="SAIDA", quantidade="2.5"),
]
CORRECTED = event(id_evento="E1", data_movimentacao="2025-01-01T10:00:00", quantidade=12)


def settings_of(system: System) -> Settings:
    return load_settings(conf_file=system.conf, environ=system.env)


def rows(frame: DataFrame) -> list[tuple[object, ...]]:
    return sorted((tuple(row) for row in frame.collect()), key=repr)


def test_the_examples_are_true(archived: System, monkeypatch: pytest.MonkeyPatch) -> None:
    archived.produce([native(e) for e in FIRST], partition=0)
    archived.drain()
    archived.produce([native(CORRECTED), b"{not json"], partition=0)
    archived.drain()
    monkeypatch.setattr(read, "load_settings", lambda: settings_of(archived))
    with engine.default_session() as spark:
        spark.conf.set("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
        tried = doctest.testmod(read, extraglobs={"spark": spark})
        assert (tried.failed, tried.attempted > 5) == (0, True)
        # As the archive was between the two: by version, and by its time.
        versions = read.archive_versions(spark, "inventory").orderBy("version").collect()
        between = next(v for v in versions if read.archive(spark, "inventory", as_of=v.version).count() == 2)
        by_time = between.committed_at.replace(tzinfo=timezone.utc)
        for as_of in (between.version, by_time):
            then = read.events(spark, "inventory", source="archive", as_of=as_of)
            assert [(r.event_id, int(r.quantity)) for r in then.orderBy("event_id").collect()] == [("E1", 10), ("E2", 2)]
        with pytest.raises(SourceError, match="no version 99"):
            read.archive(spark, "inventory", as_of=99)
        with pytest.raises(SourceError, match="no version of 2001"):
            read.archive(spark, "inventory", as_of=datetime(2001, 1, 1, tzinfo=timezone.utc))
        with pytest.raises(UsageError, match="no time zone"):
            read.archive(spark, "inventory", as_of=datetime(2001, 1, 1))
        with pytest.raises(UsageError, match="archive"):
            read.events(spark, "inventory", as_of=1)
        with pytest.raises(UsageError, match="there is no stream 'stock'"):
            read.events(spark, "stock")


def test_archive_and_postgres_hold_the_same_events(archived: System) -> None:
    chance = random.Random(7)
    changes = [
        (debezium(event(quantidade="4"), lsn=10, sequence='["9","10"]'), debezium_key(id="D1")),
        (debezium(event(quantidade="5", custo_unitario="__debezium_unavailable_value"), op="u", lsn=12, sequence='["9","12"]'),
         debezium_key(id="D1")),
        (debezium(event(codigo_produto="P2"), lsn=13, sequence='["9","13"]'), debezium_key(id="D2")),
        (debezium(None, op="d", before={}, lsn=14, sequence='["9","14"]'), debezium_key(id="D2")),
        (debezium(event(codigo_produto="P3"), lsn=15, sequence='["9","15"]'), debezium_key(id="D2")),
        (debezium(event(codigo_produto="P4"), lsn=16, sequence='["9","16"]'), debezium_key(id="D3")),
        (debezium(None, op="d", before={}, lsn=17, sequence='["9","17"]'), debezium_key(id="D3")),
    ]  # fmt: skip
    for value, key in changes:
        archived.producer.produce(archived.topic, value, key=key, partition=1)
    archived.produce([native(e) for e in random_events(chance, 300)], partition=0)
    archived.drain()
    settings = settings_of(archived)
    with engine.default_session() as spark:
        streamed = read.events(spark, "inventory", settings=settings)
        received = read.events(spark, "inventory", source="archive", settings=settings)
        assert streamed.schema.simpleString() == received.schema.simpleString()
        assert rows(streamed) == rows(received)
        ids = {r.event_id: r for r in received.collect()}
        assert (str(ids["D1"].quantity), str(ids["D1"].value_total)) == ("5.000000", "12.500000000000")
        assert ids["D2"].product_code == "P3"
        assert "D3" not in ids
        for kind, computed in (("daily", castro_spark.daily), ("monthly", castro_spark.monthly)):
            committed = getattr(read, kind)(spark, "inventory", settings=settings)
            assert rows(committed) == rows(computed(received, INVENTORY))
            assert committed.schema.simpleString() == computed(received, INVENTORY).schema.simpleString()
        day = max(r.date for r in received.collect())
        some = {"products": ["P1", "P2"], "first": date(2020, 1, 1), "last": day, "settings": settings}
        assert rows(read.events(spark, "inventory", **some)) == rows(read.events(spark, "inventory", source="archive", **some))
        assert {r.date for r in read.events(spark, "inventory", first=day, settings=settings).collect()} == {day}


def test_the_warehouse_gives_events_by_the_same_parser(spark: SparkSession) -> None:
    at = datetime(2025, 1, 2, 2, 30, tzinfo=timezone.utc)  # in Castro still the first
    later = {"last_modified": at + timedelta(days=1), "data_movimentacao": at}
    rows = [
        w.transaction(1, at), w.transaction(1, at, quantidade=Decimal(5), **later), w.transaction(2, at),
        w.transaction(2, at, excluido=True, **later), w.transaction(3, at, custo_unitario=Decimal(-1)),
    ]  # fmt: skip
    w.fresh(spark)
    w.append(spark, w.TRANSACTIONS, ({**row, "cliente": None} for row in rows))
    events = read.events(spark, "inventory", source="warehouse", settings=load_settings(environ={}))
    (event,) = events.collect()  # the other two are deleted and unusable
    assert (event.event_id, event.date, str(event.value_total)) == ("T1", date(2025, 1, 1), "6.250000000000")
    assert events.columns == list(INVENTORY.event_columns)
    # Rows that share an identity are no two events: never one of them in silence.
    natural = load_settings(environ={})
    streams = dict(natural.streams)
    history = streams["inventory"].history
    assert history is not None
    streams["inventory"] = streams["inventory"].model_copy(update={"history": history.model_copy(update={"key": ()})})
    w.append(spark, w.TRANSACTIONS, [w.transaction(1, at, id_transacao="T9", data_movimentacao=at, cliente=None)])
    twice = read.events(spark, "inventory", source="warehouse", settings=natural.model_copy(update={"streams": streams}))
    with pytest.raises(PySparkException, match="rows with the same identity: T1 and T9"):
        twice.collect()


def test_without_an_archive_it_says_so(system: System) -> None:
    with engine.default_session() as spark, pytest.raises(SettingsError, match="CASTRO_ARCHIVE_DIR"):
        read.archive(spark, "inventory", settings=settings_of(system))
