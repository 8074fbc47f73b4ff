"""Every metric: its name, type, labels and meaning. docs/metrics.md is written from it.

Names are Prometheus's: base units, `_total` for counters, `_timestamp_seconds` (Unix time) instead of ages. No label
names a product or anything else without bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Kind(str, Enum):
    """Prometheus's types."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


@dataclass(frozen=True)
class Metric:
    """One metric. A series is missing where there is nothing to say; a gauge of counts is 0 where that is known."""

    name: str
    kind: Kind
    words: str
    labels: tuple[str, ...] = ()

    @property
    def series(self) -> tuple[str, ...]:
        """The names of its series, as queries name them."""
        if self.kind is Kind.HISTOGRAM:
            return tuple(f"{self.name}_{part}" for part in ("bucket", "sum", "count"))
        return (self.name,)


_G, _C, _H = Kind.GAUGE, Kind.COUNTER, Kind.HISTOGRAM
_PARTITION = ("stream", "partition")

UP = Metric("castro_up", _G, "1 if PostgreSQL answered; else 0, and no other metric of castro_spark is there")
COLLECTED = Metric(
    "castro_collected_timestamp_seconds", _G, "when PostgreSQL was asked: scrapes close to each other share an answer"
)
COLLECT_SECONDS = Metric("castro_collect_seconds", _G, "how long PostgreSQL took to answer")

LAG_RECORDS = Metric(
    "castro_lag_records", _G, "offsets of the topic, as the stream saw its end last, that are not committed", _PARTITION
)
LAG_SECONDS = Metric(
    "castro_lag_seconds",
    _G,
    "the most that the oldest record that is not committed has waited; 0 without such a record",
    _PARTITION,
)
LEDGER_OFFSET = Metric("castro_ledger_offset", _G, "the ledger: the next offset to consume", _PARTITION)
TOPIC_OFFSET = Metric("castro_topic_end_offset", _G, "the topic's end, as the stream saw it last", _PARTITION)
TOPIC_SEEN = Metric("castro_topic_seen_timestamp_seconds", _G, "when the stream saw its topic's end last", ("stream",))
RECORD_TIME = Metric("castro_record_timestamp_seconds", _G, "the greatest Kafka time of a committed record", _PARTITION)
RECORDS = Metric(
    "castro_records_total",
    _C,
    "committed records by outcome: inserted, corrected, stale, deleted, quarantined, skipped, gaps, as in the books",
    ("stream", "outcome"),
)
COMMITS = Metric("castro_commits_total", _C, "commits of the stream, out-of-band ones included", ("stream",))
COMMITTED = Metric("castro_commit_timestamp_seconds", _G, "the stream's last commit", ("stream",))

LATENCY = Metric(
    "castro_latency_seconds",
    _H,
    "from a record's time in Kafka to PostgreSQL's COMMIT (sink postgres), to Redis (sink redis)",
    ("stream", "sink"),
)
NOT_MEASURED = Metric(
    "castro_latency_not_measured_records_total",
    _C,
    "records that are not in castro_latency_seconds: older than a day (late), without a plausible time (untimed)",
    ("stream", "sink", "reason"),
)
AHEAD = Metric(
    "castro_latency_ahead_records_total",
    _C,
    "records of castro_latency_seconds with a time in the future, counted as 0 s",
    ("stream", "sink"),
)
STAGE = Metric(
    "castro_stage_seconds",
    _H,
    "how long a stage of a part's work took: of a stream's batch staged and committed, of a projector published, ...",
    ("kind", "stream", "stage"),
)

STATE = Metric(
    "castro_instance_state",
    _G,
    "1 for the state of each part's current instance, 0 for the others; silent: alive, but without a heartbeat",
    ("kind", "stream", "state"),
)
HEARTBEAT = Metric(
    "castro_instance_heartbeat_timestamp_seconds", _G, "the last heartbeat of the current instance", ("kind", "stream")
)
STARTED = Metric("castro_instance_start_timestamp_seconds", _G, "when the current instance began", ("kind", "stream"))
RESTARTS = Metric("castro_restarts_total", _C, "restarts of the stream in its current process", ("stream",))

QUARANTINE = Metric(
    "castro_quarantine_open_records", _G, "records in quarantine that wait for a decision", ("stream", "reason")
)
PENDING = Metric("castro_outbox_pending_messages", _G, "messages that are not delivered yet", ("channel",))
DEAD = Metric("castro_outbox_dead_messages", _G, "dead letters: messages that are not tried any more", ("channel",))
OLDEST_PENDING = Metric(
    "castro_outbox_oldest_pending_timestamp_seconds",
    _G,
    "when the oldest message that is not delivered was written",
    ("channel",),
)
PROJECTION_COMMITS = Metric(
    "castro_projection_lag_commits",
    _G,
    "commits that Redis lacked, as the projector said last: every two seconds",
    ("stream",),
)
PROJECTION_SECONDS = Metric(
    "castro_projection_lag_seconds", _G, "the age of the oldest of them, a day at most", ("stream",)
)
PROJECTION_FAILS = Metric("castro_projection_failing", _G, "1 while publishing to Redis fails", ("stream",))
INCIDENT = Metric(
    "castro_incident_open",
    _G,
    "1 for each open incident; level: warning, failing or critical",
    ("check", "subject", "level", "muted"),
)

EXTRACTED = Metric("castro_extract_timestamp_seconds", _G, "the last extract of a warehouse table", ("table",))
WATERMARK = Metric(
    "castro_extract_watermark_timestamp_seconds",
    _G,
    "its watermark: the largest last_modified that was read",
    ("table",),
)
REFRESHED = Metric("castro_product_360_refresh_timestamp_seconds", _G, "the last refresh of ml_product_360")
JOB_DONE = Metric(
    "castro_job_success_timestamp_seconds",
    _G,
    "when a job (extract, reconcile, quality, backfill ...) last ended well",
    ("kind", "stream"),
)
JOB_FAILED = Metric("castro_job_failure_timestamp_seconds", _G, "when a job last failed", ("kind", "stream"))
OFFSETS_PUBLISHED = Metric(
    "castro_group_offsets_timestamp_seconds",
    _G,
    "when the ledger's offsets were last committed to the consumer group in Kafka",
    ("stream",),
)
OFFSETS_FAILED = Metric(
    "castro_group_offsets_failures_total", _C, "failures to do so, in the current process", ("stream",)
)

METRICS: tuple[Metric, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Metric))
