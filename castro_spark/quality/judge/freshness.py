"""Freshness: how long the oldest record of the topic waits that is not committed.

Only records that wait count, by their own Kafka timestamps. So a quiet topic is not stale, and the first record after a
quiet night is not late.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from castro_spark.counted import counted
from castro_spark.quality.judge.grades import duration
from castro_spark.quality.judge.lags import Lag, judge_lag
from castro_spark.quality.result import Result
from castro_spark.sections.quality import LagLimits

_STEPS = 12
_FUTURE = timedelta(minutes=1)  # a newest record further ahead than this has no usable time


@dataclass(frozen=True)
class Rung:
    """The first offset of each partition whose record is at most `seconds` old; no entry: there is none."""

    seconds: float
    offsets: Mapping[int, int]


@dataclass(frozen=True)
class Freshness:
    """Offsets by partition: where the ledger is, where the topic ends, and the rungs in ascending order.

    `newest`: offset and time of the record with each partition's greatest time. `unmoved`: seconds since the position
    was last written. `held_back`: offsets from an open transaction on, which no reader gets yet.
    """

    started: bool
    now: datetime
    positions: Mapping[int, int] = field(default_factory=dict)
    ends: Mapping[int, int] = field(default_factory=dict)
    rungs: Sequence[Rung] = ()
    newest: Mapping[int, tuple[int, datetime]] = field(default_factory=dict)
    unmoved: Mapping[int, float] = field(default_factory=dict)
    held_back: int = 0


def ages(limits: LagLimits) -> list[float]:
    """The ages to ask Kafka for, ascending: both limits, and multiples of them to say how late it is."""
    return sorted({limits.warn_seconds, limits.fail_seconds, *(limits.fail_seconds * 2**n for n in range(1, _STEPS))})


def judge_freshness(stream: str, seen: Freshness, limits: LagLimits) -> Result:
    """Fails if a record that waits is older than `fail_seconds`."""
    if not seen.started:
        return judge_lag("freshness", stream, Lag(None, "the stream was never started", known=False), limits)
    waiting = {p: end - seen.positions.get(p, 0) for p, end in seen.ends.items() if end > seen.positions.get(p, 0)}
    newest = max((at for _, at in seen.newest.values()), default=None)
    evidence: dict[str, object] = {
        "waiting": waiting,
        "newest_record": newest.isoformat() if newest else None,
        "ledger": dict(seen.positions),
        "held_back": seen.held_back,
    }
    if not waiting:
        at = f"; the newest is of {newest:%Y-%m-%d %H:%M:%S} UTC" if newest else ""
        return judge_lag("freshness", stream, Lag(None, f"every record is committed{at}", evidence=evidence), limits)
    oldest = {p: _waited(p, seen) for p in sorted(waiting)}
    partition, seconds = max(oldest.items(), key=lambda item: item[1])
    records = counted(sum(waiting.values()), "record waits", "records wait")
    words = (
        f"{records}, the oldest for more than {duration(seconds)} (partition {partition})"
        if seconds
        else f"{records}, all of them newer than {duration(limits.warn_seconds)}"
    )
    if seen.held_back:
        words += f"; {counted(seen.held_back, 'is', 'are')} held back by an open transaction of a producer"
    # A rung says `more than`, so its limit is reached: the grades are for values above a limit.
    late = Lag(seconds + 0.001 if seconds else 0.0, words, evidence={**evidence, "oldest_seconds": oldest})
    return judge_lag("freshness", stream, late, limits)


def oldest_waiting(seen: Freshness) -> float:
    """How long the oldest record that waits has waited at least, in seconds; 0 if none does, or all are newer."""
    waiting = (p for p, end in seen.ends.items() if end > seen.positions.get(p, 0))
    return max((_waited(p, seen) for p in waiting), default=0.0)


def _waited(partition: int, seen: Freshness) -> float:
    """The greatest rung that a waiting record is older than; 0 if none is."""
    position, end = seen.positions.get(partition, 0), seen.ends[partition]
    offset, at = seen.newest.get(partition, (position, seen.now))
    if at > seen.now + _FUTURE or offset < position:
        # Times in another unit, a wrong clock, or without order: what waits may be older than what was read.
        return seen.unmoved.get(partition, 0.0)
    older = [rung.seconds for rung in seen.rungs if position < min(rung.offsets.get(partition, end), end)]
    return max(older, default=0.0)
