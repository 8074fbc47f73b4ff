"""Status: a stream's part as text."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from castro_spark.counted import counted
from castro_spark.observe.instance import summary
from castro_spark.observe.status.block import Part, error_lines

_MOST_TABLES = 10
_JUST_NOW = 15.0  # seconds: running parts look every few seconds


def stream_lines(s: Part) -> Iterator[str]:
    """What PostgreSQL and Redis hold of a stream."""
    yield f"{s['stream']}: topic {s['topic']}" + ("" if s.get("started", True) else ", never started")
    if s.get("instance"):
        yield f"  state       {summary(s['instance'])}"
        if link := s["instance"]["tracking_url"]:
            yield f"  yarn        {s['instance']['application']} {link}"
    if s.get("trouble"):
        yield f"  TROUBLE     should run, but does not: {s['trouble']}"
    if "error" in s:
        yield from error_lines(s["error"], "  ")
    elif s["started"]:
        yield from _of_started(s)


def _of_started(s: Part) -> Iterator[str]:
    yield f"  committed   revision {s['revision']} at {s['committed_at']:%Y-%m-%d %H:%M:%S} UTC by {s['writer']}"
    if (instance := s["instance"]) and instance["stages"]:
        stages = ", ".join(f"{name} {ms:,} ms" for name, ms in instance["stages"].items())
        yield f"  last batch  {stages}"
    if instance and instance["last_error"] and instance["last_error"] != instance["error"]:
        first = instance["last_error"].partition("\n")[0]
        yield f"  last error  {instance['last_error_at']:%Y-%m-%d %H:%M:%S} UTC, since passed: {first}"
    yield from _lag(s)
    yield f"  redis       {projection_text(s['redis'])}"
    if archive := s.get("archive"):
        yield f"  archive     {_archive(archive)}"
    for error in s["errors"]:
        yield f"  ERROR       {error['state']} since {error['since']:%Y-%m-%d %H:%M:%S} UTC: {error['problem']}"
        yield f"              {error['remedy']}"
    if s["skipped"]:
        yield f"  skipped     {', '.join(f'{kind} {n:,}' for kind, n in s['skipped'].items())}"
    if s["skipped_tables"]:
        yield f"  of tables   {_tables(s['skipped_tables'], s['skipped_tables_not_reported_before'])}"
    if new := s["unknown_fields_not_reported_before"]:
        yield f"  new fields  {', '.join(new)}: not in the declaration, so used nowhere (reported this once)"
    known = ", ".join(f"{of} by {' and '.join(kinds)}" for of, kinds in s["identities"].items() if kinds)
    ids = counted(s["ids_changed"], "id")
    changed = f"; {ids} arrived padded or in another Unicode form" if s["ids_changed"] else ""
    yield f"  identity    {known or 'nothing yet'}{changed}"
    yield f"  quarantine  {sum(s['quarantined'].values()):,} open {s['quarantined'] or ''}".rstrip()
    if s["quarantine_warning"]:
        yield f"  WARNING     {s['quarantine_warning']}"


def topic_lines(s: Part) -> Iterator[str]:
    """What the brokers report of its topic (live.topics)."""
    created_again = s.get("topic_is_the_ledgers") is False
    yield f"{s['stream']}: topic {s['topic']}" + (" WAS CREATED AGAIN" if created_again else "")
    if "error" in s:
        yield from error_lines(s["error"], "  ")
    if s.get("lag") is not None:
        yield f"  lag         {counted(sum(s['lag'].values()), 'record')} {s['lag']}"
    if archive := s.get("archive"):
        yield f"  archive     {_archive(archive)}"


def ago(seconds: float) -> str:
    """An age for people."""
    for size, unit in ((86400, "days"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def _lag(s: Part) -> Iterator[str]:
    if s["lag"] is None:
        yield "  lag         not known: no running process has looked at the topic; --live asks Kafka"
        return
    if s["topic_is_the_ledgers"] is False:
        yield "  TOPIC       WAS CREATED AGAIN: its id is not the ledger's"
    old = "" if s["lag_age_seconds"] <= _JUST_NOW else "; --live asks Kafka"
    yield (
        f"  lag         {counted(sum(s['lag'].values()), 'record')} {s['lag']}, by the topic's end as seen"
        f" {ago(s['lag_age_seconds'])} ago{old}"
    )


def projection_text(part: Part) -> str:
    """How far Redis is, in one line."""
    line = "nothing published" if part["revision"] is None else f"revision {part['revision']}"
    if not part["reachable"]:
        line = f"NOT REACHABLE, {line} when it was last seen"
    if part["behind"]:
        line += f"  BEHIND by {counted(part['behind'], 'commit')}, {part['behind_seconds']:,.0f} s"
    elif part["reachable"] and not part["up_to_date"]:
        line += "  BEHIND"  # no commit since: Redis was emptied, or never written
    if trouble := part.get("error") or part["failing"]:
        since = f" since {part['failing_since']:%Y-%m-%d %H:%M:%S} UTC" if part["failing_since"] else ""
        line += f"; {trouble}{since}"
    elif not part["up_to_date"] and part["projector"] is None:
        line += "; no process projects it: the next one that starts catches up"
    return line


def _tables(records: dict[str, int], new: list[str]) -> str:
    """Other tables' records by name, the most frequent first; "*" sums the tables that have no count of their own."""
    shown = [f"{name} {n:,}{' (new)' if name in new else ''}" for name, n in list(records.items())[:_MOST_TABLES]]
    left = len(records) - len(shown)
    return ", ".join(shown) + (f" and {left} more (--json)" if left else "")


def _archive(archive: dict[str, Any]) -> str:
    if archive["readable"] is None:
        return "nothing is known of it: no archiver has run; --live reads the table"
    if "behind" not in archive:
        return f"not readable ({archive['error']})"
    fails = f"  FAILS: {archive['error']}" if "error" in archive else ""
    if archive["behind"] is None:
        return f"not begun{fails}"
    lost = sum(archive["lost"].values())
    records = counted(sum(archive["behind"].values()), "record")
    behind = f"{records} behind, last append {archive['archived_at'] or 'never'}"
    seen = f" (as seen at {archive['seen_at']:%Y-%m-%d %H:%M:%S} UTC)" if archive["seen_at"] else ""
    return behind + seen + (f"  {lost:,} RECORDS AGED OUT BEFORE" if lost else "") + fails
