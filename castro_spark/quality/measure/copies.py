"""Checks of what follows the commits: Redis, the archive, the 360° view, extracts and reconciliations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from castro_spark.counted import counted
from castro_spark.projection.lag import projection_status
from castro_spark.quality.context import Context
from castro_spark.quality.judge.freshness import Freshness, Rung, ages, oldest_waiting
from castro_spark.quality.judge.grades import duration
from castro_spark.quality.judge.lags import Lag, judge_lag
from castro_spark.quality.measure.flow import newest_of
from castro_spark.quality.result import Result
from castro_spark.sections.quality import LagLimits
from castro_spark.sinks.postgres.product_360.state import STREAMS

_SILENT_SECONDS = 60.0  # without a heartbeat for so long, nothing writes the archive


def projection_lag(context: Context, subject: str, limits: LagLimits) -> Result:
    """By the marker in Redis; where Redis does not answer, by what the projector noted last."""
    with context.snapshot() as snapshot:
        snapshot.cursor.execute("SELECT EXISTS (SELECT FROM castro.stream WHERE stream = %s)", (subject,))
        (started,) = snapshot.cursor.fetchone()
    if not started:
        return judge_lag("projection_lag", subject, Lag(None, "the stream was never started", known=False), limits)
    status = projection_status(context.connection, context.settings, subject)
    behind = status["behind"]
    words = f"Redis lacks {counted(behind, 'commit')}" if behind else "Redis has every commit"
    if status["reachable"] and status["failing"]:
        words += f"; {status['failing']}"
    error = f"Redis does not answer ({status['error']})" if not status["reachable"] else None
    lag = Lag(status["behind_seconds"] if behind else None, words, error=error, evidence={"behind": behind})
    return judge_lag("projection_lag", subject, lag, limits)


def archive_lag(context: Context, subject: str, limits: LagLimits) -> Result:
    """The oldest record of the topic that the archive lacks, by the archive's own report of its offsets."""

    def judged(lag: Lag) -> Result:
        return judge_lag("archive_lag", subject, lag, limits)

    if context.settings.archive.dir is None:
        return judged(Lag(None, "no archive is configured (archive.dir)", known=False))
    with context.snapshot() as snapshot:
        found = snapshot.rows("quality/archived.sql", {"stream": subject})
    if not found:
        return judged(Lag(None, "no process has reported an archive yet", known=False))
    ((positions, topic_id, archived_at, silent, state, error),) = found
    stream = context.streams[subject]
    topic = context.topics.ends(stream.topic)
    evidence = {"archived_at": archived_at, "positions": positions, "state": state, "silent_seconds": round(silent)}
    if topic_id is not None and topic_id != topic.id:
        return judged(Lag(None, "the archive is of another topic: it was created again", error="no offsets to compare",
                          evidence=evidence))  # fmt: skip
    at = {p: int(positions.get(str(p), topic.beginnings[p])) for p in topic.ends}
    waiting = [p for p, end in topic.committed.items() if end > at[p]]
    if not waiting:
        return judged(Lag(None, "every record is archived", evidence=evidence))
    now = datetime.now(timezone.utc)
    rungs = [
        Rung(seconds, context.topics.offsets_at(stream.topic, waiting, now - timedelta(seconds=seconds)))
        for seconds in ages(limits)
    ]
    unmoved = dict.fromkeys(at, silent if archived_at is None else _age(archived_at, now))
    seconds = oldest_waiting(Freshness(True, now, at, topic.committed, rungs, newest_of(topic), unmoved))
    records = sum(topic.committed[p] - at[p] for p in waiting)
    left = counted(records, "record is", "records are")
    words = f"{left} not archived yet, the oldest for more than {duration(seconds)}"
    if silent > _SILENT_SECONDS or state == "failed":
        words += f"; the archive's process is {state}, last heard of {duration(silent)} ago"
    return judged(Lag(seconds, words + (f": {error}" if error else ""), evidence=evidence))


def _age(moment: str, now: datetime) -> float:
    """Seconds since a moment as the archive's process reports it; 0 if it cannot be read."""
    try:
        at = datetime.fromisoformat(moment)
    except ValueError:
        return 0.0
    return (now - (at if at.tzinfo else at.replace(tzinfo=timezone.utc))).total_seconds()


def extract_age(context: Context, subject: str, limits: LagLimits) -> Result:
    """The last extract of a table, whether or not it found new rows."""
    with context.snapshot() as snapshot:
        snapshot.cursor.execute(
            "SELECT extract(epoch FROM now() - committed_at)::float8, mode, watermark"
            " FROM castro.extract_watermark WHERE target = %s",
            (subject,),
        )
        found = snapshot.cursor.fetchone()
    if found is None:
        return judge_lag("extract_age", subject, Lag(None, "never extracted", known=False), limits)
    seconds, mode, watermark = found
    words = f"the last extract ({mode}) was {duration(seconds)} ago, up to {watermark}"
    return judge_lag("extract_age", subject, Lag(seconds, words), limits)


def reconcile_age(context: Context, subject: str, limits: LagLimits) -> Result:
    """The last reconciliation of a stream that ended well."""
    with context.snapshot() as snapshot:
        (seconds,) = snapshot.row("quality/last_done.sql", {"job": "reconcile", "stream": subject})
    if seconds is None:
        return judge_lag("reconcile_age", subject, Lag(None, "no reconciliation is known", known=False), limits)
    lag = Lag(seconds, f"the last reconciliation was {duration(seconds)} ago")
    return judge_lag("reconcile_age", subject, lag, limits)


def product_360_lag(context: Context, subject: str, limits: LagLimits) -> Result:
    """The oldest commit that the view does not include."""
    with context.snapshot() as snapshot:
        if not snapshot.exists("ml_product_360"):
            return judge_lag("product_360_lag", subject, Lag(None, "there is no such table", known=False), limits)
        found: Iterable[tuple[Any, ...]] = snapshot.rows("quality/product_360_lag.sql", {"streams": list(STREAMS)})
    for seconds, streams, refreshed_at in found:
        evidence: Mapping[str, object] = {"streams": streams, "refreshed_at": refreshed_at}
        words = f"commits of {', '.join(streams)} are not included yet; last refresh: {refreshed_at or 'never'}"
        return judge_lag("product_360_lag", subject, Lag(seconds, words, evidence=evidence), limits)
    return judge_lag("product_360_lag", subject, Lag(None, "every commit is included"), limits)
