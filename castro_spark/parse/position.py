"""Where a record stood in its source, as a pair that orders: of one identity, the greater pair counts."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

GENERATION_SHIFT = 32


def position_columns(generation: Column) -> dict[str, Column]:
    """position_major and position_minor (bigint) of a native record: its partition and its offset.

    The topic's generation stands above the partition: a topic that was deleted and created again starts
    at offset 0, and what it brings is newer than all before.
    """
    lifted = F.shiftleft(generation.cast("bigint"), GENERATION_SHIFT)
    return {
        "position_major": (lifted + F.col("partition")).cast("bigint"),
        "position_minor": F.col("offset").cast("bigint"),
    }
