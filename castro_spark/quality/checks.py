"""Every check: its name (also its section in the settings), what it compares, its subjects, and how it is run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from castro_spark.quality.context import Context
from castro_spark.quality.measure import copies, events, flow, hashes
from castro_spark.quality.result import Result
from castro_spark.sections.quality import CheckLimits, QualitySettings


@dataclass(frozen=True)
class Check:
    """`run` measures and judges one subject, by that subject's limits. It raises where it cannot."""

    name: str
    compares: str
    subjects: Callable[[Context], list[str]]
    run: Callable[[Context, str, Any], Result]

    def limits(self, settings: QualitySettings) -> CheckLimits:
        """The check's section of the settings."""
        limits: CheckLimits = getattr(settings, "schema_" if self.name == "schema" else self.name)
        return limits


def _streams(context: Context) -> list[str]:
    return list(context.streams)


def _tables(context: Context) -> list[str]:
    return list(context.settings.warehouse.mapped)


def _with_master(context: Context) -> list[str]:
    return _streams(context) if context.settings.quality.master_table else []


def _archived(context: Context) -> list[str]:
    return _streams(context) if context.settings.archive.dir else []


def _with_history(context: Context) -> list[str]:
    return [name for name in context.streams if context.settings.history(name)]


def _streams_and_tables(context: Context) -> list[str]:
    return [*_streams(context), *_tables(context)]


def _streams_and_view(context: Context) -> list[str]:
    return [*_streams(context), *_view(context)]


def _view(context: Context) -> list[str]:
    del context
    return ["product_360"]


CHECKS = (
    Check("freshness", "the oldest uncommitted record against the clock", _streams, flow.freshness),
    Check("record_counts", "topic, ledger, books and tables", _streams, flow.record_counts),
    Check("schema", "declarations against tables and records", _streams_and_tables, flow.schema),
    Check("null_rates", "each column's nulls against the days before", _streams, events.null_rates),
    Check("duplicates", "events that differ by their id only", _streams, events.duplicates),
    Check("volume", "yesterday's events against the same weekdays before", _streams, events.volume),
    Check("drift", "prices against each product's, quantities against recent days", _streams, events.drift),
    Check("references", "products of events against the master data", _with_master, events.references),
    Check("quarantine_share", "rejected records against those read", _streams, flow.quarantine_share),
    Check("redis_sample", "hashes in Redis against rows", _streams_and_view, hashes.redis_sample),
    Check("projection_lag", "Redis against the commits", _streams, copies.projection_lag),
    Check("archive_lag", "the archive against the topic", _archived, copies.archive_lag),
    Check("extract_age", "the last extract of each table", _tables, copies.extract_age),
    Check("reconcile_age", "the last reconciliation of each stream", _with_history, copies.reconcile_age),
    Check("product_360_lag", "ml_product_360 against the commits", _view, copies.product_360_lag),
)
NAMES = tuple(check.name for check in CHECKS)
