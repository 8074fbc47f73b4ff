"""Reads records whose timestamp overflows in Spark's Kafka source (a producer writes nanoseconds).

Spark fails on such a record with an error that names its offset. Spark reads the records before it; Kafka's own
consumer in the driver's JVM reads the record and any directly following ones of the same kind.
"""

from __future__ import annotations

import logging
import re
from typing import Any

import pyarrow as pa
from pyspark.sql import SparkSession

from castro_spark.errors import SourceError
from castro_spark.sections.servers import KafkaSettings
from castro_spark.sources.kafka.options import admin_options

log = logging.getLogger(__name__)

_NAMED = re.compile(r"partition (\d+) offset (\d+) has timestamp value -?\d+ that overflows").search
MOST_MILLISECONDS = (2**63 - 1) // 1000  # Spark's timestamps are microseconds in 64 bits
_MOST_RECORDS = 500  # read at once
_POLL_SECONDS = 15
_BYTES = "org.apache.kafka.common.serialization.ByteArrayDeserializer"
_SCHEMA = pa.schema(
    [
        ("partition", pa.int32()),
        ("offset", pa.int64()),
        ("timestamp", pa.timestamp("us", tz="UTC")),
        ("key", pa.binary()),
        ("value", pa.binary()),
        ("headers", pa.list_(pa.struct([("key", pa.string()), ("value", pa.binary())]))),
    ]
)


def untimely(error: BaseException) -> tuple[int, int] | None:
    """The partition and offset of the record whose timestamp made Spark fail; None for any other error."""
    named = _NAMED(str(error))
    return (int(named[1]), int(named[2])) if named else None


def read_untimely(
    spark: SparkSession, settings: KafkaSettings, topic: str, partition: int, offset: int, end: int
) -> pa.Table:
    """The record at `offset` and the directly following ones up to `end` (exclusive) whose timestamps overflow too.

    Columns as in records.read_range (partition, offset, timestamp, key, value, headers); `timestamp` is null.
    At most 500 records; committed transactions only. Raises SourceError if the record at `offset` does not exist.
    """
    jvm: Any = spark.sparkContext._jvm
    properties = jvm.java.util.Properties()
    own = {
        "key.deserializer": _BYTES, "value.deserializer": _BYTES, "isolation.level": "read_committed",
        "enable.auto.commit": "false", "auto.offset.reset": "none", "max.poll.records": str(_MOST_RECORDS),
    }  # fmt: skip
    for name, value in (admin_options(settings) | own).items():
        properties.setProperty(name, value)
    consumer = jvm.org.apache.kafka.clients.consumer.KafkaConsumer(properties)
    try:
        topic_partition = jvm.org.apache.kafka.common.TopicPartition(topic, partition)
        assigned = jvm.java.util.ArrayList()
        assigned.add(topic_partition)
        consumer.assign(assigned)
        consumer.seek(topic_partition, offset)
        records = consumer.poll(jvm.java.time.Duration.ofSeconds(_POLL_SECONDS)).records(topic_partition)
        rows = []
        for record in records:
            if record.offset() >= end or abs(record.timestamp()) <= MOST_MILLISECONDS:
                break
            headers = [{"key": h.key(), "value": h.value()} for h in record.headers().toArray()]
            rows.append({
                "partition": partition, "offset": record.offset(), "timestamp": None, "key": record.key(),
                "value": record.value(), "headers": headers or None,
            })  # fmt: skip
    finally:
        consumer.close()
    if not rows or rows[0]["offset"] != offset:
        raise SourceError(
            f"topic {topic}, partition {partition}: the record at offset {offset}, whose timestamp overflows in Spark,"
            " was not found by Kafka's consumer",
            "start again: it may have aged out; let the producer write timestamps in milliseconds",
        )
    log.warning(
        "topic %s, partition %d, offsets %d to %d: the timestamps are not milliseconds (nanoseconds?): these records"
        " are read one by one, which is slow. Let the producer write milliseconds",
        topic, partition, offset, rows[-1]["offset"],
    )  # fmt: skip
    return pa.Table.from_pylist(rows, schema=_SCHEMA)
