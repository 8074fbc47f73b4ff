"""Where a stream begins: the ledger against the topic, and Spark's checkpoint against the ledger.

The ledger decides. A checkpoint that agrees with it is gone on with; one that does not (PostgreSQL was restored
to an earlier time, an older checkpoint was put back) is left aside, which is said, and a new one begun.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import SparkSession

from castro_spark.errors import OffsetsAgedOut, OffsetsBeyondEnd
from castro_spark.sinks.postgres.commit.ledger import Ledger
from castro_spark.sources.kafka import TopicState
from castro_spark.streaming.checkpoint import Checkpoints

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Start:
    """The checkpoint folder of this run, and the offsets a new one begins at."""

    checkpoint: str
    positions: dict[int, int]


def check_offsets(ledger: Ledger, state: TopicState) -> None:
    """Raises where the topic no longer has, or does not have, what the ledger wants next."""
    for partition, position in sorted(ledger.positions.items()):
        where = f"topic {state.topic}, partition {partition}: the ledger wants offset {position}"
        if partition not in state.ends or position > state.ends[partition]:
            end = state.ends.get(partition, "none: there is no such partition")
            raise OffsetsBeyondEnd(
                f"{where}, but the topic ends at {end}",
                "is kafka.bootstrap_servers the right cluster? If the topic lost its records for good, correct"
                " castro.offset_ledger by hand, knowing that lost records are lost",
            )
        if position < state.beginnings[partition]:
            raise OffsetsAgedOut(
                f"{where}, but the topic begins at {state.beginnings[partition]}: records were removed unread",
                "bring the missing period back from the warehouse (backfill), then set castro.offset_ledger to"
                " the topic's beginning; and raise the topic's retention",
            )


def plan(spark: SparkSession, checkpoints: Checkpoints, ledger: Ledger, topic: str) -> Start:
    """Which checkpoint to use: the last one where it agrees with the ledger, else a new one."""
    last = checkpoints.last(spark)
    if last is not None:
        reached = checkpoints.reached(spark, last, topic)
        if reached is not None and _agree(reached, ledger.positions):
            return Start(last, ledger.positions)
        log.warning(
            "the checkpoint %s is at %s, the ledger at %s: the ledger decides, a new checkpoint begins there",
            last, _words(reached), _words(ledger.positions),
        )  # fmt: skip
    return Start(checkpoints.new(), ledger.positions)


def _agree(reached: Mapping[int, int], positions: Mapping[int, int]) -> bool:
    return all(positions.get(p) == o for p, o in reached.items())


def _words(positions: Mapping[int, int] | None) -> str:
    return json.dumps(positions) if positions is not None else "nothing"
