"""Measures the warehouse's jobs on this machine.

    ./benchmarks/run.sh warehouse [--only extract | backfill] [--rows N]

extract: a full one at one and four times the rows: rows/s beside those of Spark's own JDBC writer, and the driver's
peak memory; then an incremental one that finds nothing new.
backfill: the history of one, two and four years of `--rows` / 40 movements each, into the stream's tables.

The JDBC writer loads the same rows, of the same mapping, into a table with the same columns, and is given what it is
advised to have: as many tasks as there are cores, large batches, and the driver's rewriting of these into statements
of many rows. To a bare table it does what our COPY to staging does; to one with the same indexes it has the outcome of
a whole refresh, but for the newest row of each key, the checks and the swap. Its jar is fetched for it (`--packages`).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from castro_spark.local import Stack
from tests import jvm
from tests.system import ROOT, System

_MAKE = """
import sys
from pathlib import Path
from castro_spark.local.warehouse import append, create_tables
from castro_spark.local.warehouse_history import transactions
from castro_spark.session import hive_session
spark = hive_session("benchmark", sys.argv[1])
create_tables(spark)
rows = transactions(spark, 5000, int(sys.argv[3]), int(sys.argv[2]))
append(spark, "castrolanda_inventory.transactions", rows, "America/Sao_Paulo")
spark.stop()
"""
_TARGET = "ml_inventory_transactions"
_JDBC = """
import os, sys, time
from pathlib import Path
from castro_spark.session import hive_session
from castro_spark.settings import load_settings
from castro_spark.sources.hive import read_table
settings = load_settings()
spark = hive_session("benchmark", sys.argv[1])
rows = read_table(spark, settings.warehouse.mapped[sys.argv[2]], None, settings.zone).rows
parts = dict(part.split("=", 1) for part in settings.postgres.dsn.split())
url = "jdbc:postgresql://{host}:{port}/{dbname}?reWriteBatchedInserts=true".format(**parts)
begun = time.monotonic()
(
    rows.coalesce(os.cpu_count()).write.format("jdbc").mode("append")
    .options(url=url, dbtable=sys.argv[3], user=parts["user"], batchsize=10000, driver="org.postgresql.Driver")
    .option("password", settings.postgres.password.get_secret_value()).save()
)
print("SECONDS", time.monotonic() - begun)
spark.stop()
"""
_JDBC_TABLES = {
    "bare": "CREATE TABLE by_jdbc (LIKE ml_inventory_transactions INCLUDING DEFAULTS)",
    # The same indexes, but for the key's being unique: the writer writes a key's every row.
    "keyed": "CREATE TABLE by_jdbc (LIKE ml_inventory_transactions INCLUDING DEFAULTS INCLUDING INDEXES);"
    " ALTER TABLE by_jdbc DROP CONSTRAINT by_jdbc_pkey; CREATE INDEX ON by_jdbc (transaction_id)",
}
_JDBC_PACKAGE = "org.postgresql:postgresql:42.7.4"


def peak_memory(process: subprocess.Popen[bytes]) -> dict[str, int]:
    """Follows a job to its end: the most MB that its Python driver held, and its JVM."""
    most = {"python": 0, "jvm": 0}
    while process.poll() is None:
        try:
            own = psutil.Process(process.pid)
            most["python"] = max(most["python"], own.memory_info().rss >> 20)
            for child in own.children(recursive=True):
                if child.name() == "java":
                    most["jvm"] = max(most["jvm"], child.memory_info().rss >> 20)
        except psutil.NoSuchProcess:
            pass
        time.sleep(0.2)
    return most


def made(system: System, folder: Path, rows: int, years: int = 1) -> dict[str, str]:
    """Makes a warehouse of so many movements for the system; returns the environment of a Spark of its own."""
    submit = "--driver-memory 1g --conf spark.ui.enabled=false --conf spark.ui.showConsoleProgress=false pyspark-shell"
    environ = {**system.env, "PYTHONPATH": str(ROOT), "PYSPARK_SUBMIT_ARGS": submit}
    words = [sys.executable, "-c", _MAKE, str(folder), str(rows), str(years)]
    subprocess.run(words, check=True, env=environ, cwd=folder.parent, stderr=subprocess.DEVNULL)
    system.env["CASTRO_WAREHOUSE_DIR"] = str(folder)
    return environ


def followed(system: System, job: str, *arguments: str) -> tuple[Any, dict[str, int]]:
    """Runs a job to its end: what it tells as JSON, and its driver's peak memory."""
    process = system.start(job, *arguments, "--json", capture=True)
    found: dict[str, int] = {}
    watcher = threading.Thread(target=lambda: found.update(peak_memory(process)))
    watcher.start()
    assert process.stdout is not None
    text = process.stdout.read().decode()
    watcher.join()
    assert process.returncode == 0, f"{job} failed"
    return json.loads(text), {"driver_python_mb": found["python"], "driver_jvm_mb": found["jvm"]}


