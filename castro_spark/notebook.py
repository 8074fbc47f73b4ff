"""A Spark of this machine's own, for notebooks."""

from __future__ import annotations

import os
import shlex
import sys

from pyspark import SparkContext
from pyspark.sql import SparkSession

from castro_spark.jvm.class_archive import environment, submit_options
from castro_spark.resources import castro_home, resource
from castro_spark.session import spark_session


def local_spark(name: str = "notebook", *, cores: int = 2) -> SparkSession:
    """Starts Spark in this process, on `cores` cores of this machine; returns the running one if there is one.

    It loads the jars that ./spark-submit.sh has prepared (CASTRO_HOME, else .castro in the working directory). Without
    them everything works but the archive, which needs Delta Lake. On a cluster use the notebook's own session instead.
    """
    home = castro_home()
    if SparkContext._active_spark_context is None and "PYSPARK_SUBMIT_ARGS" not in os.environ:
        # Else Spark may bind to an address from which its own jars cannot be fetched.
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
        os.environ.setdefault("SPARK_CONF_DIR", str(resource("conf")))  # log4j2.properties is there
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        os.environ |= environment(home)
        os.environ["PYSPARK_SUBMIT_ARGS"] = shlex.join(
            ["--properties-file", str(resource("conf/spark-local.conf")), *submit_options(home), "pyspark-shell"]
        )
    has_delta = any((home / "jars" / "delta").glob("*.jar"))
    return spark_session(name, delta=has_delta, master=f"local[{cores}]")
