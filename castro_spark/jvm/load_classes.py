"""Loads the classes of the jobs' JVMs, for an archive of them (class data sharing, CDS).

Java reads, parses and verifies Spark's classes at each start, which takes most of a cold start's time. With
-XX:ArchiveClassesAtExit a JVM writes what it has loaded into a file, which later ones map (-XX:SharedArchiveFile).
spark-submit.sh runs this module once for each Java and set of jars:

    python -m castro_spark.jvm.load_classes ARCHIVE JAR ...

The archive holds for JVMs whose class path begins alike. Only what is loaded here is in it: other classes are loaded as
without one. No server is needed.
"""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from py4j.protocol import Py4JError
from pyspark import SparkContext
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from castro_spark.jvm.class_archive import class_path_options, without_folders
from castro_spark.jvm.java import java_class
from castro_spark.resources import castro_home, resource
from castro_spark.session import DELTA, HIVE_READING, embedded_hive

_NOWHERE = "127.0.0.1:1"  # no broker listens there: its refusal comes at once
_QUERY_SECONDS = 20
_EXIT_SECONDS = 120
# Made of values that the JVM accepts without a broker.
_CLIENT = {
    "bootstrap.servers": _NOWHERE,
    "default.api.timeout.ms": "200",
    "request.timeout.ms": "100",
    "session.timeout.ms": "100",
    "heartbeat.interval.ms": "50",
}
_BYTES = "org.apache.kafka.common.serialization.ByteArrayDeserializer"


def load_classes(folder: Path) -> None:
    """Does in a new JVM what jobs do, on some rows in `folder`, and ends the JVM."""
    spark = _session(folder)
    for what in (_query, _table, _stream, _kafka_stream, _kafka_clients):
        # What cannot be done here is not in the archive; nothing else depends on it.
        with suppress(PySparkException, Py4JError):
            what(spark, folder)
    spark.stop()
    context: Any = SparkContext
    process = context._gateway.proc
    process.stdin.close()  # the JVM ends, and writes the archive
    process.wait(_EXIT_SECONDS)


def _session(folder: Path) -> SparkSession:
    builder = SparkSession.builder.appName("load classes").master("local[2]")
    for name, value in {**HIVE_READING, **DELTA, **embedded_hive(folder)}.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("OFF")
    system = java_class(spark.sparkContext._jvm, "java.lang.System")
    system.setProperty("derby.stream.error.file", str(folder / "derby.log"))
    return spark


def _query(spark: SparkSession, _: Path) -> None:
    rows = spark.range(100).repartition(2).mapInArrow(lambda batches: batches, "id long")
    rows.selectExpr("id % 7 AS k", "id").groupBy("k").count().orderBy("k").toArrow()


def _table(spark: SparkSession, _: Path) -> None:
    spark.sql("CREATE TABLE t (a int, b decimal(18,6), c timestamp) PARTITIONED BY (d string) STORED AS ORC")
    spark.sql("INSERT INTO t PARTITION (d = 'x') SELECT 1, 2, now()")
    spark.table("t").where("d >= 'a'").groupBy("d").agg(F.count("*"), F.max("c")).collect()


def _stream(spark: SparkSession, folder: Path) -> None:
    _run(spark.readStream.format("rate").load(), folder / "rate", lambda rows, _: rows.toArrow() and None)


def _kafka_stream(spark: SparkSession, folder: Path) -> None:
    options = {f"kafka.{name}": value for name, value in _CLIENT.items()}
    records = spark.readStream.format("kafka").options(**options).option("subscribe", "t")
    _run(records.option("fetchOffset.numRetries", "0").load(), folder / "kafka", lambda *_: None)


def _kafka_clients(spark: SparkSession, _: Path) -> None:
    jvm: Any = spark.sparkContext._jvm
    properties = java_class(jvm, "java.util.Properties")()
    for name, value in {**_CLIENT, "key.deserializer": _BYTES, "value.deserializer": _BYTES, "group.id": "t"}.items():
        properties.setProperty(name, value)
    java_class(jvm, "org.apache.kafka.clients.consumer.KafkaConsumer")(properties).close()
    java_class(jvm, "org.apache.kafka.clients.admin.Admin").create(properties).close()


def _run(records: DataFrame, checkpoint: Path, batch: Callable[[DataFrame, int], None]) -> None:
    stream = records.writeStream.option("checkpointLocation", str(checkpoint)).foreachBatch(batch)
    query = stream.trigger(availableNow=True).start()
    query.awaitTermination(_QUERY_SECONDS)
    query.stop()


def main(archive: Path, jars: list[str]) -> None:
    """Writes the archive; it is complete, or it is not there."""
    made = archive.with_suffix(".new")
    made.unlink(missing_ok=True)
    writing = class_path_options(jars, f'-XX:TieredStopAtLevel=1 -XX:ArchiveClassesAtExit="{made}"')
    os.environ |= {
        "SPARK_CONF_DIR": str(resource("conf")),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_SUBMIT_ARGS": shlex.join(
            ["--properties-file", str(resource("conf/spark-local.conf")), *writing, "pyspark-shell"]
        ),
        **without_folders(castro_home()),
    }
    with tempfile.TemporaryDirectory(prefix="castro-classes-") as folder:
        load_classes(Path(folder))
    made.rename(archive)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