def backfill(system: System, folder: Path, rows: int, years: int) -> dict[str, Any]:
    """The whole history into the stream's empty tables; seconds without the start of the JVM."""
    made(system, folder, rows, years)
    days = ("--from", f"{2025 - years}-01-01", "--to", "2025-12-31")
    begun = time.monotonic()
    told, memory = followed(system, "backfill", "--stream", "inventory", *days)
    return {
        "years": years, "records": told["records"], "chunks": told["chunks"], "seconds": told["seconds"],
        "records_a_second": round(told["records"] / told["seconds"]),
        "whole_job_seconds": round(time.monotonic() - begun, 1), **memory,
    }  # fmt: skip


def extract(system: System, folder: Path, rows: int) -> dict[str, Any]:
    environ = made(system, folder, rows)
    (told,), memory = followed(system, "extract", "--mode", "full", "--table", _TARGET)
    begun = time.monotonic()
    system.job("extract", "--mode", "incremental", "--table", _TARGET)
    nothing_new = time.monotonic() - begun
    copied, whole = (told["read"] / told[name] for name in ("copy_seconds", "seconds"))
    by_jdbc = {
        name: told["read"] / jdbc_seconds(system, folder, environ, create) for name, create in _JDBC_TABLES.items()
    }
    return {
        "rows_read": told["read"], "seconds": told["seconds"],
        "copied_to_staging_rows_a_second": round(copied), "whole_refresh_rows_a_second": round(whole),
        **{f"jdbc_writer_to_a_{name}_table_rows_a_second": round(theirs) for name, theirs in by_jdbc.items()},
        "copy_to_jdbc_bare": round(copied / by_jdbc["bare"], 2),
        "whole_refresh_to_jdbc_keyed": round(whole / by_jdbc["keyed"], 2),
        **memory, "incremental_with_nothing_new_seconds": round(nothing_new, 1),
    }  # fmt: skip


def jdbc_seconds(system: System, folder: Path, environ: dict[str, str], create: str) -> float:
    """Seconds that Spark's JDBC writer takes for the same rows, into the table by_jdbc that `create` makes."""
    system.query("DROP TABLE IF EXISTS by_jdbc")
    system.query(create)
    submit = f"--packages {_JDBC_PACKAGE} {environ['PYSPARK_SUBMIT_ARGS']}"
    done = subprocess.run(
        [sys.executable, "-c", _JDBC, str(folder), _TARGET, "by_jdbc"], check=True, cwd=folder.parent,
        env={**environ, "PYSPARK_SUBMIT_ARGS": submit}, capture_output=True, text=True,
    )  # fmt: skip
    return float(done.stdout.rpartition("SECONDS")[2])


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rows", type=int, default=10_000_000)
    arguments.add_argument("--only", choices=("extract", "backfill"))
    given = arguments.parse_args()
    os.environ["CASTRO_MASTER"] = f"local[{os.cpu_count()}]"
    runs: list[Callable[[System, Path], dict[str, Any]]] = []
    if given.only != "backfill":
        runs += [lambda s, f, rows=rows: extract(s, f, rows) for rows in (given.rows // 4, given.rows)]
    if given.only != "extract":
        runs += [lambda s, f, years=years: backfill(s, f, years * given.rows // 40, years) for years in (1, 2, 4)]
    with tempfile.TemporaryDirectory() as folder, Stack(Path(folder) / "stack", die_with_parent=True) as stack:
        for number, run in enumerate(runs):
            home = Path(folder) / str(number)
            home.mkdir()
            system = System(stack, home)
            for name in jvm.short_lived():  # those of the tests start fast and run slowly
                del system.env[name]
            system.configure({"warehouse": {"copies_a_table": os.cpu_count()}})  # as many as the JDBC writer has
            system.job("migrate", "--skip-topics")
            print(json.dumps(run(system, home / "warehouse")), flush=True)
            system.end()


if __name__ == "__main__":
    main()
