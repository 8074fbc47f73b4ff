"""How the tests start JVMs: a compiler and a garbage collector for short runs, and classes shared between them.

Java parses and verifies Spark's classes at each start, which takes longer than most jobs of a test run. An archive of
them (class data sharing) is made once a machine, in $CASTRO_HOME/classes, by a JVM that does what the tests' jobs do.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

import pyspark

from castro_spark.resources import castro_home

ROOT = Path(__file__).resolve().parent.parent
# The code cache that the first compiler alone has by default (48 MB) is full after some minutes: sweeping it then takes a
# quarter of the process's time.
_SHORT_RUNS = "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=240m -XX:+UseSerialGC -Dderby.system.durability=test"
_OPTIONS = f"{_SHORT_RUNS} -Dlog4j2.configurationFile=file:{ROOT}/conf/log4j2.properties"
_KEPT_SECONDS = 30 * 86_400


def short_lived() -> dict[str, str]:
    """The environment in which Spark's JVMs start fast, whether by spark-submit.sh or by PySpark."""
    archive = _archive()
    shared = f" -XX:SharedArchiveFile={archive} -Xlog:cds=off -Xlog:cds+dynamic=off" if archive.exists() else ""
    return _environment(_OPTIONS + shared)


def _environment(options: str) -> dict[str, str]:
    # An empty folder on the class path in place of conf/ (conf/spark-env.sh), without which Java shares no classes.
    empty = castro_home() / "classes" / "empty"
    empty.mkdir(parents=True, exist_ok=True)
    return {"SPARK_SUBMIT_OPTS": options, "CASTRO_CLASS_PATH_FOLDER": str(empty)}


@cache
def _archive() -> Path:
    """The archive for this Java and this Spark, made now if it is not there; where that fails there is none."""
    folder = castro_home() / "classes"
    folder.mkdir(parents=True, exist_ok=True)
    archive = folder / f"{_key()}.jsa"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not archive.exists():
            for old in folder.glob("*.jsa"):  # not at once: another checkout may use it
                if time.time() - old.stat().st_mtime > _KEPT_SECONDS:
                    old.unlink()
            made = folder / "made"
            made.unlink(missing_ok=True)
            env = os.environ | _environment(f"{_OPTIONS} -XX:ArchiveClassesAtExit={made} -Xlog:cds=off")
            env |= {"PYTHONPATH": str(ROOT), "SPARK_CONF_DIR": str(ROOT / "conf"), "SPARK_LOCAL_IP": "127.0.0.1"}
            with (folder / "log").open("wb") as log, suppress(subprocess.TimeoutExpired):
                command = [sys.executable, "-m", "tests.jvm"]
                subprocess.run(command, check=False, cwd=ROOT, env=env, timeout=240, stdout=log, stderr=log)
            if made.exists():
                made.rename(archive)
    return archive


def _key() -> str:
    home = os.environ.get("JAVA_HOME")
    java = Path(home) / "bin" / "java" if home else Path(shutil.which("java") or "java")
    version = subprocess.run([java, "-version"], check=True, capture_output=True, text=True).stderr
    found = sorted((Path(pyspark.__file__).parent / "jars").glob("*.jar"))
    jars = [f"{jar} {jar.stat().st_mtime_ns}" for jar in found]  # Java refuses an archive of other files
    return hashlib.sha256("\n".join([version, _SHORT_RUNS, *jars]).encode()).hexdigest()[:16]


def _load_classes() -> None:
    """What is done here is in the archive: a session, a query with Python and Arrow, Hive, a stream with its checkpoint."""
    import tempfile

    from pyspark import SparkContext
    from pyspark.sql import SparkSession

    from castro_spark.session import embedded_hive

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        builder = SparkSession.builder.master("local[4]").config("spark.ui.showConsoleProgress", "false")
        for key, value in embedded_hive(folder).items():
            builder = builder.config(key, value)
        spark = builder.getOrCreate()
        spark.sparkContext.setLogLevel("ERROR")
        rows = spark.range(100).repartition(2).mapInArrow(lambda batches: batches, "id long")
        rows.selectExpr("id % 7 AS k", "id").groupBy("k").count().toArrow()
        spark.sql("CREATE TABLE t (a int, b decimal(18,6), c timestamp) PARTITIONED BY (d string) STORED AS ORC")
        spark.sql("INSERT INTO t PARTITION (d = 'x') SELECT 1, 2, now()")
        spark.sql("SELECT d, count(*), max(c) FROM t WHERE d >= 'a' GROUP BY d").collect()
        stream = spark.readStream.format("rate").load().writeStream.option("checkpointLocation", str(folder / "c"))
        query = stream.foreachBatch(lambda frame, _: frame.toArrow() and None).trigger(availableNow=True).start()
        query.awaitTermination(20)
        query.stop()
        spark.stop()
        java = SparkContext._gateway.proc
        java.stdin.close()  # it ends, and writes the archive
        java.wait(120)


if __name__ == "__main__":
    _load_classes()
