"""Measures the policy's evidence in the caller's transaction, from the daily and monthly tables.

The cost is bounded, whatever the history: products are a sample of `sample_products`, read by an index over windows
of `window_days`; rows are added up over days since the training, whole months from the monthly table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from psycopg2 import sql

from castro_spark.retraining.drift import GROWTH, Compared, Frozen, Measured, compare
from castro_spark.retraining.features import Feature, by_stream
from castro_spark.retraining.psi import NULL, QUANTILES, Bins, freeze
from castro_spark.sections.retraining import RetrainingSettings
from castro_spark.sinks.postgres.sql_files import statement
from castro_spark.streams.declaration import StreamDeclaration

Cursor = Any
YEAR = timedelta(weeks=52)  # not a calendar year: the windows then have the same weekdays
_BEGINNING = date(1900, 1, 1)
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Window:
    """Local business days, both included."""

    first: date
    last: date

    @classmethod
    def until(cls, last: date, days: int) -> Window:
        return cls(last - (days - 1) * _DAY, last)

    def year_before(self) -> Window:
        """The same days and weekdays 52 weeks before."""
        return Window(self.first - YEAR, self.last - YEAR)

    def as_data(self) -> dict[str, str]:
        return {"first": self.first.isoformat(), "last": self.last.isoformat()}


def sample(cursor: Cursor, streams: Sequence[StreamDeclaration], products: int) -> list[str]:
    """The sampled products' codes."""
    cursor.execute(statement("retraining/sample.sql"), {"streams": [s.name for s in streams], "products": products})
    return [code for (code,) in cursor.fetchall()]


def rows(cursor: Cursor, streams: Sequence[StreamDeclaration], first: date | None, last: date) -> int:
    """Events of these business days, both included; `first` None: from the beginning."""
    begin, end = first or _BEGINNING, last + _DAY
    first_month = begin if begin.day == 1 else (begin.replace(day=1) + timedelta(days=31)).replace(day=1)
    parameters = {"begin": begin, "end": end, "first_month": first_month, "end_month": end.replace(day=1)}
    total = 0
    for stream in streams:
        parts = {"daily": sql.Identifier(stream.daily_table), "monthly": sql.Identifier(stream.monthly_table)}
        cursor.execute(statement("retraining/rows.sql", **parts), parameters)
        total += cursor.fetchone()[0]
    return total


def new_products(
    cursor: Cursor, streams: Sequence[StreamDeclaration], products: Sequence[str], window: Window, until: date
) -> tuple[int, int]:
    """Of the products: how many have events in the window, and how many of these have none up to `until`."""
    active: set[str] = set()
    known: set[str] = set()
    parameters = {"products": list(products), "first": window.first, "last": window.last, "until": until}
    for stream in streams:
        cursor.execute(statement("retraining/products.sql", daily=sql.Identifier(stream.daily_table)), parameters)
        for code, is_active, is_known in cursor.fetchall():
            active |= {code} if is_active else set()
            known |= {code} if is_known else set()
    return len(active), len(active - known)


def freeze_bins(
    cursor: Cursor, features: Sequence[Feature], products: Sequence[str], window: Window
) -> dict[str, Frozen]:
    """Bins by the window's values, and its counts over them, of each feature."""
    bins: dict[str, Bins] = {}
    for stream, of_stream in by_stream(features).items():
        quantiles = sql.SQL(", ").join(
            sql.SQL("percentile_disc(%(quantiles)s::float8[]) WITHIN GROUP (ORDER BY {})").format(
                sql.Identifier(f.column)
            )
            for f in of_stream
        )
        cursor.execute(
            statement(
                "retraining/quantiles.sql",
                daily=sql.Identifier(stream.daily_table),
                quantiles=quantiles,
                values=sql.SQL(", ").join(f.value() for f in of_stream),
            ),
            {**_parameters(products, window), "quantiles": list(QUANTILES)},
        )
        _, *found = cursor.fetchone()
        bins |= {f.name: freeze(values or []) for f, values in zip(of_stream, found, strict=True)}
    counts = count(cursor, features, bins, products, window)
    growth = count_growth(cursor, features, products, window)
    return {name: Frozen(bins[name], counts[name], growth[name]) for name in bins}


