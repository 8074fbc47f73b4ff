"""Shares of rows or records: duplicates, unknown references, quarantined records, wrong hashes in Redis."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from statistics import median

from castro_spark.counted import counted
from castro_spark.quality.judge.grades import grade, result, share, worst
from castro_spark.quality.result import Outcome, Result
from castro_spark.sections.quality import RedisSampleLimits, ShareLimits, WindowedShareLimits

_KEPT = 100  # products with wrong hashes that are looked at again


@dataclass(frozen=True)
class DayDuplicates:
    """A day's sampled events, how many of them repeat another one but for its id, and ids of such."""

    rows: int
    duplicates: int
    examples: Sequence[str] = ()

    @property
    def share(self) -> float:
        return self.duplicates / self.rows if self.rows else 0.0


def judge_duplicates(
    stream: str, tested: Mapping[date, DayDuplicates], baseline: Sequence[DayDuplicates], limits: ShareLimits
) -> Result:
    """The share of duplicates of each tested day, less the median share of the baseline's days: repeated lines of one
    order are usual in some sources."""
    usual = median(day.share for day in baseline) if baseline else 0.0
    judged = {day: seen for day, seen in tested.items() if seen.rows >= limits.min_rows}
    limit = f"{share(limits.warn)} (warning), {share(limits.fail)}, beyond the usual {share(usual)}"
    if not judged:
        words = f"no day of at least {limits.min_rows} events to judge"
        return result("duplicates", stream, limits, Outcome.NO_DATA, words, limit=limit)
    outcome = worst(grade(seen.share - usual, limits.warn, limits.fail) for seen in judged.values())
    day, most = max(judged.items(), key=lambda item: item[1].share)
    words = f"{day}: {most.duplicates:,} of {most.rows:,} events repeat another one but for its id"
    evidence: dict[str, object] = {
        "usual": usual,
        "days": {str(d): {"rows": s.rows, "duplicates": s.duplicates} for d, s in judged.items()},
        "examples": list(most.examples) if outcome is not Outcome.PASS else [],
    }
    observed = share(most.share)
    return result("duplicates", stream, limits, outcome, words, observed=observed, limit=limit, evidence=evidence)


@dataclass(frozen=True)
class References:
    """Recent events, those of products without master data, and the number of such products."""

    master_has_rows: bool
    rows: int = 0
    unknown_rows: int = 0
    unknown_products: int = 0
    examples: Sequence[str] = ()


def judge_references(stream: str, master: str, seen: References, limits: ShareLimits) -> Result:
    """The share of recent events whose product the master data lacks."""
    limit = f"{share(limits.warn)} (warning), {share(limits.fail)}"
    if not seen.master_has_rows:
        return result("references", stream, limits, Outcome.NO_DATA, f"{master} is empty", limit=limit)
    if seen.rows < limits.min_rows:
        words = f"{counted(seen.rows, 'recent event')}, fewer than {limits.min_rows}"
        return result("references", stream, limits, Outcome.NO_DATA, words, limit=limit)
    unknown = seen.unknown_rows / seen.rows
    products = f"{counted(seen.unknown_products, 'product')} not in {master}"
    words = f"{seen.unknown_rows:,} of {counted(seen.rows, 'recent event')} are of {products}"
    return result(
        "references", stream, limits, grade(unknown, limits.warn, limits.fail), words, observed=share(unknown),
        limit=limit, evidence={**vars(seen), "examples": list(seen.examples)},
    )  # fmt: skip


@dataclass(frozen=True)
class Quarantine:
    """The records of a window, how many were quarantined, and the reasons of those that are still open."""

    records: int
    quarantined: int
    reasons: Mapping[str, int] = field(default_factory=dict)


def judge_quarantine(stream: str, seen: Quarantine, limits: WindowedShareLimits) -> Result:
    """The share of the window's records that were quarantined."""
    limit = f"{share(limits.warn)} (warning), {share(limits.fail)}, within {limits.window_minutes:g} min"
    if seen.records < limits.min_rows:
        words = f"{counted(seen.records, 'record')} within {limits.window_minutes:g} min, fewer than {limits.min_rows}"
        return result("quarantine_share", stream, limits, Outcome.NO_DATA, words, limit=limit, evidence=vars(seen))
    quarantined = seen.quarantined / seen.records
    words = f"{seen.quarantined:,} of {counted(seen.records, 'record')} were quarantined"
    if seen.quarantined and seen.reasons:
        words += f" ({', '.join(f'{reason} {n:,}' for reason, n in seen.reasons.items())})"
    outcome = grade(quarantined, limits.warn, limits.fail)
    return result(
        "quarantine_share", stream, limits, outcome, words, observed=share(quarantined), limit=limit,
        evidence={**vars(seen), "reasons": dict(seen.reasons)},
    )  # fmt: skip


@dataclass(frozen=True)
class RedisSample:
    """Hashes compared with their rows: how many, how many differ, and how many were being written."""

    started: bool
    compared: int = 0
    in_flight: int = 0
    wrong: Sequence[str] = ()  # keys
    products: Sequence[str] = ()  # whose keys these are


def judge_redis(stream: str, seen: RedisSample, limits: RedisSampleLimits) -> Result:
    """Fails if a hash differs from its row in PostgreSQL and no write under way explains it."""
    if not seen.started or not seen.compared:
        words = "the stream was never started" if not seen.started else "no hash to compare"
        return result("redis_sample", stream, limits, Outcome.NO_DATA, words)
    words = f"{len(seen.wrong):,} of {counted(seen.compared, 'hash', 'hashes')} differ from PostgreSQL"
    if seen.wrong:
        words += f": {', '.join(seen.wrong[:3])}" + (", ..." if len(seen.wrong) > 3 else "")  # noqa: PLR2004
    if seen.in_flight:
        words += f"; {counted(seen.in_flight, 'is', 'are')} being written"
    return result(
        "redis_sample", stream, limits, Outcome.FAIL if seen.wrong else Outcome.PASS, words,
        observed=f"{len(seen.wrong)} wrong", limit="0 wrong",
        evidence={"compared": seen.compared, "in_flight": seen.in_flight, "examples": list(seen.wrong[:5]),
                  "products": list(seen.products[:_KEPT])},
    )  # fmt: skip
