"""The population stability index of a feature, over bins that are frozen when a training is recorded. Pure.

PSI = sum over bins of (p - q) ln(p / q), with p and q the shares of a bin in the two samples. Fixed limits such as 0.1
and 0.25 ignore the size of the samples: chance alone exceeds them in small ones. If both samples are of one population,
PSI is distributed about as (1/N + 1/M) times a chi-squared variable with B - 1 degrees of freedom (B. Yurdakul and
J. Naranjo, "Statistical properties of the population stability index", Journal of Risk Model Validation 14(4), 2020).
So a feature drifts only if its PSI exceeds both the limit of the settings and that quantile.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import log, sqrt
from statistics import NormalDist

QUANTILES = tuple(n / 10 for n in range(11))  # the smallest value, the deciles, the greatest value
NULL = -1  # the number of the bin of nulls, in statements
_FLOOR = 0.5  # observations that an empty bin counts as: the logarithm of 0 is not defined


@dataclass(frozen=True)
class Bins:
    """The bins of a feature: nulls; below all edges; from each edge (included) to the next; above `most`.

    `edges` ascend; the first is the smallest value of the training's data, and `most` is the greatest: the first and
    the last bin of values hold what lies outside that data. Without `most`, nothing is above it.
    """

    edges: tuple[Decimal, ...]
    most: Decimal | None

    @property
    def above(self) -> int:
        """The number of the bin above `most`: one more than that of the last edge."""
        return len(self.edges) + 1

    def labels(self) -> tuple[str, ...]:
        """The bins in words, in the order of counts."""
        if not self.edges:
            return ("null", "any value", "none")
        last, above = (
            ("or more", "none") if self.most is None else (f"to {self.most:f}, included", f"above {self.most:f}")
        )
        ends = [f"to {edge:f}" for edge in self.edges[1:]] + [last]
        inner = [f"{edge:f} {end}" for edge, end in zip(self.edges, ends, strict=True)]
        return ("null", f"below {self.edges[0]:f}", *inner, above)

    def counts(self, numbered: Mapping[int, int]) -> tuple[int, ...]:
        """Counts in the order of the bins, from counts by the bins' numbers: NULL, 0 (below), 1, 2, ... `above`."""
        return tuple(numbered.get(number, 0) for number in range(NULL, self.above + 1))


def freeze(quantiles: Sequence[Decimal | None]) -> Bins:
    """Bins from the values at QUANTILES; without duplicates, which discrete features have. No values: all null."""
    values = [value for value in quantiles if value is not None]
    if not values:
        return Bins((), None)
    return Bins(tuple(sorted({*values[:-1]} or {values[0]})), max(values))


def psi(expected: Sequence[int], actual: Sequence[int]) -> float:
    """The index of two samples' counts over the same bins: 0 if they are equal, never negative. Raises ValueError if a
    sample is empty or the bins differ."""
    if len(expected) != len(actual):
        raise ValueError(f"{len(expected)} bins against {len(actual)}")
    if not sum(expected) or not sum(actual):
        raise ValueError("a sample without observations")
    total = 0.0
    for one, other in zip(expected, actual, strict=True):
        if one or other:
            p, q = max(one, _FLOOR) / sum(expected), max(other, _FLOOR) / sum(actual)
            total += (p - q) * log(p / q)
    return total


def sampling_limit(expected: Sequence[int], actual: Sequence[int], confidence: float) -> float:
    """What PSI does not exceed, at this confidence, if both samples are of one population. Bins that are empty in both
    samples do not count."""
    used = sum(1 for one, other in zip(expected, actual, strict=True) if one or other)
    return (1 / sum(expected) + 1 / sum(actual)) * chi_squared_quantile(used - 1, confidence)


def chi_squared_quantile(degrees: int, probability: float) -> float:
    """The quantile of a chi-squared distribution, by the approximation of Wilson and Hilferty (1931): its cube root is
    almost normal. At 0.99 it is within 1 %."""
    if degrees < 1:
        return 0.0
    part = 2 / (9 * degrees)
    return float(degrees * (1 - part + NormalDist().inv_cdf(probability) * sqrt(part)) ** 3)
