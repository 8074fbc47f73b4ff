"""Kafka as a source: a topic's records, as a streaming DataFrame or an offset range.

Spark's connector and the administration calls (topics.py) share one set of client options (settings.kafka): both use
the Kafka client in Spark's JVM, so the cluster's security is configured once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pyspark.sql import DataFrame, SparkSession

from castro_spark.sections.servers import KafkaSettings
from castro_spark.sources.kafka.options import reader_options

# Fetch options of Spark's consumers; settings.kafka.options takes precedence. After each poll Spark requests the
# partition's bounds on the same connection, where the broker answers in order. So: fewer and larger polls, and a short
# fetch wait; else that request waits until a prefetch returns records or times out (by default half a second).
_FETCHES = {"fetch.max.wait.ms": "5", "max.partition.fetch.bytes": str(4 << 20)}

# Kafka limits a fetch by compressed bytes, so the memory of a poll must be limited by the number of records. Spark
# keeps a poll's records for seconds after its task ended (session.py, fetchedData.cache): one of each partition counts.
_POLLS = (200, 128, 64, 40, 20)  # records per poll
_POLL_BYTES = 16 << 20  # target size of one poll, by the expected record size
_POLLS_SHARE = 0.3  # of the heap, for a poll of each partition, if every record has the brokers' default maximum size
_LARGE_BYTES = 2 << 20  # what such a record takes: G1 gives a little more than one region (1 MiB) two of them
# Where many records have proved small: after each poll Spark asks the broker twice for the partition's bounds, which
# costs more than 200 small records. The small fetch bounds even large ones that suddenly come, unless they compress a
# thousandfold.
_PROVEN_SMALL = {"max.poll.records": "1000", "max.partition.fetch.bytes": str(256 << 10)}


def read_stream(
    spark: SparkSession, settings: KafkaSettings, topic: str, start: Mapping[int, int], max_offsets: int
) -> DataFrame:
    """The topic's records from `start` on, as Spark's Kafka columns.

    `start` applies only to a new checkpoint. Committed transactions only; lost data is an error, not a warning;
    `max_offsets` limits a batch.
    """
    fetches = _FETCHES | {"max.poll.records": str(poll_records(0, _room(spark, len(start))))}
    return (
        spark.readStream.format("kafka")
        .options(**{f"kafka.{name}": value for name, value in (fetches | reader_options(spark, settings)).items()})
        .option("subscribe", topic)
        .option("startingOffsets", json.dumps({topic: {str(p): o for p, o in start.items()}}))
        .option("maxOffsetsPerTrigger", max_offsets)
        .option("failOnDataLoss", "true")
        .option("kafka.isolation.level", "read_committed")
        .load()
    )


def read_range(
    spark: SparkSession, settings: KafkaSettings, topic: str, starts: Mapping[int, int], ends: Mapping[int, int], *,
    reader: str, record_bytes: float | None = 0.0, proven_small: bool = False,
    rows_a_task: int | None = None,
) -> DataFrame:
    """The topic's records from `starts` up to `ends` (exclusive, for every partition in `ends`), including headers.

    Reads with the same `reader` share Spark's cached consumers. `record_bytes` is the expected size of a record (None:
    unknown); `proven_small`: the thousands of records before were small. Committed transactions only; lost data is an
    error, not a warning.
    """  # fmt: skip
    polls = {"max.poll.records": str(poll_records(record_bytes, _room(spark, len(ends))))}
    if proven_small:
        polls = _PROVEN_SMALL
    fetches = _FETCHES | polls | {
        # Spark pools consumers by group id. By default each read has a new id, and leaves consumers with prefetched
        # data behind. Partitions are assigned explicitly, so there is no group coordination.
        "group.id": f"{reader}-{polls['max.poll.records']}",
    }  # fmt: skip
    bounds = {} if rows_a_task is None else {"maxRecordsPerPartition": rows_a_task}
    return (
        spark.read.format("kafka")
        .options(**{f"kafka.{name}": value for name, value in (fetches | reader_options(spark, settings)).items()})
        .option("assign", json.dumps({topic: sorted(ends)}))
        .option("startingOffsets", json.dumps({topic: {str(p): starts[p] for p in ends}}))
        .option("endingOffsets", json.dumps({topic: {str(p): o for p, o in ends.items()}}))
        .option("includeHeaders", "true")
        .options(**bounds)
        .option("failOnDataLoss", "true")
        .option("kafka.isolation.level", "read_committed")
        .load()
    )


def poll_records(record_bytes: float | None, room: float) -> int:
    """The number of records per poll, for the expected `record_bytes` (None: unknown), within `room` bytes of memory
    even if the records are large."""
    if record_bytes is None:
        return _POLLS[-1]
    fit = (n for n in _POLLS if n * record_bytes <= _POLL_BYTES and n * _LARGE_BYTES <= room)
    return next(fit, _POLLS[-1])


def _room(spark: SparkSession, partitions: int) -> float:
    """Bytes of memory for one poll. A JVM may hold one of each partition: it reads them one after the other."""
    context: Any = spark.sparkContext
    if context.master.startswith("local"):
        heap = context._jvm.java.lang.Runtime.getRuntime().maxMemory()
    else:
        memory = context.getConf().get("spark.executor.memory", "1g")
        heap = context._jvm.org.apache.spark.network.util.JavaUtils.byteStringAsBytes(memory)
    return float(heap * _POLLS_SHARE / max(1, partitions))
