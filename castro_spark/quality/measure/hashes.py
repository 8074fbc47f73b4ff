"""The check of hashes in Redis against rows in PostgreSQL, for samples of products.

Each run takes other products by chance, and again those that were wrong the last time: so every hash is looked at in
the course of time, and a wrong one stays a failure until it is right.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Collection, Iterable
from contextlib import closing
from dataclasses import dataclass, field

from castro_spark.product_columns import COLUMNS
from castro_spark.projection.comparison import Expected, Verdict, compare
from castro_spark.projection.entries import Expiry
from castro_spark.projection.product_360 import EPOCH, entry
from castro_spark.projection.snapshot import Snapshot, product_snapshot
from castro_spark.projection.snapshot import snapshot as rows_of
from castro_spark.projection.stale_hashes import StaleHashes
from castro_spark.quality.context import Context
from castro_spark.quality.judge.shares import RedisSample, judge_redis
from castro_spark.quality.result import Result
from castro_spark.sections.quality import RedisSampleLimits
from castro_spark.sinks.postgres.connection import names
from castro_spark.sinks.postgres.product_360.rows import by_column, fields_of
from castro_spark.sinks.postgres.product_360.state import NAME as VIEW
from castro_spark.sinks.redis.hashes import VersionedHashes
from castro_spark.streams.declaration import StreamDeclaration


@dataclass
class _Found:
    """Numbers of keys, and the wrong ones: (product_code, key)."""

    compared: int = 0
    in_flight: int = 0
    wrong: set[tuple[str, str]] = field(default_factory=set)


def redis_sample(context: Context, subject: str, limits: RedisSampleLimits) -> Result:
    """A stream's hashes, or those of the 360° view."""
    if subject == VIEW:
        return _view(context, limits)
    stream = context.streams[subject]
    parameters = {"stream": subject, "salt": secrets.randbits(62), "half": -(-limits.products // 2)}
    sampled, were_wrong = _products(context, subject, "quality/sampled_products.sql", parameters)
    # What was wrong of a product may be any of its days.
    whole = were_wrong | set(random.sample(sorted(sampled), min(limits.whole_products, len(sampled))))
    with closing(StaleHashes(context.settings, stream)) as hashes:

        def found(products: Collection[str]) -> _Found:
            return _of_stream(context, stream, hashes, products, whole.intersection(products))

        return _judged(subject, sampled | were_wrong, found, limits)


def _view(context: Context, limits: RedisSampleLimits) -> Result:
    with context.snapshot() as snapshot:
        if not snapshot.exists("ml_product_360"):
            return judge_redis(VIEW, RedisSample(started=True), limits)
    parameters: dict[str, object] = {"salt": secrets.randbits(62), "products": limits.products}
    sampled, were_wrong = _products(context, VIEW, "quality/sampled_of_view.sql", parameters)
    with closing(VersionedHashes(context.settings.redis, VIEW, ())) as hashes:
        return _judged(VIEW, sampled | were_wrong, lambda products: _of_view(context, hashes, products), limits)


def _products(context: Context, subject: str, path: str, parameters: dict[str, object]) -> tuple[set[str], set[str]]:
    """Products by chance, and those that were wrong the last time."""
    with context.snapshot() as snapshot:
        sampled = {code for (code,) in snapshot.rows(path, parameters)}
        return sampled, {code for (code,) in snapshot.rows("quality/last_wrong.sql", {"subject": subject})}


def _judged(
    subject: str, products: set[str], find: Callable[[Collection[str]], _Found], limits: RedisSampleLimits
) -> Result:
    if not products:
        return judge_redis(subject, RedisSample(started=subject == VIEW), limits)
    found = find(products)
    if wrong := found.wrong:
        # Again: what was written or removed between the two reads differs only once.
        wrong = wrong & find({code for code, _ in wrong}).wrong
    keys, codes = sorted(key for _, key in wrong), sorted({code for code, _ in wrong})
    return judge_redis(subject, RedisSample(True, found.compared, found.in_flight, keys, codes), limits)


def _of_stream(
    context: Context, stream: StreamDeclaration, hashes: StaleHashes, products: Collection[str], whole: Iterable[str]
) -> _Found:
    """The newest event, the tested days and their months; of the products in `whole` also the other days and months."""
    horizon = Expiry(context.settings.redis.ttl, context.settings.zone).horizon()
    found = _Found()
    snapshots = [rows_of(context.connection, stream, sorted(products), day, horizon) for day in context.tested]
    with context.snapshot():
        parts = [product_snapshot(context.connection, stream, c, horizon, context.day) for c in sorted(whole)]
    if parts:
        tested = {*context.tested, *(day.replace(day=1) for day in context.tested)}
        snapshots.append(Snapshot(
            parts[0].epoch, parts[0].revision, [],
            [row for part in parts for row in part.daily if row[1] not in context.tested],
            [row for part in parts for row in part.monthly if row[1] not in tested],
        ))  # fmt: skip
    for rows in snapshots:
        stale, in_flight = hashes.find(rows)
        found.compared += len(rows.newest) + len(rows.daily) + len(rows.monthly)
        found.in_flight += in_flight
        found.wrong |= {(one.wanted.product_code, one.expected.key) for one in stale}
    return found


def _of_view(context: Context, hashes: VersionedHashes, products: Collection[str]) -> _Found:
    with context.snapshot() as snapshot:
        snapshot.cursor.execute("SELECT revision FROM castro.product_360")
        (revision,) = snapshot.cursor.fetchone()
        of_view = snapshot.rows(
            "quality/rows_of_view.sql", {"products": sorted(products)},
            columns=names((*COLUMNS, "updated_at", "revision")),
        )  # fmt: skip
        rows = list(by_column(snapshot.cursor, of_view))
    ttl = context.settings.redis.ttl
    expected = [
        Expected(*entry(row["product_code"], row["updated_at"], fields_of(row), ttl), row["revision"]) for row in rows
    ]
    verdicts = [one.verdict for one in compare(hashes, (EPOCH, revision), expected).hashes]
    wrong = {
        (row["product_code"], one.key)
        for row, one, verdict in zip(rows, expected, verdicts, strict=True)
        if verdict is Verdict.STALE
    }
    return _Found(len(rows), verdicts.count(Verdict.IN_FLIGHT), wrong)
