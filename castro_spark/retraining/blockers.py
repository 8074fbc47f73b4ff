"""What holds a retraining back: the data or the streams are in trouble, so a model would learn from it.

Open incidents; failures of `quality`, or no run of it; the last reconciliation; streams that do not run well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from itertools import chain
from typing import Any

from castro_spark.counted import counted
from castro_spark.process.component import ALIVE, State
from castro_spark.sections.retraining import HoldSettings
from castro_spark.sinks.postgres.sql_files import statement

Cursor = Any
_LONGEST = 300


def blockers(cursor: Cursor, streams: Sequence[str], hold: HoldSettings) -> tuple[str, ...]:
    """What holds a retraining back now, each in a sentence. Reads castro.incident, quality_result and instance."""
    found = chain(
        _incidents(cursor, hold), _failures(cursor, hold), _streams(cursor, streams, hold), _reconcile(cursor, hold)
    )
    return tuple(" ".join(words.split())[:_LONGEST] for words in found)


def _incidents(cursor: Cursor, hold: HoldSettings) -> Iterator[str]:
    cursor.execute(statement("retraining/incidents.sql"), {"level": hold.incident_level})
    for number, check, subject, words in cursor.fetchall():
        if not _ignored(check, hold):
            yield f"incident {number} is open: {check} of {subject}: {words}"


def _failures(cursor: Cursor, hold: HoldSettings) -> Iterator[str]:
    if hold.quality_max_age_hours is None:
        return
    cursor.execute(statement("retraining/failures.sql"), {"hours": hold.quality_max_age_hours})
    results = cursor.fetchall()
    if not results:
        yield f"no quality run within {hold.quality_max_age_hours:g} hours: run ./spark-submit.sh quality"
    for check, subject, outcome, words, failed in results:
        if failed and not _ignored(check, hold):
            yield f"quality: {check} of {subject} is {outcome}: {words}"


def _streams(cursor: Cursor, streams: Sequence[str], hold: HoldSettings) -> Iterator[str]:
    for row in _current(cursor, "stream", hold):
        if row["stream"] not in streams:
            continue
        state = State(row["state"])
        if state in (State.FAILED, State.RESTARTING):
            yield f"stream {row['stream']} is {state.value} ({row['reason']}): {row['error']}"
        elif state in ALIVE and row["silent_seconds"] > hold.silent_seconds:
            yield f"stream {row['stream']} has sent no heartbeat for {row['silent_seconds']:.0f} s"


def _reconcile(cursor: Cursor, hold: HoldSettings) -> Iterator[str]:
    last = next(iter(_current(cursor, "reconcile", hold)), None)
    if last is not None and State(last["state"]) is State.FAILED:
        yield f"the last reconciliation failed: {last['error']}"
    unrepaired = ((last or {}).get("progress") or {}).get("unrepaired")
    if last is not None and unrepaired:
        day = last["progress"].get("day")
        yield f"the last reconciliation left {counted(unrepaired, 'difference')} of {day}: run it again with --apply"
    if hold.reconcile_max_age_hours is not None:
        cursor.execute(statement("quality/last_done.sql"), {"job": "reconcile", "stream": ""})
        (age,) = cursor.fetchone()
        if age is None or age > hold.reconcile_max_age_hours * 3600:
            yield f"no reconciliation ended well within {hold.reconcile_max_age_hours:g} hours"


def _current(cursor: Cursor, kind: str, hold: HoldSettings) -> list[dict[str, Any]]:
    cursor.execute(statement("instance/current.sql"), {"stream": None, "kind": kind, "silent": hold.silent_seconds})
    names = [column.name for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _ignored(check: str, hold: HoldSettings) -> bool:
    return any(fnmatchcase(check, pattern) for pattern in hold.ignored_checks)
