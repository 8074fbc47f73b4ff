"""Versions that must fit together: Python, Java, Spark, Scala, the jars beside them, and Hadoop's."""

from __future__ import annotations

import platform
import re
from collections.abc import Iterator
from functools import partial
from typing import Any

import pyspark

from castro_spark.errors import CastroError
from castro_spark.validation import clocks
from castro_spark.validation.check import Check

_OLDEST_JAVA = 17
_KAFKA = "org.apache.spark.sql.kafka010.KafkaSourceProvider"
_DELTA = "io.delta.sql.DeltaSparkSessionExtension"
_CLIENTS = "org.apache.kafka.clients.consumer.KafkaConsumer"
_REMEDY = (
    "delete the folder jars in CASTRO_HOME, and prepare anew: ./spark-submit.sh prepare (or name the Spark that fits in"
    " CASTRO_SPARK_HOME)"
)


def checks(jvm: Any, zone: Any) -> Iterator[Check]:
    """Of this process and its JVM."""
    yield Check("version of spark", "here", partial(_spark, jvm))
    yield Check("version of kafka's jars", "here", partial(_kafka, jvm))
    yield Check("version of delta's jar", "here", partial(_delta, jvm))
    yield Check("time zone in java", "here", partial(_time_zone, jvm, zone))


def spark_version(jvm: Any) -> str:
    """The version of the JVM's Spark."""
    return str(getattr(getattr(jvm.org.apache.spark, "package$"), "MODULE$").SPARK_VERSION())


def _scala(jvm: Any) -> str:
    return ".".join(str(jvm.scala.util.Properties.versionNumberString()).split(".")[:2])


def _spark(jvm: Any) -> str:
    spark, java = spark_version(jvm), str(jvm.java.lang.System.getProperty("java.version"))
    if spark != pyspark.__version__:
        raise CastroError(
            f"Spark is {spark}, and Python's pyspark {pyspark.__version__}",
            "name a Spark of the same version in CASTRO_SPARK_HOME, or unset it",
        )
    if (major := int(re.split(r"[.\-+]", java)[0])) < _OLDEST_JAVA:
        raise CastroError(f"Java is {major}, Spark 4 needs {_OLDEST_JAVA}", "set JAVA_HOME")
    return f"Spark {spark}, Scala {_scala(jvm)}, Java {java}, Python {platform.python_version()}"


def _kafka(jvm: Any) -> str:
    jar, clients = jar_of(jvm, _KAFKA), jar_of(jvm, _CLIENTS)
    wanted = f"spark-sql-kafka-0-10_{_scala(jvm)}-{spark_version(jvm)}.jar"
    if jar != wanted:
        raise CastroError(f"Spark's connector for Kafka is {jar}, which fits another Spark than {wanted}", _REMEDY)
    return f"{jar}, {clients}"


def _delta(jvm: Any) -> str:
    jar = jar_of(jvm, _DELTA)
    spark, scala = ".".join(spark_version(jvm).split(".")[:2]), _scala(jvm)
    if not re.match(rf"delta-spark(_{re.escape(spark)})?_{re.escape(scala)}-", jar):
        raise CastroError(f"{jar} fits another Spark or Scala than {spark} and {scala}", _REMEDY)
    return jar


def jar_of(jvm: Any, name: str) -> str:
    """The file name of the jar that a class is in. Raises CastroError if there is no such class."""
    loader = jvm.java.lang.Thread.currentThread().getContextClassLoader()
    try:
        found = loader.loadClass(name)
    except Exception:  # noqa: BLE001 - py4j's error of any class
        raise CastroError(f"there is no class {name} on Spark's class path", _REMEDY) from None
    return str(found.getProtectionDomain().getCodeSource().getLocation().getPath()).rpartition("/")[2]


def _time_zone(jvm: Any, zone: Any) -> str:
    there = jvm.java.time.ZoneId.of(zone.key)
    times = []
    for instant in clocks.instants():
        local = jvm.java.time.Instant.ofEpochSecond(int(instant.timestamp())).atZone(there).toLocalDateTime()
        times.append(f"{local.toString()}:00"[:19])
    return clocks.same_calendar(zone, times, "Java's")
