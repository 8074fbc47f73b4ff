"""Status: each stream's writer, ledger, lag, quarantine, projection and archive, as PostgreSQL and Redis have them.

Lag and archive are as the running parts saw the topic last, with the age of that; live.py asks Kafka instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from castro_spark.observe.instance import trouble
from castro_spark.observe.status.block import Asked, Block, Part
from castro_spark.observe.status.blocks.stream_text import stream_lines
from castro_spark.parse.identity import Kinds
from castro_spark.parse.reasons import Reason
from castro_spark.process.component import State
from castro_spark.projection.lag import projection_status
from castro_spark.rules import configured, named_sources
from castro_spark.settings import Settings
from castro_spark.sinks.postgres.commit.ledger import Ledger, read_ledger
from castro_spark.sinks.postgres.commit.quarantine import counts, oldest
from castro_spark.sinks.postgres.commit.rules.source import fixed_source
from castro_spark.sinks.postgres.commit.skipped import report_skipped
from castro_spark.sinks.postgres.connection import Connection
from castro_spark.sinks.postgres.operations.instances import SeenTopic, current, topic_seen
from castro_spark.sinks.postgres.operations.pruning import quarantine_use
from castro_spark.streams.declaration import StreamDeclaration

_NEVER_SEEN: Part = {"topic_is_the_ledgers": None, "lag": None, "lag_seen_at": None, "lag_age_seconds": None}


def lag(ledger: Ledger, topic_id: str, ends: dict[int, int]) -> Part:
    """The entries of a stream's part about its topic: by partition, the offsets that are not committed."""
    return {
        "topic_is_the_ledgers": topic_id == ledger.topic_id,
        "lag": {p: end - ledger.positions.get(p, 0) for p, end in sorted(ends.items())},
    }


def _subjects(settings: Settings, streams: Sequence[StreamDeclaration]) -> list[Part]:
    return [{"stream": stream.name, "topic": configured(stream, settings).topic} for stream in streams]


def _answer(asked: Asked, subject: Part) -> Part:
    connection, settings = asked.connection, asked.settings
    stream = next(s for s in asked.streams if s.name == subject["stream"])
    running = current(connection, stream.name)
    state = {"instance": running, "trouble": trouble(running)}
    ledger = read_ledger(connection, stream.name)
    if ledger is None:
        return {"started": False, **state}
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT updated_at, ids_changed FROM castro.stream WHERE stream = %s", (stream.name,))
        updated_at, ids_changed = cursor.fetchone() or (None, 0)
    seen = topic_seen(connection, stream.name)
    part = {
        "started": True,
        **state,
        "writer": ledger.writer,
        "revision": ledger.revision,
        "committed_at": updated_at,
        **_NEVER_SEEN,
        **(_as_seen(ledger, seen) if seen else {}),
        "errors": stream_errors(connection, stream, settings),
        "quarantined": counts(connection, stream.name),
        "quarantine_warning": quarantine_use(connection, stream, settings.housekeeping).warning,
        "identities": {"stream": _names(ledger.kinds), "warehouse": _names(ledger.warehouse_kinds)},
        "ids_changed": ids_changed,
        "redis": projection_status(connection, settings, stream.name),
    }
    if settings.archive.dir is not None:
        part["archive"] = _archive(current(connection, stream.name, "archive"))
    # Last: these record what was reported, so nothing after them may fail.
    with connection, connection.cursor() as cursor:
        unknown = _unknown_fields(cursor, stream.name)
    skipped = report_skipped(connection, stream.name)
    return {
        **part,
        "skipped": {k: sum(s.records for s in skipped if s.kind == k) for k in sorted({s.kind for s in skipped})},
        "skipped_tables": {s.name: s.records for s in skipped if s.name},
        "skipped_tables_not_reported_before": [s.name for s in skipped if s.name and not s.reported],
        "unknown_fields": [name for name, _ in unknown],
        "unknown_fields_not_reported_before": [name for name, reported in unknown if not reported],
    }


def _as_seen(ledger: Ledger, seen: SeenTopic) -> Part:
    # The ledger may have moved on since: what is committed beyond the end as last seen is no lag.
    entries = lag(ledger, seen.id, seen.ends)
    behind = {p: max(n, 0) for p, n in entries["lag"].items()}
    return {**entries, "lag": behind, "lag_seen_at": seen.at, "lag_age_seconds": round(seen.age_seconds, 1)}


def _archive(row: Part | None) -> Part:
    """How far the topic is archived, as the archiver reported; `lost` counts records that aged out before."""
    if row is None:
        return {"readable": None, "behind": None, "archived_at": None, "lost": {}, "seen_at": None}
    positions, progress = row["positions"], row["progress"] or {}
    behind = None
    if positions is not None and row["topic_ends"] is not None:
        behind = {int(p): max(end - positions.get(p, 0), 0) for p, end in sorted(row["topic_ends"].items())}
    fails = State(row["state"]) in (State.RESTARTING, State.FAILED)
    return {
        "readable": not fails,
        "behind": behind,
        "archived_at": progress.get("archived_at"),
        "lost": progress.get("lost", {}),
        "seen_at": row["topic_seen_at"],
        **({"error": row["error"]} if fails else {}),
    }


def stream_errors(connection: Connection, stream: StreamDeclaration, settings: Settings) -> list[Part]:
    """Conditions that need a decision: open quarantine records of another source, legitimate or misrouted."""
    record = oldest(connection, stream.name, Reason.OTHER_SOURCE.value)
    if record is None:
        return []
    with connection:
        fixed = fixed_source(connection, stream.name)
    taken = "; ".join(map(str, named_sources(stream, settings))) or str(fixed)
    return [{
        "state": Reason.OTHER_SOURCE.value,
        "since": record.quarantined_at,
        "problem": f"changes of {record.detail}, and the stream takes those of {taken}",
        "remedy": f"if they are the stream's, name each source in streams.{stream.name}.sources and replay them;"
        " else stop their connector and discard them: quarantine replay, or discard, --reason other_source",
    }]  # fmt: skip


def _names(kinds: Kinds) -> list[str]:
    return sorted(kind.value for kind in kinds)


def _unknown_fields(cursor: Any, stream: str) -> list[tuple[str, bool]]:
    """Source fields that the declaration does not know, and whether each was reported before; marks all as reported."""
    cursor.execute(
        "WITH before AS (SELECT name, reported_at IS NOT NULL AS reported FROM castro.unknown_field WHERE stream = %s),"
        " now AS (UPDATE castro.unknown_field SET reported_at = now() WHERE stream = %s AND reported_at IS NULL)"
        " SELECT name, reported FROM before ORDER BY name",
        (stream, stream),
    )
    fields: list[tuple[str, bool]] = cursor.fetchall()
    return fields


STREAMS = Block("streams", _answer, stream_lines, _subjects)
