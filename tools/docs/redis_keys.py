"""docs/reference/redis.md: every key, with its fields and its expiry, as the projection writes them."""

from __future__ import annotations

from datetime import date

from castro_spark.product_columns import COLUMNS
from castro_spark.projection.rows import AGGREGATE_FIELDS
from castro_spark.sinks.redis import keys
from castro_spark.streams import all_streams
from tools.docs import markdown
from tools.docs import settings as reference

_INTRODUCTION = """\
Database 1 (`redis.url`). Every value is absolute and written after its commit; [redis](../design/redis.md) says
how, and what follows a failure. Every hash also has `version`: epoch and revision of the commit. Fields that
would be null are missing. Numbers are exact decimals as text, instants ISO-8601 in UTC. An expiry ends at a
fixed moment, however often the hash is written."""
_DAY = date(2026, 1, 5)


def page() -> str:
    """The page."""
    settings = [setting for setting in reference.keys() if setting.path[:2] == ("redis", "ttl")]  # noqa: SIM118
    expiry = {setting.path[-1]: f"{setting.default} {setting.meaning.partition(': ')[2]}" for setting in settings}
    sums = ", ".join(AGGREGATE_FIELDS)
    rows = []
    for stream in all_streams().values():
        columns = ", ".join([*stream.event_columns, "created_at", "updated_at"])
        rows += [
            [keys.realtime_key(stream, "{product_code}"), f"the product's newest event: {columns}", "realtime_seconds"],
            [keys.daily_key(stream, "{product_code}", _DAY), sums, "daily_days"],
            [keys.monthly_key(stream, "{product_code}", _DAY), sums, "monthly_days"],
        ]
    rows.append([keys.product_360_key("{product_code}"), ", ".join(COLUMNS), "product_360_hours"])
    hashes = [[markdown.code(_named(key)), fields, f"`redis.ttl.{ttl}`, {expiry[ttl]}"] for key, fields, ttl in rows]
    texts = [
        [markdown.code(keys.last_sync_key("{table}")), "a warehouse table's extraction watermark, ISO-8601 in UTC"],
        [markdown.code(keys.marker_key("{stream}")), "up to which commit this Redis is written: epoch and revision"],
        [markdown.code(keys.history_key("{stream}")), "of which database: server, timeline and name"],
    ]
    return markdown.page(
        "Redis keys",
        _INTRODUCTION,
        "## Hashes",
        markdown.table(["key", "fields", "expiry"], hashes),
        "The month is not padded: `2026-1`.",
        "## Texts",
        "They do not expire.",
        markdown.table(["key", "value"], texts),
    )


def _named(key: str) -> str:
    """A key of the sample day with names in the day's place."""
    day = _DAY.isoformat()
    return key.replace(day, "{YYYY-MM-DD}").replace(f"{_DAY.year}-{_DAY.month}", "{YYYY}-{M}")