def count(
    cursor: Cursor, features: Sequence[Feature], bins: Mapping[str, Bins], products: Sequence[str], window: Window
) -> dict[str, tuple[int, ...]]:
    """The window's counts over frozen bins, of each feature that has some."""
    chosen = [f for f in features if f.name in bins]
    return _count(cursor, "retraining/bins.sql", chosen, Feature.value, bins, _parameters(products, window))


def count_growth(
    cursor: Cursor, features: Sequence[Feature], products: Sequence[str], window: Window
) -> dict[str, tuple[int, ...]]:
    """The counts of products' growth from the year before the window to the window, over the bins GROWTH."""
    before = window.year_before()
    parameters = {**_parameters(products, window), "first_before": before.first, "last_before": before.last}
    bins = {f.name: GROWTH for f in features}
    return _count(cursor, "retraining/growth.sql", features, Feature.growth, bins, parameters)


def _count(
    cursor: Cursor,
    path: str,
    features: Sequence[Feature],
    value: Callable[[Feature], sql.Composed],
    bins: Mapping[str, Bins],
    parameters: Mapping[str, Any],
) -> dict[str, tuple[int, ...]]:
    counted: dict[str, tuple[int, ...]] = {}
    for stream, of_stream in by_stream(features).items():
        cases, of_cases = _cases(of_stream, bins)
        values = sql.SQL(", ").join(map(value, of_stream))
        cursor.execute(
            statement(path, daily=sql.Identifier(stream.daily_table), values=values, binned=cases),
            {**parameters, **of_cases},
        )
        numbered: dict[str, dict[int, int]] = {f.name: {} for f in of_stream}
        for name, number, products in cursor.fetchall():
            numbered[name][number] = products
        counted |= {name: bins[name].counts(found) for name, found in numbered.items()}
    return counted


def _cases(features: Sequence[Feature], bins: Mapping[str, Bins]) -> tuple[sql.Composed, dict[str, Any]]:
    """Of each feature its name and the number of its value's bin, and the parameters of that."""
    cases: list[sql.Composed] = []
    parameters: dict[str, Any] = {}
    for number, feature in enumerate(features):
        of = bins[feature.name]
        values = {"name": feature.name, "edges": list(of.edges), "most": of.most, "above": of.above}
        parameters |= {f"{part}_{number}": value for part, value in values.items()}
        cases.append(
            sql.SQL(
                "({name}, CASE WHEN {column} IS NULL THEN {null} WHEN {column} > {most}::numeric THEN {above}"
                " ELSE width_bucket({column}, {edges}::numeric[]) END)"
            ).format(
                column=sql.Identifier(feature.column), null=sql.Literal(NULL),
                **{part: sql.Placeholder(f"{part}_{number}") for part in values},
            )
        )  # fmt: skip
    return sql.SQL(", ").join(cases), parameters


def drifts(
    cursor: Cursor,
    features: Sequence[Feature],
    training: Mapping[str, Frozen],
    products: Sequence[str],
    window: Window,
    settings: RetrainingSettings,
) -> list[Compared]:
    """Each feature of the frozen bins against the training and the year before."""
    rule = settings.rules.drift
    if rule is None:
        return []
    bins = {name: of.bins for name, of in training.items()}
    now = count(cursor, features, bins, products, window)
    before = count(cursor, features, bins, products, window.year_before())
    growth = count_growth(cursor, [f for f in features if f.name in bins], products, window)
    return [
        compare(name, training[name], Measured(now[name], before[name], growth[name]), rule, settings.min_products)
        for name in now
    ]


def as_data(frozen: Mapping[str, Frozen]) -> dict[str, Any]:
    """Frozen bins as plain data, exact."""
    return {
        name: {
            "edges": [f"{edge:f}" for edge in of.bins.edges],
            "most": None if of.bins.most is None else f"{of.bins.most:f}",
            "counts": list(of.counts),
            "growth": list(of.growth),
        }
        for name, of in frozen.items()
    }


def from_data(data: Mapping[str, Any]) -> dict[str, Frozen]:
    """The inverse of as_data."""
    return {
        name: Frozen(
            Bins(tuple(map(Decimal, of["edges"])), None if of["most"] is None else Decimal(of["most"])),
            tuple(of["counts"]),
            tuple(of["growth"]),
        )
        for name, of in data.items()
    }


def _parameters(products: Sequence[str], window: Window) -> dict[str, Any]:
    return {"products": list(products), "first": window.first, "last": window.last}
