"""Measures what an event costs where it is kept: bytes in PostgreSQL, its log, Redis and the archive; processor time.

    ./benchmarks/run.sh sizes [--events N] [--products N] [--days N] [--batch N] [--hash-partitions N]

Parses, commits and publishes by the stream's code on a real PostgreSQL and Redis, without Kafka and Spark: a minute.
docs/sizing.md calculates with the results.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import psutil
import pyarrow as pa
import pyarrow.parquet as pq
from psycopg2 import sql

from benchmarks.run import machine, value
from castro_spark.local import Stack
from castro_spark.sinks.delta import archive_rows
from castro_spark.sinks.postgres.commit.staging import stage_on_driver
from tests.consumer import PARTITIONS, Consumer, Record, with_positions
from tests.system import System

_NO_KAFKA = {"CASTRO_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}
_TABLES = (
    "ml_inventory_realtime", "ml_inventory_daily", "ml_inventory_monthly", "castro.touched", "castro.batch_books",
)  # fmt: skip
_KEYS = {"newest event": "inventory:realtime:*", "day": "agg:daily:*", "month": "agg:monthly:*"}
_SAMPLE = 500
_PARTITION = sql.SQL(
    "CREATE TABLE {} PARTITION OF public.ml_inventory_realtime FOR VALUES WITH (MODULUS {}, REMAINDER {})"
)
_PARTITIONED = """
ALTER TABLE public.ml_inventory_realtime RENAME TO whole;
CREATE TABLE public.ml_inventory_realtime (LIKE public.whole INCLUDING ALL) PARTITION BY HASH (event_id);
DROP TABLE public.whole;
"""


def batches(events: int, products: int, days: int, size: int) -> Iterator[list[Record]]:
    """Events in the order of their time, spread evenly over products and days; the last ones are of today."""
    begin, step = datetime.now() - timedelta(days=days), timedelta(days=days) / events
    ends = dict.fromkeys(range(PARTITIONS), 0)
    for first in range(0, events, size):
        batch: list[Record] = []
        for number in range(first, min(first + size, events)):
            when = (begin + step * number).isoformat(timespec="milliseconds")
            data = json.loads(value(number, when))
            data["data"]["codigo_produto"] = f"P{number * 7919 % products:05d}"
            partition = number % PARTITIONS
            batch.append((partition, ends[partition], json.dumps(data).encode()))
            ends[partition] += 1
        yield batch


def postgres_seconds(backend: int) -> float:
    """Processor seconds of the whole server so far: sessions, log writer, checkpointer, autovacuum."""
    server = psutil.Process(backend).parent()
    assert server is not None
    return sum(sum(p.cpu_times()[:4]) for p in (server, *server.children()))


def sizes(system: System, given: argparse.Namespace) -> dict[str, Any]:
    if given.hash_partitions:
        system.query(_PARTITIONED)
        for number in range(given.hash_partitions):
            part = sql.Identifier("public", f"ml_inventory_realtime_{number}")
            system.query(_PARTITION.format(part, sql.Literal(given.hash_partitions), sql.Literal(number)))
    consumer = Consumer(system)
    backend = consumer.connection.info.backend_pid
    log_before = system.query("SELECT pg_current_wal_lsn() - '0/0'")[0][0]
    merge, stage, server, redis = [], [], postgres_seconds(backend), 0.0
    records: list[Record] = []
    for number, batch in enumerate(batches(given.events, given.products, given.days, given.batch)):
        rows, began = with_positions(batch), time.perf_counter()
        staged = stage_on_driver([rows], consumer.rules, consumer.positions)
        parsed = time.perf_counter()
        ends = consumer.ends(batch)
        consumer.commit(number, staged, ends)
        committed = time.perf_counter()
        consumer.positions = ends
        consumer.projector.step()
        stage.append((parsed - began) / len(batch))
        merge.append((committed - parsed) / len(batch))
        redis += time.perf_counter() - committed
        records = records or batch
    server = postgres_seconds(backend) - server
    log = system.query("SELECT pg_current_wal_lsn() - '0/0'")[0][0] - log_before
    consumer.close()
    return {
        "given": vars(given),
        "microseconds_an_event": {
            "parsing (median of batches)": _micros(statistics.median(stage)),
            "COPY and merge, waited for (median)": _micros(statistics.median(merge)),
            "reading back and writing Redis": _micros(redis / given.events),
            "processor time of the PostgreSQL server": _micros(server / given.events),
        },
        "bytes_of_log_an_event": round(float(log) / given.events),
        "postgres": {name: table(system, name) for name in _TABLES},
        "redis_bytes_a_key": {name: key_bytes(system, pattern) for name, pattern in _KEYS.items()},
        "redis_bytes_a_newest_event_if_compact": compact_bytes(system),
        "record_bytes": round(statistics.mean(len(record[2] or b"") for record in records)),
        "archive_bytes_a_record": archive_bytes(consumer, records, system.folder),
    }


def _micros(seconds: float) -> float:
    return round(seconds * 1e6, 1)


def table(system: System, name: str) -> dict[str, int]:
    """Rows, and bytes a row: in the table, in its indexes; partitions included."""
    (rows,) = system.query(sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(*name.split("."))))[0]
    heap, indexes = system.query(
        "SELECT sum(pg_table_size(oid))::bigint, sum(pg_indexes_size(oid))::bigint FROM pg_class"
        " WHERE oid = %(name)s::regclass OR oid IN (SELECT relid FROM pg_partition_tree(%(name)s) WHERE isleaf)",
        {"name": name},
    )[0]
    return {"rows": rows, "bytes_a_row": round(heap / max(rows, 1)), "index_bytes_a_row": round(indexes / max(rows, 1))}


def key_bytes(system: System, pattern: str) -> dict[str, int]:
    """Keys, and the memory of one with its entry in the keyspace."""
    keys = list(system.redis.scan_iter(pattern, count=1000))
    used = [system.redis.memory_usage(key, samples=0) for key in keys[:_SAMPLE]]
    return {"keys": len(keys), "bytes": round(statistics.mean(used)) if used else 0}


def compact_bytes(system: System) -> int:
    """Of a newest event where Redis may keep its longest value (the position, 64 characters) in its compact form."""
    server: Any = system.redis
    key = next(iter(server.scan_iter(_KEYS["newest event"])))
    fields = server.hgetall(key)
    server.config_set("hash-max-ziplist-value", 128)  # hash-max-listpack-value from 7.0 on, which knows this name too
    server.hset(f"{key}:compact", mapping=fields)
    return int(server.memory_usage(f"{key}:compact", samples=0))


def archive_bytes(consumer: Consumer, records: list[Record], folder: Path) -> int:
    """Of a compacted file: the archive's columns of the records, as Spark writes Parquet (snappy)."""
    batch = with_positions(records)
    batch = batch.append_column("headers", pa.nulls(len(records)))
    at = datetime.now(timezone.utc)
    rows = pa.Table.from_batches(archive_rows([batch], rules=consumer.rules, topic=consumer.system.topic, at=at))
    path = folder / "archive.parquet"
    pq.write_table(rows, path, compression="snappy")
    return round(path.stat().st_size / len(records))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    defaults = {"events": 300_000, "products": 5_000, "days": 7, "batch": 10_000, "hash-partitions": 0}
    for name, default in defaults.items():
        arguments.add_argument(f"--{name}", type=int, default=default)
    given = arguments.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        Stack(Path(folder) / "stack", die_with_parent=True, external=_NO_KAFKA) as stack,
    ):
        home = Path(folder) / "system"
        home.mkdir()
        system = System(stack, home)
        system.migrate(topics=False)
        print(json.dumps({"machine": machine(), **sizes(system, given)}, indent=2))
        system.end()


if __name__ == "__main__":
    main()
