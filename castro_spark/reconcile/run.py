"""Reconciliation of one business day: the warehouse against PostgreSQL, and PostgreSQL against Redis.

Steps for a stream: read the warehouse's rows of the day (warehouse_day); compare checksums by product; stage the
products that differ and plan repairs by identity (plan); look up seemingly extra events in the whole warehouse; with
`apply`, repair the events (repair), then the daily and monthly rows, then the Redis hashes.

Guarantee: the day's events become equal to the warehouse, except those in flight at the start and those that the
stream changes meanwhile. The streams may run. Idempotent: run it again after an interruption; a further run finds
nothing to do.
"""

from __future__ import annotations

import logging
import secrets
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, timezone
from threading import Event

import redis
from psycopg2 import Error as PostgresError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from castro_spark.batch.exclusive import exclusively, ledger_of
from castro_spark.batch.history import history_of
from castro_spark.counted import counted
from castro_spark.errors import CastroError, NotReconciled, first_line
from castro_spark.parse.history import GENERATION
from castro_spark.projection.entries import Expiry
from castro_spark.projection.followers import Follower
from castro_spark.projection.projector import StreamProjector
from castro_spark.projection.snapshot import snapshot
from castro_spark.projection.stale_hashes import StaleHash, StaleHashes
from castro_spark.reconcile.aggregates import Period, Wrong, day_of, month_of, wrong_rows
from castro_spark.reconcile.checksums import Checksum, checksums, products_of
from castro_spark.reconcile.plan import Plan, Planned
from castro_spark.reconcile.record import record
from castro_spark.reconcile.repair import RepairCommits
from castro_spark.reconcile.report import MOST_EXAMPLES, Counts, StreamResult
from castro_spark.reconcile.warehouse_day import WarehouseDay
from castro_spark.rules import configured, parse_rules
from castro_spark.settings import Settings
from castro_spark.sinks.postgres.commit.rules.kinds import check_warehouse
from castro_spark.sinks.postgres.connection import Connection, connect
from castro_spark.sinks.redis.trouble import in_words
from castro_spark.streams.declaration import StreamDeclaration

log = logging.getLogger(__name__)
_PRODUCTS_A_SNAPSHOT = 1000


def reconcile(
    spark: SparkSession,
    settings: Settings,
    streams: Sequence[StreamDeclaration],
    day: date,
    *,
    apply: bool,
    force: bool,
    stopping: Event,
) -> list[StreamResult]:
    """Reconciles the streams one after the other, with a result for each; one's failure does not stop the others."""
    now = datetime.now(timezone.utc)  # before anything is read: later changes are in flight, too
    run, cutoff = f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(3)}", now - settings.reconcile.in_flight
    results = [StreamResult(stream.name, day, run, cutoff) for stream in streams]
    for stream, result in zip(streams, results, strict=True):
        _one(spark, settings, stream, result, apply=apply, force=force, stopping=stopping)
        record(settings.postgres, result)
    return results


def _one(
    spark: SparkSession,
    settings: Settings,
    stream: StreamDeclaration,
    result: StreamResult,
    *,
    apply: bool,
    force: bool,
    stopping: Event,
) -> None:
    began = time.monotonic()
    try:
        with exclusively(settings, configured(stream, settings), "reconcile") as check:
            _Reconciliation(spark, settings, configured(stream, settings), result, check, stopping).run(apply, force)
    except CastroError as error:
        result.problem = str(error)
    except redis.RedisError as error:
        result.problem = f"{in_words(error, settings.redis)}; run it again when it is mended"
    except (PostgresError, PySparkException) as error:
        result.problem = first_line(error)
    result.seconds = round(time.monotonic() - began, 1)


