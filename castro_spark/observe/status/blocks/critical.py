"""Status: critical products: which rules are on, how far commits are evaluated, and the episodes that last."""

from __future__ import annotations

from collections.abc import Iterator

from castro_spark.counted import counted
from castro_spark.critical.follower import why_off
from castro_spark.critical.rows import STREAM
from castro_spark.observe.status.block import Asked, Block, Part, error_lines
from castro_spark.sinks.postgres.connection import statement


def _answer(asked: Asked, _: Part) -> Part:
    rules = asked.settings.critical.rules
    with asked.connection, asked.connection.cursor() as cursor:
        cursor.execute(statement("critical/summary.sql"), {"stream": STREAM})
        behind, followed_at, lasting, started = cursor.fetchone() or (None, None, {}, 0)
    return {
        "off": why_off(asked.settings), "rules": [name for name, rule in rules if rule is not None],
        "behind": behind, "followed_at": followed_at, "lasting": lasting, "started_last_day": started,
    }  # fmt: skip


def _lines(part: Part) -> Iterator[str]:
    if "error" in part:
        yield "critical products:"
        yield from error_lines(part["error"], "  ")
        return
    if part["off"]:
        yield f"critical products: off: {part['off']}"
        return
    lasting = ", ".join(f"{rule} {count:,}" for rule, count in part["lasting"].items()) or "none"
    yield f"critical products: {', '.join(part['rules'])}"
    yield f"  episodes    lasting: {lasting}; {part['started_last_day']:,} of them started in the last 24 hours"
    if part["followed_at"] is None:
        yield "  evaluated   never: a running inventory stream evaluates its commits"
    else:
        behind = counted(part["behind"], "commit")
        yield f"  evaluated   {behind} behind, at {part['followed_at']:%Y-%m-%d %H:%M:%S} UTC"


CRITICAL = Block("critical", _answer, _lines)
