"""The result of a reconciliation, as text and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any

from castro_spark.counted import counted

CLASSES = ("missing", "extra", "different")
MOST_EXAMPLES = 1000
_SHOWN = 20
_KINDS = {"event": "events", "daily": "daily rows", "monthly": "monthly rows", "redis": "keys of Redis"}


@dataclass
class Counts:
    """Differing events or aggregate rows, by class."""

    missing: int = 0
    extra: int = 0
    different: int = 0

    @classmethod
    def of(cls, classes: Mapping[str, int]) -> Counts:
        return cls(**{name: classes.get(name, 0) for name in CLASSES})

    @property
    def total(self) -> int:
        return self.missing + self.extra + self.different

    def words(self) -> str:
        return ", ".join(f"{getattr(self, name):,} {name}" for name in CLASSES)


@dataclass
class StreamResult:
    """One stream, one day. `overtaken`: repairs made obsolete by the stream; `in_flight`: too recent to compare."""

    stream: str
    day: date
    run: str
    cutoff: datetime
    applied: bool = False
    rows_in_warehouse: int = 0
    rows_in_postgres: int = 0
    products: int = 0
    products_differing: int = 0
    events: Counts = field(default_factory=Counts)
    daily: Counts = field(default_factory=Counts)
    monthly: Counts = field(default_factory=Counts)
    stale_keys: int = 0
    in_flight: int = 0
    keys_in_flight: int = 0
    unusable: dict[str, int] = field(default_factory=dict)
    repaired: dict[str, int] = field(default_factory=dict)  # by kind
    overtaken: int = 0
    examples: dict[str, list[dict[str, Any]]] = field(default_factory=dict)  # by kind, the first ones of each
    seconds: float = 0.0
    problem: str | None = None

    @property
    def differences(self) -> int:
        return self.events.total + self.daily.total + self.monthly.total + self.stale_keys

    @property
    def unrepaired(self) -> int:
        """Differences that this run has left: neither repaired nor made obsolete by the stream."""
        return max(self.differences - sum(self.repaired.values()) - self.overtaken, 0)

    def add_examples(self, kind: str, examples: list[dict[str, Any]]) -> None:
        """Adds examples, up to MOST_EXAMPLES of a kind."""
        collected = self.examples.setdefault(kind, [])
        collected += examples[: MOST_EXAMPLES - len(collected)]

    def as_dict(self) -> dict[str, Any]:
        """As a dict, for JSON."""
        return {**asdict(self), "examples_at_most": MOST_EXAMPLES}

    def lines(self) -> list[str]:
        """The differences and the repairs as lines of text."""
        of = f"{self.stream} {self.day}"
        lines = [
            f"{of}: {counted(self.rows_in_warehouse, 'event')} in the warehouse, "
            f"{self.rows_in_postgres:,} in PostgreSQL,"
            f" {self.products_differing:,} of {self.products:,} products differ",
            f"  events: {self.events.words()}; {self.in_flight:,} in flight, {sum(self.unusable.values()):,} unusable"
            f"{self._reasons()}",
            f"  daily: {self.daily.words()}; monthly: {self.monthly.words()}",
            f"  Redis: {self.stale_keys:,} stale, {self.keys_in_flight:,} in flight",
        ]
        shown = [_line(kind, example) for kind, examples in self.examples.items() for example in examples]
        lines += shown[:_SHOWN]
        if (more := self.differences - min(len(shown), _SHOWN)) > 0:
            lines.append(f"    and {more:,} more")
        if self.applied:
            done = ", ".join(f"{count:,} {_KINDS[kind]}" for kind, count in self.repaired.items()) or "nothing"
            lines.append(f"  repaired: {done}; {self.overtaken:,} overtaken by the stream")
        if self.problem:
            lines.append(f"  not done: {self.problem.splitlines()[0]}")
        return lines

    def _reasons(self) -> str:
        reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(self.unusable.items()))
        return f" ({reasons})" if reasons else ""


def summary(results: list[StreamResult], day: date) -> str:
    """One line about all streams."""
    differences, repaired = sum(r.differences for r in results), sum(sum(r.repaired.values()) for r in results)
    failed = [r.stream for r in results if r.problem]
    words = "nothing to do"
    if differences or repaired:
        words = f"{counted(differences, 'difference')}, {repaired:,} repaired"
    if failed:
        words += f"; not done: {', '.join(failed)}"
    return f"reconcile {day}: {', '.join(r.stream for r in results)}: {words}, {sum(r.seconds for r in results):.1f} s"


def _line(kind: str, example: Mapping[str, Any]) -> str:
    parts = [str(example[name]) for name in ("class", "key", "event_id", "product_code") if example.get(name)]
    if differs := example.get("differs"):
        parts.append(f"({', '.join(differs)})")
    return f"    {kind} {' '.join(parts)}"
