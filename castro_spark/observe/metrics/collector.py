"""Gives a scrape what PostgreSQL knows. Scrapes share an answer for some seconds, and never wait for one another.

While PostgreSQL is away there is castro_up 0 and nothing else: old values would look like new ones.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from threading import Lock

import psycopg2
from prometheus_client import Metric as Family
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily
from prometheus_client.registry import Collector

from castro_spark.errors import CastroError, first_line
from castro_spark.observe.metrics import catalogue
from castro_spark.observe.metrics.catalogue import Kind
from castro_spark.observe.metrics.facts import Sample, samples
from castro_spark.process.histogram import Histogram
from castro_spark.sections.servers import PostgresSettings
from castro_spark.settings import Settings
from castro_spark.sinks.postgres.connection import PASSING, Connection, connect

log = logging.getLogger(__name__)
_CONNECT_SECONDS = 2
_ANSWER_MARGIN_SECONDS = 2.0  # beyond statement_timeout: then the server is silent


class PostgresCollector(Collector):
    """Thread-safe. `postgres`: the role that reads; else the jobs' own."""

    def __init__(self, settings: Settings, postgres: PostgresSettings | None = None) -> None:
        conf = settings.metrics
        self._postgres = (postgres or settings.postgres).model_copy(update={
            "connect_timeout_seconds": _CONNECT_SECONDS, "lock_timeout_seconds": _CONNECT_SECONDS,
            "answer_timeout_seconds": conf.statement_timeout_seconds + _ANSWER_MARGIN_SECONDS,
        })  # fmt: skip
        self._cache_seconds = conf.cache_seconds
        self._statement_milliseconds = int(conf.statement_timeout_seconds * 1000)
        self._channels = tuple(settings.alerts.channels)
        self._asking = Lock()
        self._connection: Connection | None = None
        self._answer: list[Family] = []
        self._asked = float("-inf")
        self._trouble = ""

    def describe(self) -> Iterable[Family]:
        """Nothing: a registry would otherwise ask PostgreSQL when this is registered."""
        return ()

    def collect(self) -> Iterable[Family]:
        """The metrics, at most `metrics.cache_seconds` old; of before, while another scrape is asking."""
        if time.monotonic() - self._asked >= self._cache_seconds and self._asking.acquire(blocking=not self._answer):
            try:
                if time.monotonic() - self._asked >= self._cache_seconds:
                    self._answer = self._ask()
                    self._asked = time.monotonic()
            finally:
                self._asking.release()
        return self._answer

    def close(self) -> None:
        """Closes the session."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with suppress(*PASSING):
                connection.close()

    def _ask(self) -> list[Family]:
        began = time.monotonic()
        try:
            found = self._samples()
        except (psycopg2.Error, CastroError) as error:
            self.close()
            if not self._trouble:
                log.warning("metrics: PostgreSQL cannot be read: %s", first_line(error))
            self._trouble = first_line(error)
            return families([Sample(catalogue.UP, 0.0)])
        self._trouble = ""
        of_asking = [
            Sample(catalogue.UP, 1.0), Sample(catalogue.COLLECTED, time.time()),
            Sample(catalogue.COLLECT_SECONDS, time.monotonic() - began),
        ]  # fmt: skip
        return families([*of_asking, *found])

    def _samples(self) -> list[Sample]:
        """All of them. A session of before PostgreSQL's restart is replaced: the server that is up now counts."""
        if self._connection is not None:
            try:
                return list(samples(self._connection, self._channels))
            except (psycopg2.OperationalError, psycopg2.InterfaceError):
                if not self._connection.closed:
                    raise
                self.close()
        return list(samples(self._session(), self._channels))

    def _session(self) -> Connection:
        if self._connection is None or self._connection.closed:
            connection = connect(self._postgres, "castro_spark metrics", reading=True)
            connection.set_session(readonly=True, autocommit=True)
            with connection.cursor() as cursor:
                cursor.execute("SET statement_timeout = %s", (self._statement_milliseconds,))
            self._connection = connection
        return self._connection


def families(found: Iterable[Sample]) -> list[Family]:
    """Samples in the form that prometheus_client writes, in the order of the catalogue."""
    by_metric: dict[catalogue.Metric, list[Sample]] = {}
    for sample in found:
        by_metric.setdefault(sample.metric, []).append(sample)
    return [_FAMILIES[metric.kind](metric, by_metric[metric]) for metric in catalogue.METRICS if metric in by_metric]


def _gauge(metric: catalogue.Metric, found: list[Sample]) -> Family:
    family = GaugeMetricFamily(metric.name, metric.words, labels=metric.labels)
    for sample in found:
        assert not isinstance(sample.value, Histogram)
        family.add_metric(sample.labels, sample.value)
    return family


def _counter(metric: catalogue.Metric, found: list[Sample]) -> Family:
    family = CounterMetricFamily(metric.name, metric.words, labels=metric.labels)
    for sample in found:
        assert not isinstance(sample.value, Histogram)
        family.add_metric(sample.labels, sample.value)
    return family


def _histogram(metric: catalogue.Metric, found: list[Sample]) -> Family:
    family = HistogramMetricFamily(metric.name, metric.words, labels=metric.labels)
    for sample in found:
        assert isinstance(sample.value, Histogram)
        family.add_metric(sample.labels, sample.value.cumulative(), sample.value.seconds)
    return family


_FAMILIES: dict[Kind, Callable[[catalogue.Metric, list[Sample]], Family]] = {
    Kind.GAUGE: _gauge, Kind.COUNTER: _counter, Kind.HISTOGRAM: _histogram,
}  # fmt: skip
