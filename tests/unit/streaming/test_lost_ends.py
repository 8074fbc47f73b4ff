"""A topic that ends before what was read: brokers lost its newest records, and give their offsets to new ones."""

from __future__ import annotations

from collections.abc import Mapping
from threading import Event

import pytest

from castro_spark.errors import OffsetsBeyondEnd
from castro_spark.settings import load_settings
from castro_spark.sinks.postgres.commit.ledger import Ledger
from castro_spark.streaming.microbatch.batches import BatchWriter
from castro_spark.streaming.microbatch.linger import Linger
from castro_spark.streaming.start import check_ends
from castro_spark.streams import stream

LEDGER = Ledger("t", "id", generation=1, epoch=1, writer="w", revision=5, positions={0: 500, 1: 20})


def writer(planned: dict[int, int], ends: Mapping[int, int]) -> BatchWriter:
    """Of a stream at LEDGER whose query has planned up to `planned`; the brokers' topic ends at `ends`."""
    return BatchWriter(
        load_settings(environ={}), stream("inventory"), LEDGER, lambda _: planned, lambda _: None, Event(),
        lambda: None, lambda positions: check_ends("t", positions, ends), None, Linger(None, Event(), 1),
    )  # fmt: skip


def test_offsets_that_were_read_are_not_skipped() -> None:
    with pytest.raises(OffsetsBeyondEnd, match="partition 0: the ledger continues at offset 500, but the topic ends at 400"):
        writer({0: 400, 1: 20}, {0: 400, 1: 20})(None, 0)  # type: ignore[arg-type]


def test_the_brokers_are_asked_only_if_spark_plans_less() -> None:
    with pytest.raises(AttributeError):  # it went on to the records, of which there are none here
        writer({0: 500, 1: 21}, {})(None, 0)  # type: ignore[arg-type]
    with pytest.raises(AttributeError):  # Spark, whose micro-batches are limited, catches up
        writer({0: 450, 1: 20}, {0: 600, 1: 20})(None, 0)  # type: ignore[arg-type]
