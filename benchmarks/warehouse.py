"""Measures the warehouse's jobs on this machine, beside what others would use for the same rows.

    ./benchmarks/run.sh warehouse [--only extract backfill again day] [--rows N] [--sizes 1 4] [--rounds 2]

extract: a full refresh, Spark's JDBC writer, and COPY by two sessions with the indexes built afterwards, in turns; at
each of `--sizes` times `--rows` / 4 rows. The driver's peak memory, and the growth from the first size to the last.
again: an incremental extract that finds nothing new: of one table, of all, and the runs of `--every 1s`; the whole job
beside the work that it tells itself, so that the rest is the start and the end of Spark.
backfill: the history of one, two and four years of `--rows` / 40 movements each, into the stream's tables.
day: a day of 200,000 events: its backfill, and its reconciliation with nothing to do.

The JDBC writer loads the same rows, of the same mapping, from a JVM as cold, into a table with the same columns, and is
given what it is advised to have: as many tasks as there are cores, large batches, and the driver's rewriting of these
into statements of many rows. To a bare table it does what our COPY does; to one with the same indexes it has the
outcome of a whole refresh, but for the newest row of each key, the checks and the swap. Its jar is fetched for it
(`--packages`).
COPY is given its rows as files, as psql's \\copy reads them: nothing of Hive, nor of the rest.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import psutil
from psycopg2 import sql

from castro_spark.local import Stack
from tests import jvm
from tests.system import ROOT, System

_MAKE = """
import sys
from pathlib import Path
from pyspark.sql import functions as F
from castro_spark.local.warehouse import append, create_tables
from castro_spark.local.warehouse_history import transactions
from castro_spark.session import hive_session
spark = hive_session("benchmark", sys.argv[1])
create_tables(spark)
rows = transactions(spark, 5000, int(sys.argv[3]), int(sys.argv[2]))
if sys.argv[4:]:  # all of them on one local day
    day, seconds = F.to_timestamp(F.lit(sys.argv[4] + " 12:00:00")), F.pmod(F.xxhash64("id_transacao"), F.lit(36000))
    at = F.timestamp_seconds(F.unix_timestamp(day) + seconds)
    rows = rows.withColumns({"data_movimentacao": at, "last_modified": at + F.expr("interval 5 minutes")})
append(spark, "castrolanda_inventory.transactions", rows, "America/Sao_Paulo")
spark.stop()
"""
_TARGET = "ml_inventory_transactions"
_BY_COPY = (
    "DROP TABLE IF EXISTS by_copy; CREATE TABLE by_copy (LIKE ml_inventory_transactions INCLUDING DEFAULTS)"
)
_HALF = sql.SQL(
    "COPY (SELECT * FROM ml_inventory_transactions WHERE hashtext(transaction_id) & 1 = {}) TO STDOUT (FORMAT csv)"
)
_RUNS = sql.SQL(
    "SELECT coalesce(max((progress->>'runs')::int) >= {}, false) FROM castro.instance WHERE kind = 'extract loop'"
)
_SECONDS = "SELECT (progress->>'seconds')::float FROM castro.instance WHERE kind = 'extract loop'"
_DAY = "2024-05-15"
_LOOP_RUNS = 30
_PARTS = ("extract", "again", "backfill", "day")
_JDBC = """
import os, sys, time
from pathlib import Path
from castro_spark.session import hive_session
from castro_spark.settings import load_settings
from castro_spark.sources.hive import read_table
settings = load_settings()
spark = hive_session("benchmark", sys.argv[1])
begun = time.monotonic()
rows = read_table(spark, settings.warehouse.mapped[sys.argv[2]], None, settings.zone).rows
parts = dict(part.split("=", 1) for part in settings.postgres.dsn.split())
writing = time.monotonic()
url = "jdbc:postgresql://{host}:{port}/{dbname}?reWriteBatchedInserts=true".format(**parts)
(
    rows.coalesce(os.cpu_count()).write.format("jdbc").mode("append")
    .options(url=url, dbtable=sys.argv[3], user=parts["user"], batchsize=10000, driver="org.postgresql.Driver")
    .option("password", settings.postgres.password.get_secret_value()).save()
)
print("SECONDS", time.monotonic() - writing, time.monotonic() - begun)
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


