"""Null rates: each column's share of nulls on a day, against the days before; by kind of event, if events have one."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from castro_spark.quality.judge.grades import centre_and_spread, result, share
from castro_spark.quality.result import Outcome, Result
from castro_spark.sections.quality import NullLimits

_SHOWN = 3


@dataclass(frozen=True)
class Nulls:
    """One day's sampled events of one kind: rows, and nulls by column."""

    day: date
    kind: str
    rows: int
    nulls: Mapping[str, int]


@dataclass(frozen=True)
class Rise:
    """A column of one day and kind: its share of nulls, the usual one, and the limit."""

    day: date
    kind: str
    column: str
    share: float
    usual: float
    limit: float

    def __str__(self) -> str:
        of = f" of {self.kind}" if self.kind else ""
        return f"{self.day}: {self.column}{of} is null in {share(self.share)}, usually in {share(self.usual)}"


def judge_nulls(
    stream: str,
    tested: Sequence[Nulls],
    baseline: Sequence[Nulls],
    limits: NullLimits,
    of_column: Callable[[str], NullLimits],
) -> Result:
    """Fails if a column's share rises beyond its limit. `of_column` gives a column's own limits."""
    compared = list(_compared(tested, baseline, limits, of_column))
    if not compared:
        words = f"no day and kind with {limits.min_rows} events, and {limits.min_days} such days before, to judge"
        return result("null_rates", stream, limits, Outcome.NO_DATA, words)
    above = sorted((r for r in compared if r.share > r.limit), key=lambda r: r.usual - r.share)
    most = above[0] if above else max(compared, key=lambda r: r.share - r.limit)
    evidence = {"above": [{**vars(r), "day": str(r.day)} for r in above[:20]], "compared": len(compared)}
    words = "; ".join(map(str, above[:_SHOWN])) + ("; ..." if len(above) > _SHOWN else "")
    return result(
        "null_rates", stream, limits, Outcome.FAIL if above else Outcome.PASS,
        words or f"{len(compared)} shares of nulls are as usual",
        observed=f"{most.column} {share(most.share)}", limit=f"{most.column} {share(most.limit)}", evidence=evidence,
    )  # fmt: skip


def _compared(
    tested: Sequence[Nulls], baseline: Sequence[Nulls], limits: NullLimits, of_column: Callable[[str], NullLimits]
) -> Iterator[Rise]:
    for seen in tested:
        before = [b for b in baseline if b.kind == seen.kind and b.rows >= limits.min_rows]
        if seen.rows < limits.min_rows or len(before) < limits.min_days:
            continue
        for column, nulls in seen.nulls.items():
            own = of_column(column)
            if not own.enabled:
                continue
            shares = [b.nulls[column] / b.rows for b in before]
            usual, spread = centre_and_spread(shares)
            by_chance = math.sqrt(usual * (1 - usual) / seen.rows)
            limit = min(usual + max(own.rise, own.deviations * max(spread, by_chance)), _most(shares))
            yield Rise(seen.day, seen.kind, column, nulls / seen.rows, usual, limit)


def _most(shares: Sequence[float]) -> float:
    """The highest possible limit: however a share varied, a column that had values must not be null throughout."""
    return (1 + max(shares)) / 2
