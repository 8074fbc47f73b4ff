"""The names for notebooks: importing them starts nothing, and their docstrings' examples are true."""

from __future__ import annotations

import doctest
import importlib
import subprocess
import sys
from datetime import datetime, timezone
from decimal import Decimal
from types import FunctionType

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

import castro_spark
from castro_spark import stream, value_total, with_calendar
from tests.system import ROOT
from tests.unit.project.test_light_jobs import HEAVY


def test_importing_it_loads_next_to_nothing() -> None:
    code = (
        "import sys, threading; before = set(sys.modules); import castro_spark\n"
        f"assert not {HEAVY!r} & sys.modules.keys() and threading.active_count() == 1\n"
        "print(*sorted(n for n in set(sys.modules) - before if n.startswith('castro_spark')))"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "castro_spark"


def test_no_public_name_needs_what_the_embedded_servers_need() -> None:
    """The extra `local`: a notebook may have the wheel alone."""
    code = (
        "import sys; sys.modules['psutil'] = None; import castro_spark\n"
        "for name in castro_spark.__all__: getattr(castro_spark, name)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


def test_every_public_name_is_there_and_described() -> None:
    assert set(castro_spark.__all__) <= set(dir(castro_spark))
    for name in castro_spark.__all__:
        assert getattr(castro_spark, name).__doc__, name
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        castro_spark.nothing  # noqa: B018


@pytest.fixture(scope="module")
def events(spark: SparkSession) -> DataFrame:
    """E1, and E2 with its correction; E2 is of the same local day, though of the next in UTC."""
    first, second = datetime(2025, 3, 1, 12, tzinfo=timezone.utc), datetime(2025, 3, 2, 2, 59, tzinfo=timezone.utc)
    rows = spark.createDataFrame(
        [
            ("E1", "P1", "ENTRADA", Decimal(10), Decimal("2.5"), first, b"1"),
            ("E2", "P1", "SAIDA", Decimal("4.5"), Decimal(3), second, b"2"),
            ("E2", "P1", "SAIDA", Decimal(4), Decimal(3), second, b"3"),
        ],
        "event_id string, product_code string, transaction_type string, quantity decimal(18,6), unit_cost decimal(18,6),"
        " timestamp timestamp, source_position binary",
    )
    dated = with_calendar(rows, "America/Sao_Paulo")
    return dated.withColumn("value_total", value_total(F.col("quantity"), F.col("unit_cost"))).cache()


DESCRIBED = ["as_of", "daily", "monthly", "newest_events", "product_360", "running_features", "stream", "value_total", "with_calendar"]  # fmt: skip


@pytest.mark.parametrize("name", DESCRIBED)
def test_its_example_is_true(name: str, spark: SparkSession, events: DataFrame) -> None:
    function = getattr(castro_spark, name)
    assert isinstance(function, FunctionType)
    names = {**vars(importlib.import_module(function.__module__)), "spark": spark, "events": events, "stream": stream}
    (example,) = doctest.DocTestFinder(recurse=False).find(function, name, globs=names)
    tried = doctest.DocTestRunner().run(example)
    assert (tried.failed, tried.attempted > 0) == (0, True)