def held_memory(process: subprocess.Popen[bytes]) -> int:
    """MB that a job's processes hold now."""
    job = psutil.Process(process.pid)
    return sum(part.memory_info().rss >> 20 for part in (job, *job.children(recursive=True)))


def made(system: System, folder: Path, rows: int, years: int = 1, day: str | None = None) -> dict[str, str]:
    """Makes a warehouse of so many movements for the system, on one day if it is given; returns the environment of a
    Spark of its own."""
    submit = "--driver-memory 1g --conf spark.ui.enabled=false --conf spark.ui.showConsoleProgress=false pyspark-shell"
    environ = {
        **system.env, "PYTHONPATH": str(ROOT), "PYSPARK_SUBMIT_ARGS": submit, "PYSPARK_PYTHON": sys.executable
    }  # fmt: skip
    of_spark(_MAKE, folder, str(rows), str(years), *([day] if day else []), environ=environ)
    system.env["CASTRO_WAREHOUSE_DIR"] = str(folder)
    return environ


def of_spark(program: str, folder: Path, *arguments: str, environ: dict[str, str]) -> str:
    """Runs a program with a Spark of its own on the warehouse in `folder`; returns what it prints."""
    words = [sys.executable, "-c", program, str(folder), *arguments]
    done = subprocess.run(words, check=False, env=environ, cwd=folder.parent, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"a program of the benchmark failed with status {done.returncode}:\n{done.stderr}")
    return done.stdout


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


def extract(system: System, folder: Path, rows: int, rounds: int) -> dict[str, Any]:
    """Ours and the others in turns; the median of the rounds."""
    environ = made(system, folder, rows)
    seconds: dict[str, list[float]] = {}
    peaks: list[dict[str, int]] = []
    read = 0
    for _ in range(rounds):
        (told,), memory = followed(system, "extract", "--mode", "full", "--table", _TARGET)
        read = told["read"]
        peaks.append(memory)
        taken = {"copied": told["copy_seconds"], "whole_refresh": told["seconds"]}
        for name, create in _JDBC_TABLES.items():
            writing, whole = jdbc_seconds(system, folder, environ, create)
            # As ours are timed: COPY alone, and the refresh with the metastore's start and the listing of the files.
            taken[f"jdbc_{name}"] = writing if name == "bare" else whole
        taken |= copy_seconds(system, folder)
        for name, value in taken.items():
            seconds.setdefault(name, []).append(value)
    rate = {name: read / statistics.median(values) for name, values in seconds.items()}
    return {
        "rows_read": read, "rounds": rounds, "load": round(os.getloadavg()[0], 1),
        **{f"{name}_rows_a_second": round(value) for name, value in rate.items()},
        "copied_to_jdbc_bare": round(rate["copied"] / rate["jdbc_bare"], 2),
        "whole_refresh_to_jdbc_keyed": round(rate["whole_refresh"] / rate["jdbc_keyed"], 2),
        "whole_refresh_to_copy_keyed": round(rate["whole_refresh"] / rate["copy_keyed"], 2),
        **{name: max(peak[name] for peak in peaks) for name in peaks[0]},
    }  # fmt: skip


def copy_seconds(system: System, folder: Path) -> dict[str, float]:
    """Seconds of COPY of the table's rows, from two files by two sessions; and with the indexes built afterwards."""
    system.query(_BY_COPY)
    parts = [folder.parent / f"rows{number}.csv" for number in (0, 1)]
    with closing(system.connect()) as connection, connection.cursor() as cursor:
        for number, part in enumerate(parts):
            if not part.exists():
                with part.open("w") as file:
                    cursor.copy_expert(_HALF.format(sql.Literal(number)), file)

    def load(part: Path) -> None:
        with closing(system.connect()) as connection, connection, connection.cursor() as cursor, part.open() as file:
            cursor.copy_expert("COPY by_copy FROM STDIN (FORMAT csv)", file)

    begun = time.monotonic()
    with ThreadPoolExecutor(len(parts)) as sessions:
        list(sessions.map(load, parts))
    copied = time.monotonic() - begun
    system.query("CREATE UNIQUE INDEX ON by_copy (transaction_id); CREATE INDEX ON by_copy (product_code, timestamp)")
    return {"copy_bare": copied, "copy_keyed": time.monotonic() - begun}


