"""Formats the parts of a status as text lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from castro_spark.observe import alerts
from castro_spark.observe.instance import summary

_MOST_TABLES = 10


def lines(kind: str, part: dict[str, Any]) -> Iterator[str]:
    """The lines of one part as observe/status yields it."""
    yield from _OF[kind](part)


def _postgres(part: dict[str, Any]) -> Iterator[str]:
    yield from _error(part["error"])


def _stream(s: dict[str, Any]) -> Iterator[str]:
    yield f"{s['stream']}: topic {s['topic']}" + ("" if s.get("started", True) else ", never started")
    if s.get("instance"):
        yield f"  state       {summary(s['instance'])}"
    if s.get("trouble"):
        yield f"  TROUBLE     should run, but does not: {s['trouble']}"
    if "error" in s:
        yield from _error(s["error"], "  ")
    elif s["started"]:
        yield f"  committed   revision {s['revision']} at {s['committed_at']:%Y-%m-%d %H:%M:%S} UTC by {s['writer']}"
        yield f"  redis       {_projection(s['redis'])}"
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
        changed = f"; {s['ids_changed']:,} ids arrived padded or in another Unicode form" if s["ids_changed"] else ""
        yield f"  identity    {known or 'nothing yet'}{changed}"
        yield f"  quarantine  {sum(s['quarantined'].values()):,} open {s['quarantined'] or ''}".rstrip()
        if s["quarantine_warning"]:
            yield f"  WARNING     {s['quarantine_warning']}"


def _topic(s: dict[str, Any]) -> Iterator[str]:
    created_again = s.get("topic_is_the_ledgers") is False
    yield f"{s['stream']}: topic {s['topic']}" + (" WAS CREATED AGAIN" if created_again else "")
    if "error" in s:
        yield from _error(s["error"], "  ")
    if s.get("lag") is not None:
        yield f"  lag         {sum(s['lag'].values()):,} records {s['lag']}"
    if archive := s.get("archive"):
        yield f"  archive     {_archive(archive)}"


def _product_360(view: dict[str, Any]) -> Iterator[str]:
    if "error" in view:
        yield "product_360:"
        yield from _error(view["error"], "  ")
    elif view["migrated"]:
        at = f"{view['refreshed_at']:%Y-%m-%d %H:%M:%S} UTC" if view["refreshed_at"] else "never"
        yield f"product_360: {view['products']:,} products, {view['to_refresh']:,} to refresh"
        yield f"  refreshed   {at}"
        yield f"  redis       {'up to date' if view['redis'].get('up_to_date') else 'BEHIND or not reachable'}"


def _projection(part: dict[str, Any]) -> str:
    line = f"revision {part['revision']}"
    if not part["reachable"]:
        line = f"NOT REACHABLE, {line} when it was last seen"
    if part["behind"] or (part["reachable"] and not part["up_to_date"]):
        line += f"  BEHIND by {part['behind']:,} commits, {part['behind_seconds']:,.0f} s"
    if trouble := part.get("error") or part["failing"]:
        since = f" since {part['failing_since']:%Y-%m-%d %H:%M:%S} UTC" if part["failing_since"] else ""
        line += f"; {trouble}{since}"
    elif not part["up_to_date"] and part["projector"] is None:
        line += "; no process projects it: the next one that starts catches up"
    return line


def _table(table: dict[str, Any]) -> Iterator[str]:
    extracted = "never extracted"
    if "error" in table:
        extracted = table["error"].partition("\n")[0]
    elif at := table["committed_at"]:
        extracted = f"up to {table['watermark']} by an extract ({table['mode']}) at {at:%Y-%m-%d %H:%M:%S} UTC"
    yield f"{table['table']}: {extracted}"


def _error(error_text: str, indent: str = "") -> Iterator[str]:
    first, *rest = error_text.splitlines()
    yield f"{indent}ERROR       {first}"
    for line in rest:
        yield f"{indent}{line}"


def _tables(records: dict[str, int], new: list[str]) -> str:
    """Other tables' records by name, the most frequent first; "*" sums the tables that have no count of their own."""
    shown = [f"{name} {n:,}{' (new)' if name in new else ''}" for name, n in list(records.items())[:_MOST_TABLES]]
    left = len(records) - len(shown)
    return ", ".join(shown) + (f" and {left} more (--json)" if left else "")


def _archive(archive: dict[str, Any]) -> str:
    if not archive["readable"]:
        return f"not readable ({archive['error']})"
    lost = sum(archive["lost"].values())
    behind = f"{sum(archive['behind'].values()):,} records behind, last append {archive['archived_at']}"
    return behind + (f"  {lost:,} RECORDS AGED OUT BEFORE" if lost else "")


def _alerts(part: dict[str, Any]) -> Iterator[str]:
    if "error" in part:
        yield "alerts:"
        yield from _error(part["error"], "  ")
    else:
        yield from alerts.lines(part)


_OF = {
    "postgres": _postgres, "stream": _stream, "topic": _topic, "product_360": _product_360, "table": _table,
    "alerts": _alerts,
}  # fmt: skip
