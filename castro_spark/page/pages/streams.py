"""Streams: whether each keeps up, by records and by time; one stream with its latencies, stages and restarts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute

from castro_spark.observe.instance import is_silent, trouble
from castro_spark.page.figures.parts import SIGNS, STATES, parts
from castro_spark.page.figures.plot import Figure, Series, figure
from castro_spark.page.page import Answer, Asked, Data, Page
from castro_spark.page.reading.lag import Lag, Pace, Partition, changes, lag
from castro_spark.page.web.acting import work
from castro_spark.page.words.language import text
from castro_spark.process.component import ALIVE, State
from castro_spark.process.histogram import Histogram, merged
from castro_spark.rules import configured
from castro_spark.sinks.postgres.operations.instances import current
from castro_spark.sinks.postgres.operations.latency import POSTGRES, REDIS, latency_series
from castro_spark.sinks.postgres.operations.stage_times import stage_series

_TREND_SECONDS = 600
_RATE_SECONDS = 300
_STALE_SECONDS = 30.0  # of the topic's end: running streams look every five seconds
_BEHIND_COMMITS = 20  # of Redis, without an error: more is not just the commit under way
_INTERVAL = timedelta(minutes=5)
_DAY = timedelta(hours=24)
_NOW = timedelta(minutes=10)
_PERCENTILES = (("p50", "one", 0.5), ("p95", "two", 0.95), ("p99", "three", 0.99))
PACES = {
    Pace.KEEPS_UP: ("good", text("keeps up")), Pace.CATCHES_UP: ("warning", text("catches up")),
    Pace.FALLS_BEHIND: ("bad", text("falls behind")), Pace.UNKNOWN: ("unknown", text("lag not known")),
}  # fmt: skip
STAGES = {"staged": text("read and staged"), "committed": text("merged and committed")}
SINKS = {POSTGRES: text("until committed in PostgreSQL"), REDIS: text("until visible in Redis")}


@dataclass(frozen=True)
class Ledger:
    """A stream's committed state, and what Redis has of it."""

    stream: str
    topic: str
    topic_id: str
    generation: int
    epoch: int
    writer: str
    revision: int
    updated_at: datetime
    kinds: list[str]
    warehouse_kinds: list[str]
    ids_changed: int
    published: int | None
    published_at: datetime | None
    projector: str | None
    alive_at: datetime | None
    error: str | None
    failing_since: datetime | None
    quarantined: int

    @property
    def behind(self) -> int:
        """Commits that Redis does not have."""
        return max(self.revision - (self.published or 0), 0)

    @property
    def redis_sign(self) -> str:
        if self.published is None:
            return "unknown"
        return "bad" if self.error else "warning" if self.behind > _BEHIND_COMMITS else "good"


@dataclass(frozen=True)
class Percentiles:
    """Latencies of records, in seconds; None without any."""

    records: int
    values: Mapping[str, float | None]


@dataclass(frozen=True)
class Stream:
    """A stream as the list shows it. `state`: a key of parts.STATES; `sign`: the worst of its parts."""

    name: str
    topic: str
    state: str
    since: datetime | None
    problem: str | None
    instance: Mapping[str, Any] | None
    ledger: Ledger | None
    lag: Lag
    seen_at: datetime | None
    rate: float | None
    latencies: Mapping[str, Percentiles]
    recreated: bool

    @property
    def is_stale(self) -> bool:
        """Whether the topic's end was seen too long ago to say how late the stream is."""
        return self.seen_at is None

    @property
    def sign(self) -> str:
        order = ("bad", "warning", "unknown", "quiet", "good")
        found = [SIGNS[self.state]]
        if self.recreated:
            found.append("bad")
        if self.ledger is not None and self.state != "never":
            found += [PACES[self.lag.pace][0]] if self.state in ("running", "restarting", "starting") else []
            found.append(self.ledger.redis_sign)
        return min(found, key=order.index)


def _list(asked: Asked) -> Answer:
    found = _streams(asked)
    order = ("bad", "warning", "unknown", "quiet", "good")
    return work(asked, found=sorted(found, key=lambda s: order.index(s.sign)), **_words())


def _one(asked: Asked) -> Answer:
    name = asked.path["name"]
    declared = next((s for s in asked.streams if s.name == name), None)
    if declared is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, f"there is no stream {name!r}")
    (one,) = (s for s in _streams(asked) if s.name == name)
    given = {"stream": name}
    return work(
        asked, one=one, lag_figure=_lag_figure(asked, name), latency_figures=_latency_figures(asked, name),
        stages=_stages(asked, name), stage_figure=_stage_figure(asked, name), runs=parts(asked, "stream", name, 20),
        skipped=asked.snapshot.rows("page/skipped.sql", given),
        unknown_fields=asked.snapshot.rows("page/unknown_fields.sql", given), **_words(),
    )  # fmt: skip


def _words() -> dict[str, Any]:
    return {"paces": PACES, "part_states": STATES, "part_signs": SIGNS, "sinks": SINKS, "stage_words": STAGES}


def _streams(asked: Asked) -> list[Stream]:
    ledgers = {row["stream"]: Ledger(**row) for row in asked.snapshot.rows("page/streams.sql")}
    partitions = defaultdict(list)
    for row in asked.snapshot.rows("metrics/partitions.sql"):
        partitions[row["stream"]].append(row)
    return [
        _stream(asked, declared.name, configured(declared, asked.settings).topic, ledgers.get(declared.name),
                partitions[declared.name])
        for declared in asked.streams
    ]  # fmt: skip