def again(system: System, folder: Path, rows: int) -> dict[str, Any]:
    """Incremental runs that find nothing new: whole jobs beside their work, and the runs of a loop."""
    made(system, folder, rows)
    system.submit("extract", "--mode", "incremental")
    found: dict[str, Any] = {}
    for name, chosen in (("one_table", ("--table", _TARGET)), ("all_tables", ())):
        begun = time.monotonic()
        told, _ = followed(system, "extract", "--mode", "incremental", *chosen)
        found[f"{name}_job_seconds"] = round(time.monotonic() - begun, 1)
        found[f"{name}_work_seconds"] = max(result["seconds"] for result in told)
    loop = system.start("extract", "--mode", "incremental", "--every", "1s")
    memory = []
    for runs in (_LOOP_RUNS, 2 * _LOOP_RUNS):
        system.wait_for(_RUNS.format(sql.Literal(runs)), expected=True, seconds=600)
        memory.append(held_memory(loop))
    ((seconds,),) = system.query(_SECONDS)
    loop.terminate()
    assert loop.wait(60) == 0
    return {**found, "loop_run_seconds": seconds, f"loop_mb_after_{_LOOP_RUNS}_and_twice_as_many_runs": memory}


def day(system: System, folder: Path, rows: int) -> dict[str, Any]:
    """A day's events into the stream's tables, and the day reconciled."""
    made(system, folder, rows, day=_DAY)
    told, memory = followed(system, "backfill", "--stream", "inventory", "--from", _DAY, "--to", _DAY)
    begun = time.monotonic()
    followed(system, "reconcile", "--stream", "inventory", "--date", _DAY)
    return {
        "records": told["records"], "backfill_seconds": told["seconds"],
        "backfill_records_a_second": round(told["records"] / told["seconds"]), **memory,
        "reconcile_job_seconds": round(time.monotonic() - begun, 1),
    }  # fmt: skip


def jdbc_seconds(system: System, folder: Path, environ: dict[str, str], create: str) -> tuple[float, float]:
    """Seconds that Spark's JDBC writer takes for the same rows, into the table by_jdbc that `create` makes: to
    write, and with the start of reading."""
    system.query("DROP TABLE IF EXISTS by_jdbc")
    system.query(create)
    submit = f"--packages {_JDBC_PACKAGE} {environ['PYSPARK_SUBMIT_ARGS']}"
    told = of_spark(_JDBC, folder, _TARGET, "by_jdbc", environ={**environ, "PYSPARK_SUBMIT_ARGS": submit})
    writing, whole = map(float, told.rpartition("SECONDS")[2].split())
    return writing, whole


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rows", type=int, default=10_000_000)
    arguments.add_argument("--sizes", type=int, nargs="+", default=[1, 4], help="in quarters of --rows")
    arguments.add_argument("--rounds", type=int, default=1)
    arguments.add_argument("--only", nargs="+", choices=_PARTS, default=_PARTS)
    given = arguments.parse_args()
    os.environ["CASTRO_MASTER"] = f"local[{os.cpu_count()}]"
    parts: dict[str, list[Callable[[System, Path], dict[str, Any]]]] = {
        "extract": [lambda s, f, n=n: extract(s, f, n * given.rows // 4, given.rounds) for n in given.sizes],
        "again": [lambda s, f: again(s, f, min(given.rows, 20_000))],
        "backfill": [lambda s, f, years=years: backfill(s, f, years * given.rows // 40, years) for years in (1, 2, 4)],
        "day": [lambda s, f: day(s, f, min(given.rows, 200_000))],
    }
    runs = [run for name in given.only for run in parts[name]]
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
