"""The warehouse's jobs as their users call them, on the embedded warehouse of `local up --warehouse`; and `migrate`."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from castro_spark.errors import TypeChanged
from castro_spark.local import Stack
from castro_spark.sections.warehouse import TableMapping
from castro_spark.settings import load_settings
from castro_spark.sinks.postgres.warehouse.tables import migrate_warehouse
from tests import engine
from tests.databases import warehouse as w
from tests.statements import composed
from tests.system import ROOT, System

_MAKE = """
import sys
from pathlib import Path
from castro_spark.local.warehouse import make
make(Path(sys.argv[1]), "America/Sao_Paulo", products=20, years=1, transactions=90, report=lambda *_: None)
"""


def test_extract_and_its_exit_statuses(stack: Stack, tmp_path: Path, spark: SparkSession) -> None:
    system = System(stack, tmp_path)
    system.migrate(topics=False)
    w.whole(spark, transactions=90)
    system.env["CASTRO_WAREHOUSE_DIR"] = str(engine.warehouse_folder())
    assert "5 of 5 tables done" in system.job("extract", "--mode", "full")
    assert system.query("SELECT count(*), count(DISTINCT product_code) <= 20 FROM ml_inventory_transactions") == [(90, True)]
    assert len(system.redis.keys("last_sync:ml_*")) == 5
    output = system.job("extract", "--mode", "incremental", "--table", "castrolanda_sales.orders", "--json")
    (told,) = json.loads(output[output.index("[\n") : output.index("\n]\n") + 2])
    assert (told["table"], told["status"], told["inserted"], told["updated"]) == ("ml_sales_orders", "done", 0, 0)
    assert "no table nothing in the settings" in system.job("extract", "--mode", "full", "--table", "nothing", status=2)
    system.query("DROP TABLE castro.staged_ml_purchases")
    failed = system.job("extract", "--mode", "incremental", "--table", "ml_purchases", "--table", "ml_stock_levels", status=1)
    assert "1 of 2 tables done" in failed
    assert "ml_purchases: the database lacks" in failed
    output = system.job("validate", "--warehouse", "--json", status=1)  # topics were skipped
    told = json.loads(output[: output.index("\n}\n") + 2])
    assert [row["check"] for row in told["checks"] if row["state"] != "ok"] == ["read topic of inventory"]
    assert "history of inventory" in {row["check"] for row in told["checks"]}
    system.end()


@pytest.fixture
def made(stack: Stack, tmp_path: Path) -> Iterator[System]:
    """A system with a small warehouse of its own, which processes can open: one at a time."""
    system = System(stack, tmp_path)
    system.migrate(topics=False)
    folder = tmp_path / "warehouse"
    subprocess.run([sys.executable, "-c", _MAKE, str(folder)], check=True, cwd=tmp_path, env={**system.env, "PYTHONPATH": str(ROOT)})
    system.env["CASTRO_WAREHOUSE_DIR"] = str(folder)
    yield system
    system.end()


@pytest.mark.slow
@pytest.mark.long
@pytest.mark.timeout(600)
def test_by_the_command_line_and_a_backfill_killed_anywhere(made: System) -> None:
    system, folder = made, made.folder / "warehouse"
    system.configure({"backfill": {"chunk_records": 5}})
    assert "1 of 1 tables done" in system.submit("extract", "--mode", "full", "--table", "ml_inventory_transactions")
    assert sorted(p.name for p in folder.iterdir() if p.name != "scratch") == ["derby.log", "made", "metastore", "tables"]
    loop = system.start("extract", "--mode", "incremental", "--every", "1s")
    system.wait_for("SELECT coalesce(max((progress->>'runs')::int) > 1, false) FROM castro.instance WHERE kind = 'extract loop'", True)
    loop.send_signal(signal.SIGTERM)
    assert loop.wait(60) == 0
    assert system.query("SELECT state, error FROM castro.instance WHERE kind = 'extract loop'") == [("stopped", None)]
    days = ("--stream", "inventory", "--from", "2023-12-31", "--to", "2025-01-02")
    killer = str(ROOT / "tests" / "recovery" / "killer")
    for step in ("sinks.postgres.commit.out_of_band:OutOfBandCommits.commit:4:after", "sinks.redis.hashes:VersionedHashes.mark:2"):
        system.env |= {"PYTHONPATH": killer, "CASTRO_TEST_KILL": f"castro_spark.{step}"}
        assert system.start("backfill", *days).wait(120) == -signal.SIGKILL
    del system.env["CASTRO_TEST_KILL"]
    output = system.submit("backfill", *days, "--json")
    assert "months of this range are done already" in output
    done = json.loads(output[output.index("{\n") : output.index("\n}") + 2])
    assert (done["stream"], done["rejects"]) == ("inventory", 0)
    # The extract's table has the newest row of each movement too.
    newest = system.query(
        "SELECT count(*), sum(quantity), sum(quantity * unit_cost) FROM ml_inventory_transactions WHERE NOT deleted"
    )
    assert newest[0][0] > 80
    for table in ("daily", "monthly"):
        sums = composed("SELECT sum(transactions), sum(volume), sum(value) FROM {table}", table=f"ml_inventory_{table}")
        assert system.query(sums) == newest
    assert "inventory: nothing to do" in system.submit("reconcile", "--stream", "inventory", "--date", "2020-01-01")


def test_migrate_adds_columns_and_refuses_changed_types(stack: Stack, tmp_path: Path) -> None:
    system = System(stack, tmp_path)
    mapping = load_settings().warehouse.mapped["ml_stock_levels"].model_dump(by_alias=True)
    tables = {"ml_x": TableMapping.model_validate(mapping)}
    connection = system.connect()
    system.query("CREATE SCHEMA castro")
    assert migrate_warehouse(connection, tables) == ["ml_x created"]
    assert migrate_warehouse(connection, tables) == []
    mapping["columns"]["lot"] = {"from": "lote", "type": "text"}
    tables = {"ml_x": TableMapping.model_validate(mapping)}
    assert migrate_warehouse(connection, tables) == ["ml_x: column lot added; a full refresh fills it"]
    for column, change, words in (
        ("lot", {"from": "lote", "type": "integer"}, "column lot: the mapping says bigint, the table has text"),
        ("as_of", {"from": "data_posicao", "type": "text"}, "column as_of: the mapping says text, the table has date"),
    ):
        changed = {**mapping, "columns": {**mapping["columns"], column: change}}
        try:
            migrate_warehouse(connection, {"ml_x": TableMapping.model_validate(changed)})
        except TypeChanged as error:
            assert words in str(error)
        else:
            raise AssertionError("not refused")
    other = TableMapping.model_validate({**mapping, "key": ["product_code"]})
    try:
        migrate_warehouse(connection, {"ml_x": other})
    except TypeChanged as error:
        assert "the mapping's key is (product_code), the table's (product_code, warehouse)" in str(error)
    else:
        raise AssertionError("not refused")
    connection.close()
