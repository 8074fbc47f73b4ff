"""The hashes of the 360° view: product:360:{code}, versioned by the refresh that wrote the row."""

from __future__ import annotations

from datetime import datetime

from castro_spark.sections.servers import TtlSettings
from castro_spark.sinks.postgres.product_360.rows import Fields
from castro_spark.sinks.redis.keys import product_360_key

EPOCH = 0  # constant: the view's revisions come from the clock


def entry(
    product_code: str, updated_at: datetime, fields: Fields | None, ttl: TtlSettings
) -> tuple[str, int, Fields | None]:
    """The hash of a row: it expires `product_360_hours` after the row was computed."""
    return product_360_key(product_code), int(updated_at.timestamp()) + ttl.product_360_hours * 3600, fields
