"""A job of one task a slot tells what each executor has and reaches: Python, packages, Java, PostgreSQL, Kafka."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import re
import socket
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from castro_spark import __version__
from castro_spark.errors import CastroError, first_line
from castro_spark.hadoop.conf import Address
from castro_spark.sections.servers import PostgresSettings
from castro_spark.sinks.postgres.connection import connect
from castro_spark.validation import clocks, network
from castro_spark.validation.check import explain

PACKAGES = ("pyarrow", "psycopg2-binary", "pydantic", "pandas")
_REGISTER_SECONDS = 240.0  # a node unpacks the archives before its first executor
_OLDEST_JAVA = 17
_JAVA = [
    "reflect('java.lang.System', 'getProperty', 'java.version') AS java",
    "reflect('java.lang.System', 'getProperty', 'user.timezone') AS zone",
]
_UTC = {"UTC", "Etc/UTC", "GMT", "Etc/GMT"}


@dataclass(frozen=True)
class Node:
    """What a task found where it ran. `began` and `ended`: this machine's time before and after the job."""

    host: str
    container: str
    told: dict[str, Any]
    began: float
    ended: float


def executors(spark: SparkSession) -> int:
    """How many executors are there; waits until as many as asked for have registered, or some minutes are over."""
    context: Any = spark.sparkContext
    if context.master.startswith("local"):
        return 1
    wanted = int(context.getConf().get("spark.executor.instances", "1"))
    deadline = time.monotonic() + _REGISTER_SECONDS
    while (there := context._jsc.sc().getExecutorMemoryStatus().size() - 1) < wanted:
        if time.monotonic() > deadline:
            break
        time.sleep(0.5)
    if not there:
        raise CastroError(
            f"none of {wanted} executors came within {_REGISTER_SECONDS:g} s",
            "is there room in YARN's queue for spark.executor.memory, memoryOverhead and cores, and a Java"
            f" {_OLDEST_JAVA} on the nodes (else name one in spark.executorEnv.JAVA_HOME)? The containers' logs tell",
        )
    return int(there)


def ask(spark: SparkSession, postgres: PostgresSettings, kafka: Sequence[Address]) -> list[Node]:
    """Runs the job; returns a Node per executor. Raises CastroError for what keeps Python's tasks from running."""
    context: Any = spark.sparkContext
    local = context.master.startswith("local")
    tasks = 1 if local else executors(spark) * int(context.getConf().get("spark.executor.cores", "1"))
    frame = spark.range(0, tasks, 1, tasks).selectExpr(*_JAVA).mapInArrow(_task(postgres, tuple(kafka)), "told string")
    began = time.time()
    try:
        rows = [json.loads(row.told) for row in frame.collect()]
    except (PySparkException, Py4JError) as error:
        raise _python_error(error) from None
    ended = time.time()
    found = [Node(told["host"], told["container"], told, began, ended) for told in rows]
    nodes = {(node.host, node.container): node for node in found}
    return [nodes[key] for key in sorted(nodes)]