@dataclass
class _Reconciliation:
    """One run of one stream; fills `result` as it goes."""

    spark: SparkSession
    settings: Settings
    stream: StreamDeclaration
    result: StreamResult
    check: Callable[[], None]
    stopping: Event

    def run(self, apply: bool, force: bool) -> None:
        settings, stream = self.settings, self.stream
        hashes = StaleHashes(settings, stream)
        with (
            closing(connect(settings.postgres, f"castro_spark {stream.name} reconcile", long=True)) as connection,
            closing(hashes), closing(self._warehouse()) as warehouse,
            closing(self._commits(warehouse)) as commits,
        ):  # fmt: skip
            plan = Plan(settings.postgres, stream, connection, self.result.day, self.result.cutoff)
            products, planned = self._plan_events(connection, warehouse, plan)
            refused = self._refusal(planned) if apply and not force else None
            self.result.applied = apply and refused is None
            try:
                if self.result.applied:
                    self._repair_events(planned, commits)
                    self.result.overtaken = planned.repairs - commits.repaired().get("event", 0)
                plan.close()
                self._aggregates(connection, products, commits)
                self._redis(products, hashes, commits)
            except (CastroError, redis.RedisError, PostgresError):
                self.result.repaired = commits.repaired()
                raise
            self.result.repaired = commits.repaired()
        if refused is not None:
            raise refused

    def _warehouse(self) -> WarehouseDay:
        settings, stream = self.settings, self.stream
        history, mapping = history_of(settings, stream)
        return WarehouseDay(
            self.spark, stream, mapping, history, parse_rules(stream, settings, GENERATION), self.result.day,
            zone=settings.zone, allowance=settings.parse.future_allowance,
            spill=f"{settings.checkpoint_dir.rstrip('/')}/.reconcile/{stream.name}",
        )  # fmt: skip

    def _commits(self, warehouse: WarehouseDay) -> RepairCommits:
        """Raises IdentitiesDiffer if the two sides identify the same events differently: no plan is possible then."""
        settings, stream = self.settings, self.stream
        check_warehouse(ledger_of(settings, stream, "reconcile"), stream.name, warehouse.kinds)
        return RepairCommits(
            settings.postgres, stream, self.result.run, warehouse=warehouse.kinds,
            patience=settings.streaming.outage_retry_seconds, stopping=self.stopping,
        )  # fmt: skip

    def _plan_events(self, connection: Connection, warehouse: WarehouseDay, plan: Plan) -> tuple[list[str], Planned]:
        """The products of the day on either side, and the repair plan's counts."""
        stream, result = self.stream, self.result
        self._check_running()
        warehouse_sums = {row["product_code"]: _checksum(row) for row in warehouse.checksums().to_pylist()}
        products = sorted(warehouse_sums.keys() | products_of(connection, stream, result.day))
        stored_sums = checksums(connection, stream, result.day, products)
        differing = [product for product in products if warehouse_sums.get(product) != stored_sums.get(product)]
        result.rows_in_warehouse = sum(c.rows for c in warehouse_sums.values())
        result.rows_in_postgres = sum(c.rows for c in stored_sums.values())
        result.products, result.products_differing = len(products), len(differing)
        result.unusable = warehouse.unusable()
        log.info("%s %s: %d of %d products differ", stream.name, result.day, len(differing), len(products))
        self._check_running()
        if not differing:
            return products, Planned({}, 0)
        staged = plan.stage(warehouse.rows_of(differing))
        planned = plan.compare(differing)
        log.info("%s: %d rows staged, %d of them differ", stream.name, staged, planned.repairs + planned.in_flight)
        self._check_running()
        if extra := plan.unconfirmed():
            log.info("%s: looking up %d events in the whole table: they seem to be extra", stream.name, len(extra))
            plan.stage(warehouse.look_up([event_id for event_id, _ in extra]))
            planned = plan.compare(differing)
        result.events, result.in_flight = Counts.of(planned.classes), planned.in_flight
        result.add_examples("event", plan.examples(MOST_EXAMPLES))
        return products, planned

    def _refusal(self, planned: Planned) -> NotReconciled | None:
        result, limit = self.result, self.settings.reconcile.change_limit
        rows = max(result.rows_in_warehouse, result.rows_in_postgres)
        if planned.repairs <= limit * rows:
            return None
        if result.rows_in_postgres and not result.rows_in_warehouse:
            reason = f"the warehouse has no events at all of {result.day}, PostgreSQL has {result.rows_in_postgres:,}"
        else:
            reason = f"{counted(planned.repairs, 'repair')} for {counted(rows, 'event')} of {result.day}"
        return NotReconciled(
            f"stream {self.stream.name}: {reason}: more than reconcile.change_limit ({limit:.1%}) allows;"
            " nothing was changed",
            "look at the plan; if the warehouse is right, run it again with --force",
        )

    def _repair_events(self, planned: Planned, commits: RepairCommits) -> None:
        size = self.settings.reconcile.repairs_per_commit
        for first in range(1, planned.repairs + 1, size):
            last = min(first + size - 1, planned.repairs)
            self._check_running()
            commits.repair_events(first, last)
            log.info("%s: %d of %d repairs of events", self.stream.name, last, planned.repairs)

    def _check_running(self) -> None:
        if self.stopping.is_set():
            raise CastroError("stopped before all was done", "run it again: it does the rest")
        self.check()

    def _aggregates(self, connection: Connection, products: list[str], commits: RepairCommits) -> None:
        """Checks daily rows against events, and monthly rows whose daily rows were wrong or do not add up."""
        stream, day, month = self.stream, self.result.day, self.result.day.replace(day=1)
        daily = wrong_rows(connection, stream, day_of(stream), day, products)
        self.result.daily = self._count(daily, day)
        self._repair_aggregates(day_of(stream), day, daily, commits)
        not_summing_up = wrong_rows(connection, stream, month_of(stream), month, products, of_daily=True)
        suspects = sorted({wrong.product_code for wrong in (*daily, *not_summing_up)})
        monthly = wrong_rows(connection, stream, month_of(stream), month, suspects)
        self.result.monthly = self._count(monthly, month)
        self._repair_aggregates(month_of(stream), month, monthly, commits)

    def _count(self, wrong: list[Wrong], first: date) -> Counts:
        for row in wrong[:MOST_EXAMPLES]:
            example = {"class": row.class_, "key": first, "product_code": row.product_code}
            self.result.add_examples(row.kind, [{**example, "held": row.stored, "of_events": row.expected}])
        classes = [row.class_ for row in wrong]
        return Counts.of({class_: classes.count(class_) for class_ in set(classes)})

    def _repair_aggregates(
        self, period: Period, first: date, wrong: list[Wrong], commits: RepairCommits
    ) -> None:
        size = self.settings.reconcile.repairs_per_commit
        for start in range(0, len(wrong) if self.result.applied else 0, size):
            self._check_running()
            products = [row.product_code for row in wrong[start : start + size]]
            commits.repair_aggregates(period, first, products)
            log.info("%s: %d of %d %s rows", self.stream.name, start + len(products), len(wrong), period.kind)

    def _redis(self, products: list[str], hashes: StaleHashes, commits: RepairCommits) -> None:
        settings, result = self.settings, self.result
        self._project()  # the repairs just made
        horizon = Expiry(settings.redis.ttl, settings.zone).horizon()
        with closing(connect(settings.postgres, f"castro_spark {self.stream.name} reconcile cache")) as connection:
            for start in range(0, len(products), _PRODUCTS_A_SNAPSHOT):
                self._check_running()
                part = products[start : start + _PRODUCTS_A_SNAPSHOT]
                rows = snapshot(connection, self.stream, part, result.day, horizon)
                stale, in_flight = hashes.find(rows)
                result.stale_keys += len(stale)
                result.keys_in_flight += in_flight
                result.add_examples("redis", [_example(s) for s in stale])
                if stale and result.applied:
                    commits.request_hashes(stale, rows.revision)
                    log.info("%s: %d keys of Redis are to be rewritten", self.stream.name, result.stale_keys)
        if result.stale_keys:
            self._project()

    def _project(self) -> None:
        """Publishes commits and requests to Redis; a no-op unless repairs are applied."""
        if not self.result.applied:
            return
        if behind := Follower(self.settings, StreamProjector(self.settings, self.stream)).end():
            raise NotReconciled(behind, "commits and requests are stored: the next projector publishes them")


def _checksum(row: dict[str, object]) -> Checksum:
    return Checksum(row["rows"], row["quantity"], row["value_total"], row["hash"])  # type: ignore[arg-type]


def _example(stale: StaleHash) -> dict[str, object]:
    expected = stale.expected
    return {
        "class": "stale", "key": expected.key, "product_code": stale.wanted.product_code, "held": stale.stored,
        "expected": expected.fields,
    }  # fmt: skip
