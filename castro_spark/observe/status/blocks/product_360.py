"""Status: the 360° view in PostgreSQL and Redis."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import datetime

import redis

from castro_spark.counted import counted
from castro_spark.observe.status.block import Asked, Block, Part, error_lines
from castro_spark.settings import Settings
from castro_spark.sinks.postgres.product_360 import state as view
from castro_spark.sinks.postgres.product_360.master_data import master_tables
from castro_spark.sinks.redis.hashes import VersionedHashes
from castro_spark.sinks.redis.trouble import in_words


def _answer(asked: Asked, _: Part) -> Part:
    connection, settings = asked.connection, asked.settings
    if not view.is_migrated(connection):
        return {"migrated": False}
    revision, seen, refreshed_at = view.state(connection)
    tables = master_tables(connection, settings.product_360)
    pending = view.look(connection, datetime.now(settings.zone).date(), tables)
    with connection, connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM ml_product_360")
        (products,) = cursor.fetchone() or (0,)
    return {
        "migrated": True, "products": products, "to_refresh": len(pending.products), "includes_revisions": seen,
        "refreshed_at": refreshed_at,
        "redis": _in_redis(settings, revision),
    }  # fmt: skip


def _in_redis(settings: Settings, revision: int) -> Part:
    """The 360° view in Redis: the revision in its marker."""
    with closing(VersionedHashes(settings.redis, view.NAME, ())) as hashes:
        try:
            marker = hashes.published()
        except redis.RedisError as error:
            return {"reachable": False, "error": in_words(error, settings.redis)}
    published = marker[1] if marker else None
    return {"reachable": True, "revision": published, "up_to_date": not revision or published == revision}


def _lines(part: Part) -> Iterator[str]:
    if "error" in part:
        yield "product_360:"
        yield from error_lines(part["error"], "  ")
    elif part["migrated"]:
        at = f"{part['refreshed_at']:%Y-%m-%d %H:%M:%S} UTC" if part["refreshed_at"] else "never"
        yield f"product_360: {counted(part['products'], 'product')}, {part['to_refresh']:,} to refresh"
        yield f"  refreshed   {at}"
        yield f"  redis       {_redis_line(part['redis'])}"


def _redis_line(seen: Part) -> str:
    if not seen["reachable"]:
        return f"NOT REACHABLE: {seen['error']}"
    return "up to date" if seen["up_to_date"] else f"BEHIND: at revision {seen['revision'] or 'none'}"


PRODUCT_360 = Block("product_360", _answer, _lines)
