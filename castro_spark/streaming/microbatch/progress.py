"""Reports the outcome of each batch, as JSON or as text."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from threading import Event, Lock, Thread

from castro_spark.sinks.postgres.commit.transaction import Committed

OUTCOMES = ("inserted", "corrected", "stale", "deleted", "quarantined", "skipped", "gaps")


@dataclass(frozen=True)
class BatchReport:
    """A batch's record counts by outcome, and the milliseconds from its start until it was staged and committed.

    A batch is staged while the previous one commits, so the times of two batches overlap. `batch_id` is Spark's: the
    slices of a large micro-batch share it, and what comes after a small one. `more_follow`: it is a slice of what was
    read together, and not the last.
    """

    batch_id: int
    revision: int
    offsets: int
    inserted: int
    corrected: int
    stale: int
    deleted: int
    quarantined: int
    skipped: int
    gaps: int
    staged_ms: int
    postgres_ms: int
    more_follow: bool

    @classmethod
    def of(
        cls, committed: Committed, batch_id: int, began: float, staged: float, in_postgres: float, more_follow: bool
    ) -> BatchReport:
        totals = {outcome: committed.total(outcome) for outcome in OUTCOMES}
        return cls(
            batch_id=batch_id,
            revision=committed.revision,
            offsets=sum(b.to_offset - b.from_offset for b in committed.books),
            staged_ms=round((staged - began) * 1000),
            postgres_ms=round((in_postgres - began) * 1000),
            more_follow=more_follow,
            **totals,
        )

    def stages(self) -> dict[str, float]:
        """Seconds by stage: until it was staged (while the previous batch committed), and until it was committed."""
        return {"staged": self.staged_ms / 1000, "committed": (self.postgres_ms - self.staged_ms) / 1000}

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


class ProgressLines:
    """Prints one line per stream and interval that sums up its batches; no line for an interval without batches.

    Use as a context manager: exit prints the remainder. `add` is thread-safe.
    """

    def __init__(self, show: Callable[[str], None], seconds: float) -> None:
        self._show = show
        self._seconds = seconds
        self._lock = Lock()
        self._waiting: dict[str, list[BatchReport]] = {}
        self._done = Event()
        self._ticker = Thread(target=self._tick, daemon=True)

    def add(self, stream: str, batch: BatchReport) -> None:
        """Adds a batch to the next line."""
        with self._lock:
            self._waiting.setdefault(stream, []).append(batch)

    def __enter__(self) -> ProgressLines:
        self._ticker.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._ticker.join()
        self._print()

    def _tick(self) -> None:
        while not self._done.wait(self._seconds):
            self._print()

    def _print(self) -> None:
        with self._lock:
            waiting, self._waiting = self._waiting, {}
        for stream, batches in waiting.items():
            self._show(summary(stream, batches))


def summary(stream: str, batches: Sequence[BatchReport]) -> str:
    """One line for a terminal: the batches' total counts, and the median and maximum time to the commit."""
    totals = {outcome: sum(getattr(b, outcome) for b in batches) for outcome in ("offsets", *OUTCOMES)}
    outcomes = ", ".join(f"{n:,} {outcome}" for outcome in OUTCOMES if (n := totals[outcome]))
    postgres = sorted(b.postgres_ms for b in batches)
    middle = len(batches) // 2
    return (
        f"{stream}: {totals['offsets']:,} offsets = {outcomes or 'nothing'}; {len(batches)} commits, to batch"
        f" {batches[-1].batch_id}; median (most) ms from a batch's begin: PostgreSQL {postgres[middle]}"
        f" ({postgres[-1]})"
    )
