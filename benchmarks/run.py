"""Measures the stream on this machine: a backlog drained, latencies at a steady rate, a batch by table size.

    ./benchmarks/run.sh [--events N] [--rate N] [--seconds N] [--rows N]

Each part has a database, topic and checkpoint of its own, on embedded servers in a temporary folder.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import shutil
import signal
import statistics
import subprocess
import tempfile
import time
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import psutil

from castro_spark.local import Stack
from tests import jvm
from tests.consumer import Consumer
from tests.system import ROOT, System

PRODUCTS = 5_000
STREAMS = ("inventory", "sales", "procurement")  # then product_360 is refreshed beside them
TOGETHER = ("latency", "archived", "beside_a_backlog")  # the parts with all of these
WARM_UP = 4  # batches
COLD = 200_000  # events of a backlog, by which the JVM has come to its speed


def sale(number: int, when: str, prefix: str) -> bytes:
    data = {
        "id_evento": f"{prefix}{number:09d}",
        "codigo_produto": f"P{number * 7919 % PRODUCTS:05d}",
        "quantidade": number % 97 + 1,
        "preco_unitario": f"{number % 9973 / 100:.2f}",
        "data_pedido": when,
        "cliente": f"C{number % 1000}",
        "numero_pedido": f"PV-{number // 3}",
    }
    return json.dumps({"table": "sales_orders", "data": data}).encode()


def value(number: int, when: str, prefix: str = "B") -> bytes:
    data = {
        "id_evento": f"{prefix}{number:09d}",
        "codigo_produto": f"P{number * 7919 % PRODUCTS:05d}",
        "tipo_movimentacao": "ENTRADA" if number % 2 else "SAIDA",
        "quantidade": number % 97 + 1,
        "custo_unitario": f"{number % 9973 / 100:.2f}",
        "data_movimentacao": when,
        "deposito": "CASTRO",
    }
    return json.dumps({"table": "inventory_transactions", "data": data}).encode()


def fill(system: System, events: int, days: int, prefix: str = "B", stream: str = "inventory") -> None:
    record = sale if stream == "sales" else value
    begin = datetime.now() - timedelta(days=days)
    step = timedelta(days=days) / events
    times = ((i, (begin + step * i).isoformat(timespec="milliseconds")) for i in range(events))
    system.produce((record(i, when, prefix) for i, when in times), stream=stream)


@dataclass(frozen=True)
class Done:
    """A batch's report, and when it arrived here: when PostgreSQL held it."""

    at: float
    report: dict[str, int]


def drain(system: System, until: int | None = None) -> list[Done]:
    """Runs the stream until all is consumed, or until `until` offsets are."""
    process = system.start("stream", "--available-now", "--json", capture=True)
    assert process.stdout is not None
    done: list[Done] = []
    for line in process.stdout:
        if not line.startswith(b"{"):
            continue
        done.append(Done(time.monotonic(), json.loads(line)))
        if until and sum(d.report["offsets"] for d in done) >= until:
            process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0, "the stream failed"
    return done


