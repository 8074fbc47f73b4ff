"""The JVM of this process before there is a Spark application: the clients of Kafka, HDFS, YARN and the metastore.

spark-submit's settings and jars are in it, so these clients are the ones that the jobs will use. If Hadoop cannot be
reached, a JVM that would fetch jars from there would not start: it then starts with the jars that are here.
"""

from __future__ import annotations

import itertools
import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from py4j.protocol import Py4JError
from pyspark import SparkContext
from pyspark.errors import PySparkException

from castro_spark.errors import CastroError, in_words
from castro_spark.kerberos.login import log_in
from castro_spark.resources import castro_home
from castro_spark.settings import Settings

_ARGUMENTS = "PYSPARK_SUBMIT_ARGS"
_OF_THE_CLUSTER = ("--master", "--deploy-mode", "--jars", "--archives")
SECONDS = 120.0  # it may fetch staged jars from HDFS first


def start(settings: Settings, *, without_cluster: bool) -> Any:
    """Starts the JVM, or finds the running one; returns py4j's view of it. Unless `without_cluster`, it logs in."""
    context: Any = SparkContext
    if context._gateway is None and without_cluster:
        os.environ[_ARGUMENTS] = shlex.join(_local(shlex.split(os.environ.get(_ARGUMENTS, "pyspark-shell"))))
    elif context._gateway is None:
        log_in(settings.kerberos, settings.kafka, os.environ)
    try:
        context._ensure_initialized()
    except (PySparkException, Py4JError, OSError) as error:
        raise CastroError(
            f"the JVM does not start: {in_words(error)}",
            "its own words are above; is there a Java 17 or newer, and its memory?",
        ) from None
    return context._jvm


def _local(words: Sequence[str]) -> list[str]:
    """spark-submit's arguments with the jars that are here, for a JVM that is not to use the cluster."""
    folders = [castro_home() / "jars" / name for name in ("spark", "delta")]
    jars = [str(jar) for folder in folders for jar in sorted(folder.glob("*.jar"))]
    kept, following = ["--master", "local[1]", "--jars", ",".join(jars)], iter(words)
    for word in following:
        if word in _OF_THE_CLUSTER or word == "--conf":
            value = next(following, "")
            kept += [word, value] if word == "--conf" and not value.startswith("spark.yarn.") else []
        else:
            kept.append(word)
    return kept


def is_on_yarn(environ: Mapping[str, str]) -> bool:
    """Whether spark-submit was told to use YARN, by its arguments or by its properties file."""
    if "CONTAINER_ID" in environ:  # the driver is in a container: deploy mode cluster
        return True
    words = shlex.split(environ.get(_ARGUMENTS, ""))
    following = dict(itertools.pairwise([*words, ""]))
    if "--master" in following:
        return following["--master"] == "yarn"
    try:
        lines = Path(following.get("--properties-file", "")).read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    settings = (line.replace("=", " ", 1).split() for line in lines)
    return ["spark.master", "yarn"] in (words[:2] for words in settings)


def hadoop_configuration(jvm: Any) -> Any:
    """The Hadoop clients' configuration, with Spark's settings (spark.hadoop.*); a copy, which gives up soon."""
    configuration = jvm.org.apache.hadoop.conf.Configuration(jvm.org.apache.spark.deploy.SparkHadoopUtil.get().conf())
    for name, value in {
        "ipc.client.connect.max.retries": "1",
        "ipc.client.connect.max.retries.on.timeouts": "1",
        "ipc.client.connect.timeout": "10000",
        "dfs.client.failover.max.attempts": "3",
        "yarn.resourcemanager.connect.max-wait.ms": "15000",
        "yarn.resourcemanager.connect.retry-interval.ms": "2000",
        "yarn.client.failover-max-attempts": "2",
    }.items():
        configuration.set(name, value)
    return configuration
