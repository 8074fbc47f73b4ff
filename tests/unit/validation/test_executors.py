"""What the executors told, judged; and why Python's tasks do not run, in words."""

from __future__ import annotations

import platform
from typing import Any

import pytest
from pyspark.errors import PySparkException

from castro_spark import __version__
from castro_spark.errors import CastroError
from castro_spark.validation import executors, kafka
from castro_spark.validation.clocks import ClocksDiffer

GOOD: dict[str, Any] = {
    "host": "node1",
    "container": "container_1",
    "python": platform.python_version(),
    "castro_spark": __version__,
    "packages": executors.packages(),
    "java": "17.0.9",
    "zone": "UTC",
    "time": 1000.5,
    "errors": {},
}


def node(**different: Any) -> executors.Node:
    return executors.Node("node1", "container_1", GOOD | different, began=1000, ended=1002)


def test_an_executor_that_fits() -> None:
    told = executors.judge_python(node(python=f"{platform.python_version().rpartition('.')[0]}.99"), warehouse=True)
    assert told.startswith("Python 3.")
    assert f"pyarrow {executors.packages()['pyarrow']}" in told
    assert executors.judge_reach(node()) == "login to PostgreSQL, connections to Kafka"
    assert executors.judge_clock(node()) == "-0.500 s from this machine's (+-1.000)"


@pytest.mark.parametrize(
    ("different", "words"),
    [
        ({"python": "3.7.1"}, f"Python is 3.7.1, here {platform.python_version()}"),
        ({"castro_spark": "0.0.1"}, f"castro_spark is 0.0.1, here {__version__}"),
        ({"packages": executors.packages() | {"pyarrow": "-"}}, "pyarrow is -, here "),
        ({"java": "11.0.2"}, "Java is 11.0.2, needed is 17"),
        ({"zone": "America/Sao_Paulo"}, "Java's time zone is America/Sao_Paulo: Hive's timestamps would be shifted"),
        ({"zone": None}, "Java's time zone is None"),
    ],
)
def test_an_executor_that_does_not_fit(different: dict[str, Any], words: str) -> None:
    with pytest.raises(CastroError) as raised:
        executors.judge_python(node(**different), warehouse=True)
    assert words in raised.value.problem
    assert raised.value.remedy


def test_the_zone_matters_to_the_warehouse_only() -> None:
    executors.judge_python(node(zone="Asia/Tokyo"), warehouse=False)


def test_an_executor_that_reaches_nothing_or_has_another_time() -> None:
    with pytest.raises(CastroError, match=r"PostgreSQL: no pg_hba\.conf entry"):
        executors.judge_reach(node(errors={"PostgreSQL": "no pg_hba.conf entry"}))
    with pytest.raises(ClocksDiffer):
        executors.judge_clock(node(time=1090))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "Lost task 0.0 in stage 1.0 (10.0.0.7): [PYTHON_VERSION_MISMATCH] Python in worker has different version: 3.9 than that"
            " in driver: 3.11, PySpark cannot run with different minor versions.",
            "the nodes' Python is 3.9, here ",
        ),
        ('java.io.IOException: Cannot run program "python3": error=2', "the nodes have no program python3"),
        ("ModuleNotFoundError: No module named 'castro_spark'", "the nodes' Python cannot import castro_spark"),
        ("ImportError: libfoo.so: cannot open", "the nodes' Python cannot import libfoo.so: cannot open"),
        ("something else\nand more", "the job failed: something else"),
    ],
)
def test_why_no_task_runs(text: str, words: str) -> None:
    error = executors._python_error(PySparkException(text))
    assert error.problem.startswith(words)
    assert "\n" not in error.problem
    assert error.remedy


def test_retention_in_words() -> None:
    assert kafka._retention({"retention.ms": "604800000", "retention.bytes": "-1", "cleanup.policy": "delete"}) == "7 days"
    assert kafka._retention({"retention.ms": "-1", "retention.bytes": "2000000000", "cleanup.policy": "compact"}) == (
        "unlimited in time, 2 GB a partition, compact"
    )
