"""The job as its users call it, on the embedded warehouse of `local up --warehouse`; and the tables of `migrate`."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from castro_spark.errors import TypeChanged
from castro_spark.local import Stack
from castro_spark.mapping import TableMapping
from castro_spark.settings import load_settings
from castro_spark.sinks.postgres.warehouse_tables import migrate_warehouse
from tests.system import ROOT, System

_MAKE = """
import sys
from pathlib import Path
from castro_spark.local.warehouse import make
make(Path(sys.argv[1]), "America/Sao_Paulo", products=20, years=1, transactions=90, report=lambda *_: None)
"""


@pytest.mark.timeout(600)  # five starts of Spark
def test_the_job_and_its_exit_statuses(stack: Stack, tmp_path: Path) -> None:
    system = System(stack, tmp_path)
    system.job("migrate", "--skip-topics")
    folder = tmp_path / "warehouse"
    subprocess.run([sys.executable, "-c", _MAKE, str(folder)], check=True, cwd=tmp_path, env={**system.env, "PYTHONPATH": str(ROOT)})
    system.env["CASTRO_WAREHOUSE_DIR"] = str(folder)
    assert "5 of 5 tables done" in system.job("extract", "--mode", "full")
    assert system.query("SELECT count(*), count(DISTINCT product_code) <= 20 FROM ml_inventory_transactions") == [(90, True)]
    assert len(system.redis.keys("last_sync:ml_*")) == 5
    output = system.job("extract", "--mode", "incremental", "--table", "castrolanda_sales.orders", "--json")
    (told,) = json.loads(output[output.index("[\n") : output.rindex("]\n") + 1])
    assert (told["table"], told["status"], told["inserted"], told["updated"]) == ("ml_sales_orders", "done", 0, 0)
    assert "no table nothing in the settings" in system.job("extract", "--mode", "full", "--table", "nothing", status=2)
    system.query("DROP TABLE castro.staged_ml_purchases")
    failed = system.job("extract", "--mode", "incremental", "--table", "ml_purchases", "--table", "ml_stock_levels", status=1)
    assert "1 of 2 tables done" in failed
    assert "ml_purchases: the database lacks" in failed
    assert sorted(p.name for p in folder.iterdir() if p.name != "scratch") == ["derby.log", "made", "metastore", "tables"]
    system.end()


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
