"""How the tests start JVMs: a compiler and a garbage collector for short runs, and classes shared between them."""

from __future__ import annotations

from pathlib import Path

from castro_spark.jvm.class_archive import without_folders
from castro_spark.resources import castro_home

ROOT = Path(__file__).resolve().parent.parent
# The code cache that the first compiler alone has by default (48 MB) is full after some minutes: sweeping it then takes a
# quarter of the process's time.
_SHORT_RUNS = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m -XX:+UseSerialGC -Dderby.system.durability=test"


def short_lived() -> dict[str, str]:
    """The environment in which Spark's JVMs start fast, whether by spark-submit.sh or by PySpark."""
    log = f"-Dlog4j2.configurationFile=file:{ROOT}/conf/log4j2.properties"
    return {"SPARK_SUBMIT_OPTS": f"{_SHORT_RUNS} {log}", **without_folders(castro_home())}
