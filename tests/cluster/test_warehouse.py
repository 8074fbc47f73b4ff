"""The warehouse's jobs on YARN, from a metastore of its own and tables on HDFS: equal to the oracle."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest

from castro_spark.local.guard import serving
from tests.cluster.hadoop import Hadoop
from tests.cluster.metastore import Metastore
from tests.cluster.tables import Tables
from tests.databases import warehouse as w
from tests.databases.reconciling import DAY, FREE, assert_is, row
from tests.system import System

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]
ENV = ("--env", "cluster")
TABLE = ("--table", w.TARGET)
OVERLAP = timedelta(minutes=120)  # conf/base.yaml
STAGED = {"streaming": {"executor_staging_rows": 1}, "reconcile": FREE}


@pytest.fixture(scope="module")
def tables(hadoop: Hadoop, cluster_env: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tables]:
    """Of a metastore whose address the cluster's configuration has from now on."""
    with serving(Metastore(tmp_path_factory.mktemp("metastore"), hadoop)):
        tables = Tables(cluster_env)
        yield tables
        tables.close()


@pytest.fixture
def lake(on_yarn: System, tables: Tables) -> System:
    tables.fresh()
    on_yarn.configure({"warehouse": w.FAST, **STAGED})
    return on_yarn


def history(chance: random.Random, now: datetime) -> tuple[list[w.Row], list[w.Row]]:
    """Rows of some forty days, and what came later: further rows, and changes and deletes of the first."""
    days = [DAY - timedelta(days=n) for n in range(40)]
    first = [row(n, chance.choice(days), quantidade=Decimal(chance.randrange(10**6)) / 1000) for n in range(600)]
    later = [row(n, DAY, now + n * timedelta(milliseconds=1)) for n in range(600, 700)]
    for number, old in enumerate(chance.sample(first, 60)):
        change = {"excluido": True} if number % 3 == 0 else {"custo_unitario": Decimal("7.0625")}
        later.append({**old, **change, "last_modified": now + number * timedelta(milliseconds=1)})
    return first, later


@pytest.mark.parametrize("mode", ["client", "cluster"])
def test_extracts(lake: System, tables: Tables, mode: str) -> None:
    lake.env["CASTRO_DEPLOY_MODE"] = mode
    first, later = history(random.Random(mode), datetime.now(timezone.utc))
    tables.append(first)
    output = lake.submit("extract", "--mode", "full", *TABLE, *ENV)
    assert "extract full: 1 of 1 tables done, 600 rows read, 600 written" in output
    assert w.held(lake) == w.expected(first)
    tables.append(later)
    output = lake.submit("extract", "--mode", "incremental", *TABLE, *ENV)
    assert "extract incremental: 1 of 1 tables done" in output
    assert w.held(lake) == w.expected(first + later)
    # The rows read since the full one went to the stream's tables as well, with those that it reads again.
    since = max(r["last_modified"] for r in first) - OVERLAP
    assert_is(lake, [r for r in first + later if r["last_modified"] >= since])
    tables.drop()
    output = lake.submit("extract", "--mode", "incremental", *TABLE, *ENV, status=1)
    assert f"error: these tables failed:\n{w.TARGET}: " in output
    assert "what to do: check warehouse.tables in the settings, and which metastore Spark uses (hive-site.xml)" in output
    assert w.held(lake) == w.expected(first + later)
    assert "no table nothing in the settings" in lake.submit("extract", "--mode", "full", "--table", "nothing", *ENV, status=2)


def test_backfill_and_reconcile(lake: System, tables: Tables) -> None:
    first, later = history(random.Random(1), datetime.now(timezone.utc))
    tables.append(first + later)
    days = ("--from", str(DAY - timedelta(days=60)), "--to", str(DAY))
    there = len([r for r in w.newest(first + later).values() if not r["excluido"]])
    output = lake.submit("backfill", "--stream", "inventory", *days, *ENV)
    assert f"{there} inserted" in output
    assert_is(lake, first + later)

    ids = [event_id for (event_id,) in lake.query("SELECT event_id FROM ml_inventory_realtime WHERE date = %(day)s ORDER BY 1", {"day": DAY})]
    lake.query("DELETE FROM ml_inventory_realtime WHERE event_id = %(id)s", {"id": ids[0]})
    lake.query("UPDATE ml_inventory_realtime SET quantity = quantity + 1 WHERE event_id = %(id)s", {"id": ids[1]})
    damaged = lake.query("SELECT * FROM ml_inventory_realtime ORDER BY event_id")
    day = ("--stream", "inventory", "--date", str(DAY))
    output = lake.submit("reconcile", *day, *ENV)
    assert "1 missing" in output
    assert "1 different" in output
    assert lake.query("SELECT * FROM ml_inventory_realtime ORDER BY event_id") == damaged
    lake.submit("reconcile", *day, "--apply", *ENV)
    assert_is(lake, first + later)