def _task(
    postgres: PostgresSettings, kafka: tuple[Address, ...]
) -> Callable[[Iterator[pa.RecordBatch]], Iterator[pa.RecordBatch]]:
    def tell(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        for batch in batches:
            java, zone = (batch.column(i)[0].as_py() for i in range(2))
            yield pa.RecordBatch.from_pydict({"told": [json.dumps(seen(java, zone, postgres, kafka))] * batch.num_rows})

    return tell


def seen(java: str, zone: str | None, postgres: PostgresSettings, kafka: Sequence[Address]) -> dict[str, Any]:
    """What this process has and reaches; runs on the executors."""
    errors = {}
    service = network.Service("kafka", tuple(kafka), "the brokers' advertised.listeners", every=True)
    questions: dict[str, Callable[[], object]] = {"PostgreSQL": lambda: _login(postgres)}
    if kafka:
        questions["Kafka"] = lambda: network.reach(service)
    for name, question in questions.items():
        try:
            question()
        except Exception as error:  # noqa: BLE001 - told to the driver
            errors[name] = explain(error)[0]
    return {
        "host": socket.gethostname(),
        "container": os.environ.get("CONTAINER_ID", ""),
        "python": platform.python_version(),
        "castro_spark": __version__,
        "packages": packages(),
        "java": java,
        "zone": zone,
        "time": time.time(),
        "errors": errors,
    }


def _login(postgres: PostgresSettings) -> None:
    with closing(connect(postgres, "castro_spark validate")):
        pass


def packages() -> dict[str, str]:
    """The versions of PACKAGES here; `-` for a missing one."""

    def version(name: str) -> str:
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            return "-"

    return {name: version(name) for name in PACKAGES}


def judge_python(node: Node, *, warehouse: bool) -> str:
    """Raises CastroError if Python, its packages, Java or its time zone do not fit those of this process."""
    told, problems = node.told, []
    if told["python"].rpartition(".")[0] != platform.python_version().rpartition(".")[0]:
        problems.append(f"Python is {told['python']}, here {platform.python_version()}")
    if told["castro_spark"] != __version__:
        problems.append(f"castro_spark is {told['castro_spark']}, here {__version__}")
    problems += [
        f"{name} is {told['packages'][name]}, here {here}"
        for name, here in packages().items()
        if told["packages"][name] != here
    ]
    if int(re.split(r"[.\-+]", told["java"])[0]) < _OLDEST_JAVA:
        problems.append(f"Java is {told['java']}, needed is {_OLDEST_JAVA}")
    if problems:
        raise CastroError(
            "; ".join(problems),
            "CASTRO_CLUSTER_PYTHON names the nodes' Python of the same minor version; ./spark-submit.sh package builds"
            " the archive of packages for this one",
        )
    if warehouse and told["zone"] not in _UTC:
        raise CastroError(
            f"Java's time zone is {told['zone']}: Hive's timestamps would be shifted",
            "set spark.executor.extraJavaOptions to -Duser.timezone=UTC, as conf/spark-cluster.conf does",
        )
    there = ", ".join(f"{name} {version}" for name, version in told["packages"].items())
    return f"Python {told['python']}, Java {told['java']}, {there}"


def judge_reach(node: Node) -> str:
    """Raises CastroError if the node does not reach what its tasks need."""
    if errors := node.told["errors"]:
        raise CastroError(
            "; ".join(f"{name}: {error}" for name, error in errors.items()),
            "let this node through as the calling machine is: name server, firewall, pg_hba.conf, password file",
        )
    return "login to PostgreSQL, connections to Kafka"


def judge_clock(node: Node) -> str:
    """The node's clock against this machine's: the task ran between two moments that are known."""
    middle, half = (node.began + node.ended) / 2, (node.ended - node.began) / 2
    return clocks.judged(node.told["time"] - middle, half)


def _python_error(error: Exception) -> CastroError:
    """Why Python's tasks do not run, in words."""
    text = str(error)
    if "PYTHON_VERSION_MISMATCH" in text:
        theirs = re.search(r"different version:? \D*(\d+\.\d+)", text)
        return CastroError(
            f"the nodes' Python is {theirs[1] if theirs else 'another'}, here {platform.python_version()}",
            "name one of the same minor version in CASTRO_CLUSTER_PYTHON (a path on every node)",
        )
    if match := re.search(r'Cannot run program "([^"]+)"', text):
        return CastroError(
            f"the nodes have no program {match[1]}",
            "install that Python on every node, or name theirs in CASTRO_CLUSTER_PYTHON",
        )
    if match := re.search(r"ModuleNotFoundError: No module named '([^']+)'|ImportError: (.+)", text):
        return CastroError(
            f"the nodes' Python cannot import {match[1] or match[2]}",
            "build and stage the packages for this Python and platform: ./spark-submit.sh package --stage URI",
        )
    return CastroError(f"the job failed: {first_line(error)}", "the containers' logs tell more (yarn logs)")
