"""One Spark a test process, with all that the jobs ask of it, and the jobs run in this process on sessions of it.

A JVM and its first query cost some ten seconds, a session of their own milliseconds. What the jobs set for themselves
(session.py) they set on their session; what belongs to the JVM is here as spark-submit.sh and conf/ have it.
"""

from __future__ import annotations

import atexit
import importlib
import io
import logging
import os
import shlex
import shutil
import signal
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from threading import RLock

from pyspark.sql import SparkSession

from castro_spark import cli
from castro_spark.jvm.class_archive import submit_options
from castro_spark.local.stack import castro_home
from castro_spark.session import DELTA, embedded_hive, redaction
from tests import jvm
from tests.environment import environment

ROOT = Path(__file__).resolve().parent.parent
# Jobs that never start Spark, as spark-submit.sh has them: a test of theirs needs no JVM.
_WITHOUT_SPARK = ("quarantine", "stop", "package", "cache", "commands", "incidents", "outbox", "quality", "retraining")
_ONE_AT_A_TIME = RLock()  # the environment, the standard streams and the default session are the process's


@cache
def warehouse_folder() -> Path:
    """Where this process's Spark has its embedded Hive: what CASTRO_WAREHOUSE_DIR must name for jobs in this process."""
    folder = Path(tempfile.mkdtemp(prefix="castro-warehouse-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


@cache
def engine() -> SparkSession:
    """The process's Spark, started at the first call. Nobody uses its own session: take `new_session`."""
    submit = [
        "--master", "local[4,3]",  # a task is tried again; more tasks at once than cores would only wait
        "--properties-file", str(ROOT / "conf" / "spark-local.conf"),
        *submit_options(castro_home()),
        "--conf", f"spark.scheduler.allocation.file=file:{ROOT / 'conf' / 'fairscheduler.xml'}",
        "pyspark-shell",
    ]  # fmt: skip
    for name, value in {
        "PYSPARK_SUBMIT_ARGS": shlex.join(submit),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_CONF_DIR": str(ROOT / "conf"),
        "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]),  # the workers'
        **jvm.short_lived(),
    }.items():
        os.environ[name] = value
    builder = SparkSession.builder.appName("castro_spark tests")
    hidden = {"spark.redaction.regex": redaction()}
    for key, value in (embedded_hive(warehouse_folder()) | DELTA | hidden).items():
        builder = builder.config(key, value)
    spark = builder.getOrCreate()
    spark.sparkContext.setLogLevel("ERROR")
    spark._jvm.java.lang.System.setProperty("derby.stream.error.file", str(warehouse_folder() / "derby.log"))
    atexit.register(spark.stop)
    return spark


def new_session() -> SparkSession:
    """A session of its own, without Delta's catalog unless it is asked for again."""
    session = engine().newSession()
    session.conf.unset("spark.sql.catalog.spark_catalog")
    return session


@contextmanager
def default_session() -> Iterator[SparkSession]:
    """A new session, which within this block is the one that `SparkSession.builder` finds."""
    with _ONE_AT_A_TIME:
        session = new_session()
        before = SparkSession._instantiatedSession, SparkSession._activeSession
        SparkSession._instantiatedSession = SparkSession._activeSession = session
        try:
            yield session
        finally:
            SparkSession._instantiatedSession, SparkSession._activeSession = before


class Log(logging.Handler):
    """What is logged in this process while it is open, by whatever thread."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.setFormatter(logging.Formatter("%(levelname)-7s %(message)s"))
        self._lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.append(self.format(record))

    def text(self) -> str:
        return "".join(f"{line}\n" for line in self._lines)

    def open(self) -> None:
        logging.getLogger("py4j").setLevel(logging.ERROR)
        logging.getLogger().setLevel(logging.INFO)
        logging.getLogger().addHandler(self)

    def close(self) -> None:
        logging.getLogger().removeHandler(self)
        super().close()


def run_job(name: str, arguments: Sequence[str], env: Mapping[str, str]) -> tuple[int, str]:
    """As `run`, with all that was printed and logged in one text."""
    status, out, err = run(name, arguments, env)
    return status, out + err


def run(name: str, arguments: Sequence[str], env: Mapping[str, str]) -> tuple[int, str, str]:
    """Runs a job as its process would, in this one: its exit status, what it printed, and what it told and logged."""
    command = importlib.import_module(f"jobs.{name}").main
    out, err, log = io.StringIO(), io.StringIO(), Log()
    signals = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    session = nullcontext() if name in _WITHOUT_SPARK else default_session()
    with _ONE_AT_A_TIME, session, environment(env), redirect_stdout(out), redirect_stderr(err):
        log.open()
        try:
            status = cli.exit_status(command, arguments)
        finally:
            log.close()
            for number, handler in signals.items():
                signal.signal(number, handler)
    return status, out.getvalue(), err.getvalue() + log.text()
