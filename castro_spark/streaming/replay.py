"""Quarantined records once more through the code that every record goes through.

Guarantee: a record keeps its source position, so a correction that came since is not overwritten, and one that
is replayed twice changes nothing the second time. The ledger does not move.
"""

from __future__ import annotations

from collections.abc import Sequence

from pyspark.sql import SparkSession

from castro_spark.settings import Settings
from castro_spark.sinks.postgres import staging
from castro_spark.sinks.postgres.commit import StreamCommits
from castro_spark.sinks.postgres.quarantine import Quarantined
from castro_spark.sinks.postgres.staging import StagedBatch
from castro_spark.streaming.batches import CachePublisher
from castro_spark.streaming.query import parsed_lines
from castro_spark.streams.declaration import StreamDeclaration

_SCHEMA = "id bigint, key binary, value binary, partition int, offset bigint, timestamp timestamp"


def replay(
    spark: SparkSession, settings: Settings, stream: StreamDeclaration, records: Sequence[Quarantined]
) -> dict[int, str]:
    """Replays open records of `stream`; returns for each id 'replayed', or 'open' where it still is unusable."""
    outcome: dict[int, str] = {}
    for generation in sorted({r.generation for r in records}):
        outcome |= _replay(spark, settings, stream, generation, [r for r in records if r.generation == generation])
    return outcome


def _replay(
    spark: SparkSession, settings: Settings, stream: StreamDeclaration, generation: int, records: list[Quarantined]
) -> dict[int, str]:
    rows = [(r.id, r.key, r.value, r.partition, r.offset, r.record_timestamp) for r in records]
    lines = parsed_lines(spark.createDataFrame(rows, _SCHEMA), settings, stream, generation)
    held = lines.toArrow().to_batches()
    still_bad = {
        (row["partition"], row["offset"]) for b in held for row in b.to_pylist() if row["reject"] is not None
    }
    usable = [r.id for r in records if (r.partition, r.offset) not in still_bad]
    if usable:
        # Rejects lie in quarantine already: they stay there as they are.
        events = [b.filter(b.column("reject").is_null()) for b in held]
        cache = CachePublisher(settings, stream)
        commits = StreamCommits(settings.postgres, stream, epoch=None, patience=0)
        try:
            batch = StagedBatch(counts=staging.count(events), lines=events)
            cache.follow(commits.resolve(batch, usable, cache.horizon()))
        finally:
            commits.close()
            cache.close()
    return {r.id: "replayed" if r.id in set(usable) else "open" for r in records}
