"""Counts: Kafka = ledger = books = tables. All are read so that what happens meanwhile explains no difference."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from castro_spark.counted import counted
from castro_spark.quality.judge.grades import result
from castro_spark.quality.result import Outcome, Result
from castro_spark.sections.quality import CountLimits

_DESCRIBED = 5


@dataclass(frozen=True)
class Partition:
    """A partition's ledger and newest books. `books_end` is None if no books are in the window."""

    next_offset: int
    books_end: int | None
    books: int
    jumps: int  # books that do not begin where the ones before end
    offsets: int
    records: int  # inserted, corrected, stale, deleted, quarantined and skipped ones
    gaps: int  # control records, and records that were compacted away


@dataclass(frozen=True)
class Committed:
    """The newest commits: what the books say of them, and the events with their time in the table."""

    commits: int
    inserted: int
    deleted: int
    found: int


@dataclass(frozen=True)
class Differs:
    """A daily or monthly row that differs from the sums of what is below it."""

    product_code: str
    first_day: date
    stored: int
    summed: int

    def __str__(self) -> str:
        summed = counted(self.summed, "event")
        return f"{self.product_code} {self.first_day}: {self.stored} instead of {summed}, or other sums"


@dataclass(frozen=True)
class Counted:
    """Everything that is compared. `topic_id` and the topic's offsets are None if Kafka could not be asked."""

    started: bool
    ledger_topic_id: str = ""
    topic_id: str | None = None
    beginnings: Mapping[int, int] = field(default_factory=dict)
    ends: Mapping[int, int] = field(default_factory=dict)
    kafka_error: str | None = None
    partitions: Mapping[int, Partition] = field(default_factory=dict)
    committed: Committed | None = None
    daily: Sequence[Differs] = ()
    monthly: Sequence[Differs] = ()


def judge_counts(stream: str, seen: Counted, limits: CountLimits) -> Result:
    """Fails on any difference. If Kafka cannot be asked, and nothing else differs, it is an error."""
    if not seen.started:
        return result("record_counts", stream, limits, Outcome.NO_DATA, "the stream was never started")
    problems = [*_kafka(seen), *_books(seen), *_tables(seen)]
    lag = sum(max(0, end - seen.partitions[p].next_offset) for p, end in seen.ends.items() if p in seen.partitions)
    evidence: dict[str, object] = {
        "waiting": lag if seen.kafka_error is None else None,
        "partitions": {p: vars(part) for p, part in seen.partitions.items()},
        "commits": vars(seen.committed) if seen.committed else None,
        "problems": problems,
    }
    offsets = sum(part.offsets for part in seen.partitions.values())
    books = sum(part.books for part in seen.partitions.values())
    observed = f"{counted(offsets, 'offset')} in {counted(books, 'book')}"
    if problems:
        more = f" and {len(problems) - _DESCRIBED} more" if len(problems) > _DESCRIBED else ""
        words = "; ".join(problems[:_DESCRIBED]) + more
        return result("record_counts", stream, limits, Outcome.FAIL, words, observed=observed, evidence=evidence)
    if seen.kafka_error is not None:
        words = f"ledger, books and tables agree, but the topic cannot be asked: {seen.kafka_error}"
        return result("record_counts", stream, limits, Outcome.ERROR, words, observed=observed, evidence=evidence)
    words = f"topic, ledger, books and tables agree; {counted(lag, 'record waits', 'records wait')}"
    return result("record_counts", stream, limits, Outcome.PASS, words, observed=observed, evidence=evidence)


def _kafka(seen: Counted) -> list[str]:
    if seen.kafka_error is not None:
        return []
    if seen.topic_id != seen.ledger_topic_id:
        return [f"the topic has id {seen.topic_id}, the ledger's is {seen.ledger_topic_id}: it was created again"]
    problems = []
    for p, part in seen.partitions.items():
        if p not in seen.ends:
            problems.append(f"partition {p} is in the ledger, and not in the topic")
        elif part.next_offset > seen.ends[p]:
            problems.append(f"partition {p}: the ledger is at {part.next_offset}, beyond the end {seen.ends[p]}")
        elif part.next_offset < seen.beginnings[p]:
            lost = seen.beginnings[p] - part.next_offset
            problems.append(f"partition {p}: {counted(lost, 'offset')} aged out unconsumed")
    return problems


def _books(seen: Counted) -> list[str]:
    problems = []
    for p, part in seen.partitions.items():
        if part.books_end is not None and part.books_end != part.next_offset:
            problems.append(f"partition {p}: the books end at {part.books_end}, the ledger is at {part.next_offset}")
        if part.jumps:
            jumps = counted(part.jumps, "book does", "books do")
            problems.append(f"partition {p}: {jumps} not begin where the ones before end")
        if part.offsets != part.records + part.gaps:
            problems.append(
                f"partition {p}: {counted(part.offsets, 'offset is', 'offsets are')} {counted(part.records, 'record')},"
                f" {counted(part.gaps, 'gap')}"
            )
    return problems


def _tables(seen: Counted) -> list[str]:
    problems = []
    done = seen.committed
    if done is not None and not done.inserted - done.deleted <= done.found <= done.inserted:
        deleted = f" and {done.deleted:,} deleted" if done.deleted else ""
        problems.append(
            f"the newest {counted(done.commits, 'commit')} inserted {counted(done.inserted, 'event')}{deleted};"
            f" the table has {done.found:,} of these"
        )
    problems += [f"daily row {row}" for row in seen.daily]
    problems += [f"monthly row {row}" for row in seen.monthly]
    return problems
