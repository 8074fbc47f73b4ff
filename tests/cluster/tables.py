"""Fills tables of the cluster's warehouse, by a Spark of its own: this process's has another warehouse, and knows no HDFS."""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from pyspark.sql import SparkSession

from tests.databases import warehouse as w

_SUBMIT = ["--master", "local[2]", "--driver-memory", "512m", "--conf", "spark.ui.enabled=false"]


class Tables:
    """Of the metastore that hive-site.xml in HADOOP_CONF_DIR names."""

    def __init__(self, env: Mapping[str, str]) -> None:
        conf = {"HADOOP_CONF_DIR": env["HADOOP_CONF_DIR"], "SPARK_LOCAL_IP": "127.0.0.1"}
        self._process = ProcessPoolExecutor(1, get_context("spawn"), _begin, (conf,))

    def fresh(self) -> None:
        """The transactions' table, empty."""
        self._process.submit(_fresh).result(300)

    def append(self, rows: Iterable[w.Row]) -> None:
        """Further rows of the transactions' table."""
        self._process.submit(_append, list(rows)).result(300)

    def drop(self) -> None:
        """Drops the transactions' table."""
        self._process.submit(_drop).result(300)

    def close(self) -> None:
        self._process.submit(_end).result(120)
        self._process.shutdown()


def _begin(env: Mapping[str, str]) -> None:
    os.environ.update(env, PYSPARK_SUBMIT_ARGS=shlex.join([*_SUBMIT, "pyspark-shell"]))


def _spark() -> SparkSession:
    zone = {"spark.sql.session.timeZone": "UTC", "spark.driver.extraJavaOptions": "-Duser.timezone=UTC"}
    builder = SparkSession.builder.appName("tables").enableHiveSupport()
    for name, value in zone.items():
        builder = builder.config(name, value)
    return builder.getOrCreate()


def _fresh() -> None:
    w.fresh(_spark())


def _append(rows: list[w.Row]) -> None:
    w.append(_spark(), w.TRANSACTIONS, rows)


def _drop() -> None:
    _spark().sql(f"DROP TABLE {w.TRANSACTIONS}")


def _end() -> None:
    _spark().stop()
