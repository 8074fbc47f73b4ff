"""What makes two records the same event: the event's own id, else a hash of its natural key."""

from __future__ import annotations

from pyspark.sql import Column
from pyspark.sql import functions as F

from castro_spark.streams.declaration import StreamDeclaration

_HASH_CHARACTERS = 32  # 128 of SHA-256's bits


def event_id(stream: StreamDeclaration) -> Column:
    """The natural key's columns -> text: `nk:`, the epoch second, `:`, half of a SHA-256.

    The time in front keeps the ids of one period side by side in the table's index, so that a batch
    touches few of its pages however large the table is.
    """
    # Checked texts hold no control characters, so these can neither be forged nor run together.
    parts = [F.coalesce(_as_text(column), F.lit("\u0000")) for column in stream.identity]
    digest = F.sha2(F.concat_ws("\u001f", *parts), 256)
    second = F.lpad(F.unix_seconds("timestamp").cast("string"), 11, "0")
    return F.concat(F.lit("nk:"), second, F.lit(":"), F.substring(digest, 1, _HASH_CHARACTERS))


def _as_text(column: str) -> Column:
    if column == "timestamp":
        return F.unix_micros(column).cast("string")
    return F.col(column).cast("string")
