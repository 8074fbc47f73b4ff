"""What Redis holds of a product, beside what PostgreSQL says it must hold, as the projections make it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

from psycopg2 import sql

from castro_spark.page.reading.database import Snapshot
from castro_spark.product_columns import COLUMNS
from castro_spark.projection import product_360
from castro_spark.projection.comparison import Compared, Comparison, Expected, Verdict, compare
from castro_spark.projection.entries import Expiry
from castro_spark.projection.snapshot import product_snapshot
from castro_spark.projection.stale_hashes import expected_of
from castro_spark.sections.servers import RedisSettings
from castro_spark.settings import Settings
from castro_spark.sinks.postgres.connection import names
from castro_spark.sinks.postgres.product_360.rows import fields_of
from castro_spark.sinks.postgres.product_360.state import NAME as VIEW
from castro_spark.sinks.redis.hashes import Fields, VersionedHashes
from castro_spark.sinks.redis.keys import product_360_key
from castro_spark.streams.declaration import StreamDeclaration


@dataclass(frozen=True)
class Hash:
    """A key with each field as PostgreSQL says and as Redis has it, and the verdict on the whole.

    `fields`: (name, expected, stored), None where one has no such field. `ends`: its expiry (Unix seconds) in Redis,
    None without a hash, -1: never.
    """

    key: str
    fields: list[tuple[str, str | None, str | None]]
    ends: int | None
    verdict: Verdict

    @property
    def agrees(self) -> bool:
        """Whether it is as it must be."""
        return self.verdict is Verdict.AGREES

    @property
    def expires_at(self) -> datetime | None:
        """When Redis removes it; None if it never does, or does not have it."""
        return datetime.fromtimestamp(self.ends, timezone.utc) if self.ends is not None and self.ends >= 0 else None


@dataclass(frozen=True)
class Part:
    """The hashes of one projection: a stream's, or the 360° view's.

    `behind`: the commits that Redis lacks (of the view, whose revisions are times: 1 for some refreshes). `emptied`:
    Redis has no marker, so it was emptied or never written, and its projector writes all anew. Keys that neither side
    has are left out.
    """

    name: str
    behind: int
    emptied: bool
    hashes: list[Hash]

    @property
    def differing(self) -> int:
        """The number of hashes that are wrong, and no commit explains it."""
        return sum(one.verdict is Verdict.STALE for one in self.hashes)

    @property
    def in_flight(self) -> int:
        """The number of hashes that differ by a commit under way."""
        return sum(one.verdict is Verdict.IN_FLIGHT for one in self.hashes)


def cached(
    snapshot: Snapshot,
    settings: Settings,
    redis: RedisSettings,
    streams: Sequence[StreamDeclaration],
    code: str,
    today: date,
) -> list[Part]:
    """The 360° view's hash, then each started stream's: the newest event, the days and the months that are cached.

    `redis`: the settings' one, or with less patience. Raises RedisError.
    """
    parts = [_view(snapshot, settings, redis, code)]
    last = today + timedelta(days=1)  # events of tomorrow are legal
    expiry = Expiry(settings.redis.ttl, settings.zone)
    for stream in streams:
        rows = product_snapshot(snapshot.connection, stream, code, expiry.horizon(), last)
        if not rows.epoch:
            continue  # never started: nothing is projected
        expected = [expected for _, expected in expected_of(stream, rows, expiry)]
        parts.append(_part(redis, stream.name, (rows.epoch, rows.revision), expected))
    return parts


def _view(snapshot: Snapshot, settings: Settings, redis: RedisSettings, code: str) -> Part:
    row = snapshot.row(
        "page/product_cached.sql", {"product": code}, columns=names(COLUMNS, lambda c: sql.Identifier("v", c))
    )
    assert row is not None  # castro.product_360 has always one
    expected = Expected(product_360_key(code), 0, None, row["revision"])
    if row["updated_at"] is not None:
        key, ends, fields = product_360.entry(code, row["updated_at"], fields_of(row), settings.redis.ttl)
        expected = Expected(key, ends, fields, row["revision"])
    return _part(redis, VIEW, (product_360.EPOCH, row["refreshed"]), [expected])


def _part(redis: RedisSettings, name: str, committed: tuple[int, int], expected: Sequence[Expected]) -> Part:
    with closing(VersionedHashes(redis, name, ())) as hashes:
        compared = compare(hashes, committed, expected)
    there = [one for one in compared.hashes if one.stored is not None or one.expected.fields is not None]
    return Part(name, _behind(name, compared), compared.published is None, [_hash(one) for one in there])


def _behind(name: str, compared: Comparison) -> int:
    if compared.published is None or compared.published >= compared.committed:
        return 0
    return 1 if name == VIEW else max(compared.committed[1] - compared.published[1], 1)


def _hash(compared: Compared) -> Hash:
    stored = compared.stored
    return Hash(
        compared.expected.key, list(_side_by_side(compared.expected.fields or {}, stored or {})),
        compared.ends if stored is not None else None, compared.verdict,
    )  # fmt: skip


def _side_by_side(expected: Fields, stored: Fields) -> Iterator[tuple[str, str | None, str | None]]:
    for name in [*expected, *(name for name in stored if name not in expected and name != "version")]:
        yield name, expected.get(name), stored.get(name)