def _stream(asked: Asked, name: str, topic: str, ledger: Ledger | None, rows: Sequence[Mapping[str, Any]]) -> Stream:
    instance = current(asked.snapshot.connection, name)
    seen_at = instance["topic_seen_at"] if instance else None
    fresh = seen_at is not None and (asked.now - seen_at).total_seconds() <= _STALE_SECONDS
    return Stream(
        name=name, topic=topic, state=_state(instance), since=_since(instance),
        problem=trouble(instance), instance=instance, ledger=ledger, lag=_lag(asked, name, rows, fresh=fresh),
        seen_at=seen_at if fresh else None, rate=_rate(asked, name) if ledger else None,
        latencies={sink: _latency(asked, name, sink) for sink in SINKS},
        recreated=bool(ledger and instance and instance["topic_id"] and instance["topic_id"] != ledger.topic_id),
    )  # fmt: skip


def _state(instance: Mapping[str, Any] | None) -> str:
    if instance is None:
        return "never"
    state = State(instance["state"])
    return "silent" if state in ALIVE and is_silent(instance) else state.value


def _since(instance: Mapping[str, Any] | None) -> datetime | None:
    """Since when its state lasts; of a silent one its last heartbeat."""
    if instance is None:
        return None
    since: datetime = instance["heartbeat_at" if _state(instance) == "silent" else "state_since"]
    return since


def _lag(asked: Asked, name: str, rows: Sequence[Mapping[str, Any]], *, fresh: bool) -> Lag:
    """Without a fresh look at the topic nobody knows how late the stream is: then only the records as seen last."""
    found = asked.snapshot.rows("page/lag_samples.sql", {"stream": name, "seconds": _TREND_SECONDS})
    slopes = changes([(row["sampled_at"], row["partitions"]) for row in found])
    return lag(
        [
            Partition(
                row["partition"], row["next_offset"], row["end_offset"],
                row["waiting"] if row["end_offset"] is not None and fresh else None, row["waits"] if fresh else None,
                slopes.get(str(row["partition"])) if fresh else None,
            )
            for row in rows
        ]
    )  # fmt: skip


def _rate(asked: Asked, name: str) -> float:
    sums = asked.snapshot.row("page/rate.sql", {"stream": name, "seconds": _RATE_SECONDS}) or {"offsets": 0}
    return float(sums["offsets"]) / _RATE_SECONDS


def _latency(asked: Asked, name: str, sink: str) -> Percentiles:
    found = latency_series(asked.snapshot.connection, name, sink, asked.now - _NOW)
    whole = merged(latencies.histogram for _, latencies in found)
    return Percentiles(whole.count, {title: whole.percentile(share) for title, _, share in _PERCENTILES})


def _lag_figure(asked: Asked, name: str) -> Figure:
    rows = asked.snapshot.rows("page/lag_series.sql", {"stream": name})
    series = Series(text("records that wait"), "one", [(row["at"], float(row["records"])) for row in rows])
    return _figure(asked, [series], "number")


def _latency_figures(asked: Asked, name: str) -> dict[str, Figure]:
    figures = {}
    for sink in SINKS:
        found = latency_series(asked.snapshot.connection, name, sink, asked.now - _DAY)
        series = [
            Series(title, style, [
                (at, seconds) for at, found_then in found
                if (seconds := found_then.histogram.percentile(share)) is not None
            ])
            for title, style, share in _PERCENTILES
        ]  # fmt: skip
        figures[sink] = _figure(asked, series, "duration")
    return figures


def _stages(asked: Asked, name: str) -> dict[str, Percentiles]:
    """Of the last hour, by stage: how long it took by percentiles."""
    by_stage: dict[str, list[Histogram]] = defaultdict(list)
    for _, stage, histogram in stage_series(asked.snapshot.connection, "stream", name, asked.now - timedelta(hours=1)):
        by_stage[stage].append(histogram)
    wholes = {stage: merged(found) for stage, found in by_stage.items()}
    return {
        stage: Percentiles(whole.count, {title: whole.percentile(share) for title, _, share in _PERCENTILES})
        for stage, whole in sorted(wholes.items(), key=lambda item: _place(item[0]))
    }


def _place(stage: str) -> tuple[int, str]:
    """Stages in the order of a batch, then others by name."""
    return (list(STAGES).index(stage) if stage in STAGES else len(STAGES)), stage


def _stage_figure(asked: Asked, name: str) -> Figure:
    points: dict[str, list[tuple[datetime, float]]] = defaultdict(list)
    for at, stage, histogram in stage_series(asked.snapshot.connection, "stream", name, asked.now - _DAY):
        if (seconds := histogram.percentile(0.95)) is not None:
            points[stage].append((at, seconds))
    styles = ("one", "two", "three")
    series = [
        Series(STAGES.get(stage, stage), styles[number % len(styles)], found)
        for number, (stage, found) in enumerate(sorted(points.items(), key=lambda item: _place(item[0])))
    ]
    return _figure(asked, series, "duration")


def _figure(asked: Asked, series: Sequence[Series], written: str) -> Figure:
    return figure(series, asked.now - _DAY, asked.now, asked.settings.zone, gap=2 * _INTERVAL, written=written)


ROUTES: tuple[Page | Data | BaseRoute, ...] = (
    Page("streams", "/streams", text("Streams"), _list, "streams.html", keeps=True),
    Page("stream", "/streams/{name}", text("Stream"), _one, "stream.html", group=None, within="streams"),
)
