"""At a glance: is anything wrong, since when and what it affects; how today compares; what ran last."""

from __future__ import annotations

from typing import Any

from starlette.routing import BaseRoute

from castro_spark.incidents import by_hand
from castro_spark.outbox import letters
from castro_spark.page.figures import days
from castro_spark.page.page import OVERVIEW, Answer, Asked, Data, Page
from castro_spark.page.reading import health
from castro_spark.page.reading.health import Follower, Part, State
from castro_spark.page.reading.redis_seen import RedisSeen
from castro_spark.page.reading.stream_health import Flow, of_stream
from castro_spark.page.words.language import FLOWS, text
from castro_spark.retraining.store import newest
from castro_spark.sinks.postgres.operations.instances import all_current
from castro_spark.sinks.postgres.product_360.state import NAME as VIEW
from castro_spark.sinks.postgres.quality_results import last_run
from castro_spark.streaming.stop import EXTRACT_LOOP

_SHOWN_INCIDENTS = 5
_VIEW_WORDS = text("Never refreshed."), text("Up to date."), text("Behind the streams by %(time)s.")
_EXTRACT_WORDS = text("Never ran."), text("Ran on time."), text("The oldest table is %(time)s old.")
_RECONCILE_WORDS = text("Never ran."), text("Ran on time."), text("Last ended well %(time)s ago.")

Row = dict[str, Any]


def _answer(asked: Asked) -> Answer:
    snapshot, connection = asked.snapshot, asked.snapshot.connection
    running: dict[tuple[str, str], Row] = {(row["kind"], row["stream"]): row for row in all_current(connection)}
    committed = {row["stream"]: row for row in snapshot.rows("page/flows.sql")}
    streams = sorted(asked.streams, key=lambda stream: [*FLOWS, stream.name].index(stream.name))
    flows = [_flow(s.name, running.get(("stream", s.name)), committed.get(s.name)) for s in streams]
    of_flows = [of_stream(flow, asked.now) for flow in flows]
    redis = asked.redis.published([*committed, VIEW])
    short = by_hand.in_short(connection)
    incidents = by_hand.incidents(connection, ended=False, limit=_SHOWN_INCIDENTS)
    runs = [_view(asked), _extract(asked, running), _reconcile(asked, running), _quality(asked), _retraining(asked)]
    beside = [_redis(asked, committed, redis), _quarantine(asked), _outbox(asked)]
    if asked.settings.archive.dir is not None:
        beside.append(health.of_archive(row for (kind, _), row in running.items() if kind == "archive"))
    found = health.of_incidents(short, next(iter(incidents), None), asked.now)
    parts = [*of_flows, found, *runs, *beside]
    problems = [part for part in parts if part.state in {State.BAD, State.UNKNOWN, State.WARNING}]
    return {
        "state": health.worst(part.state for part in parts) if committed else State.UNKNOWN,
        "started": bool(committed),
        "committed_at": max((row["committed_at"] for row in committed.values()), default=None),
        "problems": sorted(problems, key=lambda part: -health.severity(part.state)),
        "runs": runs,
        "beside": beside,
        "flows": [
            {
                "stream": stream,
                "part": part,
                "flow": flow,
                "days": days.of(asked, stream) if stream.name in committed else None,
            }
            for stream, part, flow in zip(streams, of_flows, flows, strict=True)
        ],
        "incidents": incidents,
        "incidents_open": short.count,
        "redis": redis,
        "flow_names": {stream.name for stream in streams},
        "today": asked.today,
    }


def _flow(name: str, instance: Row | None, row: Row | None) -> Flow:
    if row is None:
        return Flow(name, instance, None, None, None, None, 0.0)
    return Flow(name, instance, row["committed_at"], row["lag"], row["looked_at"], row["same_topic"], row["rate"])


def _redis(asked: Asked, committed: dict[str, Row], seen: RedisSeen) -> Part:
    followers = []
    for name, row in committed.items():
        marker = seen.published.get(name)
        parameters = {
            "stream": name, "takeover": asked.settings.projection.takeover_seconds, "published": marker and marker[1],
        }  # fmt: skip
        lag = asked.snapshot.row("projection/lag.sql", parameters)
        if lag is not None:
            up_to_date = marker == (row["epoch"], row["revision"])
            behind = 0 if up_to_date else max(row["revision"] - (marker[1] if marker else 0), 0)
            followers.append(Follower(name, behind, lag["seconds"], lag["error"], lag["failing_since"]))
    return health.of_redis(seen.error, followers, asked.settings.quality.projection_lag, asked.now)


def _view(asked: Asked) -> Part:
    name = text("Overview of each product")
    limits, parameters = asked.settings.quality.product_360_lag, {"streams": [stream.name for stream in asked.streams]}
    state = asked.snapshot.row("page/view.sql")
    at = state["refreshed_at"] if state else None
    if at is None:
        return Part(name, State.QUIET, _VIEW_WORDS[0])
    lag = asked.snapshot.row("quality/product_360_lag.sql", parameters)
    return health.by_age(name, lag["seconds"] if lag else 0.0, limits, at, _VIEW_WORDS)


def _extract(asked: Asked, running: dict[tuple[str, str], Row]) -> Part:
    name = text("Extract from the warehouse")
    row = asked.snapshot.row("page/extracts.sql") or {}
    judged = health.by_age(name, row.get("age"), asked.settings.quality.extract_age, row.get("newest"), _EXTRACT_WORDS)
    last = max(
        (r for (kind, _), r in running.items() if kind in {"extract", EXTRACT_LOOP}),
        key=lambda r: r["started_at"], default=None,
    )  # fmt: skip
    return health.of_job(name, last, judged)


def _reconcile(asked: Asked, running: dict[tuple[str, str], Row]) -> Part:
    name = text("Reconciliation with the warehouse")
    row = asked.snapshot.row("page/reconciled.sql") or {}
    judged = health.by_age(name, row.get("age"), asked.settings.quality.reconcile_age, row.get("at"), _RECONCILE_WORDS)
    last = max(
        (r for (kind, _), r in running.items() if kind == "reconcile"), key=lambda r: r["started_at"], default=None
    )
    return health.of_job(name, last, judged)


def _quality(asked: Asked) -> Part:
    found = last_run(asked.snapshot.connection)
    judged_at, _, failures = found or (None, 0, [])
    return health.of_quality(judged_at, len(failures), asked.now)


def _retraining(asked: Asked) -> Part:
    with asked.snapshot.connection.cursor() as cursor:
        last = next(iter(newest(cursor, asked.settings.retraining.model, 1)), None)
    return health.of_retraining(last.decided_at if last else None, fired=last is not None and last.fired)


def _quarantine(asked: Asked) -> Part:
    row = asked.snapshot.row("page/rejected.sql") or {"waiting": 0, "foreign": False}
    return health.of_quarantine(row["waiting"], row["foreign"], asked.now)


def _outbox(asked: Asked) -> Part:
    queues = letters.queues(asked.snapshot.connection)
    words = next((queue.error for queue in queues if queue.error), "") or ""
    return health.of_outbox(sum(q.dead for q in queues), sum(q.failing for q in queues), words, asked.now)


ROUTES: tuple[Page | Data | BaseRoute, ...] = (
    Page("glance", "/", text("At a glance"), _answer, "glance.html", group=OVERVIEW, keeps=True),
)