def backlog(system: System, events: int) -> dict[str, Any]:
    """From the moment that the first batch begins (the JVM is up, and cold) until the last is committed."""
    fill(system, events, days=7)
    done = drain(system)
    times = [done[0].at - done[0].report["postgres_ms"] / 1000, *(d.at for d in done)]
    reached = list(itertools.accumulate(d.report["offsets"] for d in done))
    warm = next(n for n, offsets in enumerate(reached) if offsets >= min(COLD, events // 2))
    return {
        "events": reached[-1],
        "events_a_second": round(reached[-1] / (times[-1] - times[0])),
        f"events_a_second_after_{COLD}": round((reached[-1] - reached[warm]) / (done[-1].at - done[warm].at)),
        "batches": len(done),
        "longest_seconds_between_two": round(max(after - at for at, after in itertools.pairwise(times)), 1),
    }


def latency(system: System, rate: int, seconds: int, warm_up: int = 20) -> dict[str, Any]:
    """From produce to committed (the commit's own timestamp) and to Redis (that batch's marker, polled)."""
    process = system.start("stream", "--json")
    system.produce([value(0, datetime.now().isoformat(), "W")])
    system.wait_for("SELECT count(*) FROM ml_inventory_realtime", 1)
    sent: list[float] = []
    began = time.monotonic()
    published: dict[int, float] = {}
    for i in range(1, rate * (warm_up + seconds)):
        while (early := i / rate - (time.monotonic() - began)) > 0:
            marker = system.redis.get("castro:published:inventory")
            if marker:
                published.setdefault(int(str(marker).partition(".")[2]), time.time())
            time.sleep(min(early, 0.003))
        sent.append(time.time())
        system.producer.produce(system.topic, value(i, datetime.now().isoformat(), "L"))
        system.producer.poll(0)
    system.producer.flush(30)
    system.wait_for("SELECT count(*) FROM ml_inventory_realtime", rate * (warm_up + seconds), 60)
    process.send_signal(signal.SIGTERM)
    process.wait(30)
    rows = system.query(
        "SELECT substr(event_id, 2)::bigint, extract(epoch FROM pg_xact_commit_timestamp(xmin))::float"
        " FROM ml_inventory_realtime WHERE event_id LIKE 'L%'"
    )
    commits = sorted((float(c), r) for c, r in system.query(
        "SELECT DISTINCT extract(epoch FROM pg_xact_commit_timestamp(xmin))::float, revision FROM castro.batch_books"
        " WHERE stream = 'inventory'"))
    revision_at = dict(commits)
    measured = [(n, at) for n, at in rows if n > rate * warm_up]
    postgres = sorted((at - sent[n - 1]) * 1000 for n, at in measured)
    redis = sorted(
        (visible - sent[n - 1]) * 1000
        for n, at in measured
        # Commits are published together where they come fast: the first marker at or after its own counts.
        if at in revision_at and (visible := first_at(published, revision_at[at])) is not None
    )
    return {"rate": rate, "seconds": seconds, "postgres_ms": quantiles(postgres), "redis_ms": quantiles(redis)}


def first_at(published: dict[int, float], revision: int) -> float | None:
    """When the marker was first seen at `revision` or later."""
    return min((at for told, at in published.items() if told >= revision), default=None)


def archived(system: System, rate: int, seconds: int) -> dict[str, Any]:
    """Latency of inventory while all streams are archived beside it, as often as conf says."""
    system.env["CASTRO_ARCHIVE_DIR"] = str(system.folder / "archive")
    return latency(system, rate, seconds)


def beside_a_backlog(system: System, rate: int, seconds: int, events: int) -> dict[str, Any]:
    """Latency of inventory while sales drains a backlog in the same application; and how much of it is left."""
    fill(system, events, days=7, stream="sales")
    found = latency(system, rate, seconds)
    drained = system.query("SELECT sum(next_offset)::bigint FROM castro.offset_ledger WHERE stream = 'sales'")[0][0]
    return {**found, "sales_drained_meanwhile": drained, "of": events}


def quantiles(ordered: list[float]) -> dict[str, int]:
    if not ordered:
        return {}
    return {f"p{q}": round(ordered[min(len(ordered) - 1, len(ordered) * q // 100)]) for q in (50, 95, 99)}


def by_table_size(system: System, rows: int, batch: int = 10_000, rounds: int = 40) -> dict[str, Any]:
    """The same batches against an empty table and against one of `rows`: the transaction alone, without Spark, Kafka
    or Redis beside it. In turns, so that whatever else this machine does meets both alike."""
    (system.folder / "full").mkdir()
    full = System(system.stack, system.folder / "full")
    full.migrate()
    sides = {"empty_ms": Consumer(system), "full_ms": Consumer(full)}
    full.query(Path(__file__).with_name("history.sql").read_text(), {"rows": rows})
    with closing(full.connect()) as connection:  # at rest: else autovacuum would run beside the batches
        connection.autocommit = True
        connection.cursor().execute("VACUUM ANALYZE")
    took: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(-WARM_UP, rounds):
        when = datetime.now().isoformat(timespec="milliseconds")
        begin = (WARM_UP + number) * batch
        records = [(0, i, value(i, when)) for i in range(begin, begin + batch)]
        for name in list(sides)[:: 1 if number % 2 else -1]:
            seconds = sides[name].timed_commit(number, records)
            if number >= 0:
                took[name].append(seconds * 1000)
    for consumer in sides.values():
        consumer.close()
    medians = {name: round(statistics.median(times)) for name, times in took.items()}
    pairs = [full_ms / empty_ms for full_ms, empty_ms in zip(took["full_ms"], took["empty_ms"], strict=True)]
    return {
        "rows": rows, "batch": batch, "rounds": rounds, **medians,
        "ratio_of_medians": round(medians["full_ms"] / medians["empty_ms"], 2),
        "quartiles_of_ratios": [round(q, 2) for q in statistics.quantiles(pairs, n=4)],
        "ratio_of_sums": round(sum(took["full_ms"]) / sum(took["empty_ms"]), 2),
    }  # fmt: skip


def paths(system: System, events: int) -> dict[str, Any]:
    """Thousand events a second by batch size, parsed and copied by the driver or by the executors."""
    fill(system, events, days=7)
    found: dict[str, Any] = {}
    for size in (1_000, 10_000, 100_000):
        for path, threshold in (("driver", events + 1), ("executors", 1)):
            streaming = {"max_offsets_per_trigger": size, "executor_staging_rows": threshold}
            streaming |= {"commit_seconds": 5, "max_batch_bytes": 1 << 30}  # only the offsets are to bound a batch
            system.configure({"streaming": streaming})
            system.query("TRUNCATE castro.stream, castro.offset_ledger, castro.batch_books, castro.touched,"
                         " ml_inventory_realtime, ml_inventory_daily, ml_inventory_monthly")  # fmt: skip
            shutil.rmtree(system.folder / "checkpoints", ignore_errors=True)
            done = [d for d in drain(system, until=max(size * 6, 60_000)) if d.report["offsets"] > size // 2]
            done = done[len(done) // 3 :]  # the first third warms up
            rate = sum(d.report["offsets"] for d in done[1:]) / (done[-1].at - done[0].at)
            found[f"{path} {size}"] = round(rate / 1000, 1)
    return found


def idle(system: System, seconds: int = 30) -> dict[str, Any]:
    """Share of one core that a stream without news takes, its JVM and Python together."""
    process = psutil.Process(system.start("stream").pid)
    time.sleep(seconds)  # to start, and for its JIT to come to rest

    def used() -> float:
        return sum(sum(p.cpu_times()[:2]) for p in (process, *process.children(recursive=True)))

    before = used()
    time.sleep(seconds)
    return {"percent_of_a_core": round((used() - before) * 100 / seconds, 1)}


def long_lived(system: System) -> None:
    """The jobs' JVMs as users have them: those of the tests start fast and run slowly."""
    for name in (*jvm.short_lived(), "CASTRO_MASTER"):
        del system.env[name]


def machine() -> dict[str, Any]:
    model = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())  # fmt: skip
    return {"cpus": os.cpu_count(), "cpu": model, "kernel": platform.release(), "python": platform.python_version()}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("events", 1_000_000), ("rate", 1_000), ("seconds", 60), ("rows", 5_000_000)):
        arguments.add_argument(f"--{name}", type=int, default=default)
    arguments.add_argument("--only", nargs="+", default=(), metavar="PART", help="these parts only, by name")
    given = arguments.parse_args()
    parts = {
        "backlog": lambda s: backlog(s, given.events),
        "latency": lambda s: latency(s, given.rate, given.seconds),
        "archived": lambda s: archived(s, given.rate, given.seconds),
        "by_table_size": lambda s: by_table_size(s, given.rows),
        "paths": lambda s: paths(s, 700_000),
        "idle": idle,
        "beside_a_backlog": lambda s: beside_a_backlog(s, given.rate, given.seconds, given.events),
    }
    subprocess.run([str(ROOT / "spark-submit.sh"), "prepare"], check=True)
    found: dict[str, Any] = {"machine": machine()}
    with tempfile.TemporaryDirectory() as folder, Stack(Path(folder) / "stack", die_with_parent=True) as stack:
        for name, part in parts.items():
            if not given.only or name in given.only:
                print(f"{name} ...", flush=True)
                home = Path(folder) / name
                home.mkdir()
                system = System(stack, home, STREAMS if name in TOGETHER else ("inventory",))
                long_lived(system)
                system.migrate()
                found[name] = part(system)
                system.end()
                print(json.dumps(found[name]), flush=True)
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
