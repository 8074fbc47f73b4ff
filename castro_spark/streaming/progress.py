"""What a batch did, for people and programs."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from castro_spark.sinks.postgres.commit import Committed

OUTCOMES = ("inserted", "corrected", "stale", "quarantined", "skipped", "gaps")


@dataclass(frozen=True)
class BatchReport:
    """A batch's books, and how long after its begin it was staged, in PostgreSQL and in Redis (milliseconds).

    It is staged while the batch before it commits, so the times of two batches overlap.
    """

    batch_id: int
    revision: int
    offsets: int
    inserted: int
    corrected: int
    stale: int
    quarantined: int
    skipped: int
    gaps: int
    staged_ms: int
    postgres_ms: int
    redis_ms: int

    @classmethod
    def of(
        cls,
        committed: Committed,
        batch_id: int,
        began: float,
        staged: float,
        in_postgres: float,
        in_redis: float,
    ) -> BatchReport:
        totals = {outcome: committed.total(outcome) for outcome in OUTCOMES}
        return cls(
            batch_id=batch_id,
            revision=committed.revision,
            offsets=sum(b.to_offset - b.from_offset for b in committed.books),
            staged_ms=round((staged - began) * 1000),
            postgres_ms=round((in_postgres - began) * 1000),
            redis_ms=round((in_redis - began) * 1000),
            **totals,
        )

    def line(self) -> str:
        """One line for a terminal."""
        outcomes = ", ".join(f"{n:,} {o}" for o in OUTCOMES if (n := getattr(self, o)))
        rate = self.offsets * 1000 / max(self.redis_ms, 1)
        return (
            f"batch {self.batch_id}: {self.offsets:,} offsets = {outcomes or 'nothing'};"
            f" PostgreSQL after {self.postgres_ms} ms, Redis after {self.redis_ms} ms ({rate:,.0f}/s)"
        )

    def as_dict(self) -> dict[str, int]:
        return asdict(self)
