"""The projection's keys, and the markers of the published revision."""

from __future__ import annotations

from datetime import date

from castro_spark.streams.declaration import StreamDeclaration


def realtime_key(stream: StreamDeclaration, product_code: str) -> str:
    """{stream}:realtime:{product_code}. The code comes last, so that a `:` in it changes no key's meaning."""
    return f"{stream.name}:realtime:{product_code}"


def daily_key(stream: StreamDeclaration, product_code: str, day: date) -> str:
    """agg:daily:{product_code}:{YYYY-MM-DD}"""
    return f"{stream.aggregate_prefix}:daily:{product_code}:{day.isoformat()}"


def monthly_key(stream: StreamDeclaration, product_code: str, month: date) -> str:
    """agg:monthly:{product_code}:{YYYY}-{M}, the month not padded."""
    return f"{stream.aggregate_prefix}:monthly:{product_code}:{month.year}-{month.month}"


PRODUCT_360_PATTERN = "product:360:*"


def product_360_key(product_code: str) -> str:
    """product:360:{product_code}"""
    return f"product:360:{product_code}"


def last_sync_key(table: str) -> str:
    """last_sync:{table}: the extraction watermark of a warehouse table."""
    return f"last_sync:{table}"


def patterns(stream: StreamDeclaration) -> tuple[str, ...]:
    """SCAN patterns that match every hash of the stream, and none of another."""
    return f"{stream.name}:realtime:*", f"{stream.aggregate_prefix}:daily:*", f"{stream.aggregate_prefix}:monthly:*"


def marker_key(stream: str) -> str:
    """The key of the marker: the version up to which this Redis was written. If Redis loses data, it loses this key."""
    return f"castro:published:{stream}"


def history_key(stream: str) -> str:
    """The key of the database history that the marker belongs to: a restore or a failover begins a new history."""
    return f"castro:history:{stream}"


def version(epoch: int, revision: int) -> str:
    """Epoch and revision as text of fixed width, which sorts. Lua's numbers would lose digits."""
    return f"{epoch:015d}.{revision:015d}"


def parse_version(text: str) -> tuple[int, int]:
    """The epoch and the revision of a version."""
    epoch, _, revision = text.partition(".")
    return int(epoch), int(revision)
