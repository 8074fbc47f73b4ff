"""What does not vary, and decides the speed of small batches: round trips of a commit, and Spark's jobs of a micro-batch.

Who raises one of these numbers should know why; timings are in benchmarks/.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import closing
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from psycopg2 import sql
from pyspark.sql import SparkSession

from castro_spark.local import Stack
from castro_spark.parse import SOURCE_COLUMNS
from castro_spark.rules import parse_rules
from castro_spark.settings import load_settings
from castro_spark.sinks.postgres.commit.ledger import claim
from castro_spark.sinks.postgres.commit.staging import stage_on_driver
from castro_spark.sinks.postgres.commit.transaction import StreamCommits
from castro_spark.sinks.postgres.connection import connect
from castro_spark.sinks.postgres.session import answers
from castro_spark.streams import stream
from tests.builders import native, random_events
from tests.statements import composed
from tests.system import System, migrated_system

ROUND_TRIPS = 7  # of a commit, BEGIN and COMMIT among them


@pytest.fixture
def database(databases: Stack, tmp_path: Path) -> Iterator[System]:
    with migrated_system(databases, tmp_path) as system:
        yield system


def records(events: list[dict[str, Any]], partition: int, first: int) -> pa.RecordBatch:
    n = len(events)
    columns = [
        pa.array([partition] * n, pa.int32()), pa.array(range(first, first + n), pa.int64()),
        pa.array([datetime.now(timezone.utc)] * n, pa.timestamp("us", tz="UTC")), pa.nulls(n, pa.binary()),
        pa.array([native(e) for e in events], pa.binary()),
    ]  # fmt: skip
    return pa.RecordBatch.from_arrays(columns, names=list(SOURCE_COLUMNS))


class Asked:
    """Counts what sessions send to PostgreSQL."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.count = 0
        for cls, name in (
            (answers._Cursor, "execute"), (answers._Cursor, "copy_expert"), (answers.Session, "commit"),
        ):  # fmt: skip
            monkeypatch.setattr(cls, name, self._counting(getattr(cls, name)))

    def _counting(self, call: Any) -> Any:
        def counted(*args: Any, **named: Any) -> Any:
            self.count += 1
            return call(*args, **named)

        return counted

    def taken(self) -> int:
        count, self.count = self.count, 0
        return count


@pytest.mark.parametrize("partitions", [1, 12])
def test_round_trips_of_a_commit(database: System, monkeypatch: pytest.MonkeyPatch, partitions: int) -> None:
    settings = load_settings(conf_file=database.conf, environ=database.env)
    with closing(connect(settings.postgres, "test")) as connection:
        ledger = claim(
            connection, "inventory", topic="t", topic_id="t", beginnings=dict.fromkeys(range(partitions), 0),
            writer="test", accept_new_topic=False,
        )  # fmt: skip
    rules = parse_rules(stream("inventory"), settings, ledger.generation)
    chance = random.Random(1)
    events = [{**event, "id_evento": f"E{n}"} for n, event in enumerate(random_events(chance, 300))]
    corrected = [{**event, "quantidade": 7} for event in events]
    asked = Asked(monkeypatch)
    counts = []
    with closing(StreamCommits(settings.postgres, stream("inventory"), epoch=ledger.epoch, patience=5)) as commits:
        for number, some in enumerate([events[:100], events[100:200], events[200:], corrected]):
            first = 1_000 * number
            batch = pa.concat_batches([records(some[p::partitions], p, first) for p in range(partitions)])
            starts = dict.fromkeys(range(partitions), first)
            staged = stage_on_driver([batch], rules, starts)
            asked.taken()
            commits.commit(staged, batch_id=number, starts=starts, ends={p: s + 1_000 for p, s in starts.items()})
            counts.append(asked.taken())
    # The first one also prepares the session.
    assert counts[1:] == [ROUND_TRIPS] * 3  # the last one with corrections, which empty days and months


def test_a_small_batch_runs_no_spark_job(system: System, spark: SparkSession) -> None:
    context: Any = spark.sparkContext
    system.produce([native(e) for e in random_events(random.Random(2), 50)])
    running = system.stream()
    system.wait_for("SELECT count(*) > 0 FROM castro.batch_books", True)
    jobs = context._jsc.sc().dagScheduler().numTotalJobs()
    for batch in range(5):
        system.produce([native({**e, "id_evento": f"{batch}-{n}"}) for n, e in enumerate(random_events(random.Random(batch), 50))])
        arrived = "SELECT count(DISTINCT event_id) FROM ml_inventory_realtime WHERE event_id LIKE {ids}"
        system.wait_for(composed(arrived, ids=sql.Literal(f"{batch}-%")), 50)
    assert context._jsc.sc().dagScheduler().numTotalJobs() == jobs
    running.stop()
