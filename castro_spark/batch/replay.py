"""Sends quarantined records through the same code as streamed ones again.

Guarantee: a record keeps its source position, so a replay never overwrites a later correction, and a second replay
changes nothing. The ledger does not move.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass

import pyarrow as pa

from castro_spark.batch.exclusive import ledger_of, source_of
from castro_spark.parse import parse_batch
from castro_spark.parse.history import GENERATION
from castro_spark.parse.identity import Kinds
from castro_spark.parse.notes import Notes
from castro_spark.projection.followers import following
from castro_spark.rules import configured, parse_rules
from castro_spark.settings import Settings
from castro_spark.sinks.postgres.commit import staging
from castro_spark.sinks.postgres.commit.out_of_band import OutOfBandCommits
from castro_spark.sinks.postgres.commit.quarantine import Choice, Quarantined, chosen
from castro_spark.sinks.postgres.commit.staging import StagedBatch
from castro_spark.sinks.postgres.connection import connect
from castro_spark.streams import stream as stream_named
from castro_spark.streams.declaration import StreamDeclaration

_SOURCE = pa.schema(
    [
        ("partition", pa.int32()),
        ("offset", pa.int64()),
        ("timestamp", pa.timestamp("us", tz="UTC")),
        ("key", pa.binary()),
        ("value", pa.binary()),
    ]
)


@dataclass(frozen=True)
class Replayed:
    """The outcome of a replay: the number of records that are usable now, of those that are not, and of those that were
    not tried, since only their first 1 MiB is stored."""

    replayed: int
    still_open: int
    cut: int

    @property
    def complete(self) -> bool:
        return not self.still_open and not self.cut

    def lines(self) -> list[str]:
        text = [f"{self.replayed} replayed, {self.still_open} still unusable and open"]
        if self.cut:
            text.append(f"{self.cut} not tried, only their first 1 MiB is stored: --id N --value-file PATH for each")
        return text


def replay_chosen(settings: Settings, choice: Choice) -> Replayed:
    """Replays the chosen open records, of any stream, and publishes what that changes to Redis. What is replayed stays
    so if it ends before all were tried."""
    replayed = still_open = cut = 0
    with ExitStack() as following_each, closing(connect(settings.postgres, "castro_spark replay")) as connection:
        followed: set[str] = set()
        for records in chosen(connection, choice):
            for name in sorted({q.stream for q in records}):
                if name not in followed:
                    following_each.enter_context(following(settings, [stream_named(name)]))
                    followed.add(name)
                whole = [q for q in records if q.stream == name and not q.is_cut]
                outcome = replay(settings, stream_named(name), whole)
                replayed += sum(status == "replayed" for status in outcome.values())
                still_open += sum(status == "open" for status in outcome.values())
            cut += sum(q.is_cut for q in records)
    return Replayed(replayed, still_open, cut)


def replay(settings: Settings, stream: StreamDeclaration, records: Sequence[Quarantined]) -> dict[int, str]:
    """Replays open records of `stream`; returns for each id 'replayed', or 'open' if it is still unusable."""
    stream = configured(stream, settings)
    outcome: dict[int, str] = {}
    for generation in sorted({r.generation for r in records}):
        outcome |= _replay(settings, stream, generation, [r for r in records if r.generation == generation])
    return outcome


def _replay(
    settings: Settings, stream: StreamDeclaration, generation: int, records: list[Quarantined]
) -> dict[int, str]:
    columns = zip(*((r.partition, r.offset, r.record_timestamp, r.key, r.value) for r in records), strict=True)
    batch = pa.RecordBatch.from_arrays(
        [pa.array(column, f.type) for column, f in zip(columns, _SOURCE, strict=True)], schema=_SOURCE
    )
    ledger, source = ledger_of(settings, stream, "replay"), source_of(settings, stream, "replay")
    of_warehouse = generation == GENERATION
    known = Kinds() if of_warehouse else ledger.warehouse_kinds
    parsed = parse_batch(batch, parse_rules(stream, settings, generation, warehouse=known, source=source))
    parsed = staging.with_origin(parsed, stream.topic, generation)
    staged = StagedBatch(counts=staging.count([parsed]), parsed=[parsed], notes=Notes.of([parsed]))
    commits = OutOfBandCommits(
        settings.postgres, stream, patience=0, warehouse=staged.kinds | ledger.warehouse_kinds if of_warehouse else None
    )
    try:
        _, usable = commits.resolve(staged, [r.id for r in records])
    finally:
        commits.close()
    return {r.id: "replayed" if r.id in usable else "open" for r in records}
