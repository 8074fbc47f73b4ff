"""kill -9 of the driver at every step of a batch: one stream, whose processes die at one step after the other.

At each step it dies twice in a row, once with its batches staged by the executors and once by the driver, but for two
steps, which know no difference. After each step the stream is completed, and all must be as after one clean run.
"""

from __future__ import annotations

import random
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from castro_spark.local import Stack
from tests import oracle
from tests.builders import Data, native, random_events
from tests.system import System

pytestmark = pytest.mark.slow
COMMIT = "castro_spark.sinks.postgres.commit.transaction"
PUBLISHED = "castro_spark.sinks.redis.hashes:VersionedHashes.mark:2"
# A slice touches some twenty products, of which Redis gets two at a time.
HALF_A_WRITE = "castro_spark.sinks.redis.hashes:VersionedHashes.write:3"
EXECUTORS, DRIVER = 1, 20_000  # streaming.executor_staging_rows
BOTH = (EXECUTORS, DRIVER)
STEPS = {
    "at the start, once the stream is claimed": ("castro_spark.sinks.postgres.commit.ledger:claim:1:after", (DRIVER,)),
    "before the second slice is staged": ("castro_spark.streaming.microbatch.stager:Stager.stage:2", BOTH),
    "staged": ("castro_spark.streaming.microbatch.stager:Stager.stage:2:after", BOTH),
    "in the transaction, before its COMMIT": (f"{COMMIT}:write_books:2", BOTH),
    "after the first COMMIT of each run, a slice of a micro-batch": (f"{COMMIT}:StreamCommits.commit:1:after", BOTH),
    "after the COMMIT": (f"{COMMIT}:StreamCommits.commit:2:after", BOTH),
    "half-way through Redis": (HALF_A_WRITE, BOTH),
    "after Redis": (f"{PUBLISHED}:after", (EXECUTORS,)),
}
KILLER = str(Path(__file__).parent / "killer")
BATCH = 400  # more than the first slice of a stream
Sent = list[tuple[tuple[int, int], dict[str, Any]]]


@pytest.fixture(scope="module")
def system(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    system = System(stack, tmp_path_factory.mktemp("each_step"))
    system.migrate()
    yield system
    system.end()


@pytest.fixture(scope="module")
def sent() -> Sent:
    return []


@pytest.mark.parametrize("step", STEPS)
def test_killed(system: System, sent: Sent, step: str) -> None:
    place, stagings = STEPS[step]
    system.env |= {"PYTHONPATH": KILLER, "CASTRO_TEST_KILL": place}
    for executor_staging_rows in stagings:
        events = of_many_products(random.Random(f"{step} {executor_staging_rows}"), 3 * BATCH)
        sent += zip(system.produce(native(e) for e in events), events, strict=True)
        streaming = {"max_offsets_per_trigger": BATCH, "executor_staging_rows": executor_staging_rows}
        system.configure({"streaming": streaming, "projection": {"products_per_chunk": 2}})
        before = consumed(system)
        assert system.start("stream", "--available-now").wait(120) == -signal.SIGKILL
        if "first COMMIT" in step:
            assert 0 < consumed(system) - before < BATCH
        if place == HALF_A_WRITE:
            assert_half_written(system)
    del system.env["CASTRO_TEST_KILL"]
    system.drain()
    oracle.assert_agrees(system, sent)


def of_many_products(chance: random.Random, count: int) -> list[Data]:
    """Random events, half of them new ones of a product of their own: so a commit's hashes are more than one call to
    Redis, whatever of the others is stale."""

    def own() -> Data:
        number = chance.randrange(10**9)
        return {"id_evento": f"own {number}", "codigo_produto": f"Q{number}"}

    return [e | own() if chance.random() < 0.5 else e for e in random_events(chance, count)]


def assert_half_written(system: System) -> None:
    """Of the hashes that the marker says Redis lacks, some are there and some are not."""
    marker = str(system.redis.get("castro:published:inventory") or "")
    since = {"since": int(marker.partition(".")[2] or 0)}
    days = "SELECT product_code, date FROM ml_inventory_daily WHERE revision > %(since)s AND date > now() - interval '5 days'"
    months = "SELECT product_code, month FROM ml_inventory_monthly WHERE revision > %(since)s"
    keys = [f"agg:daily:{code}:{day}" for code, day in system.query(days, since)]
    keys += [f"agg:monthly:{code}:{month.year}-{month.month}" for code, month in system.query(months, since)]
    there = [str(system.redis.hget(key, "version") or "") > marker for key in keys]
    print(f"{sum(there)} of {len(keys)} hashes are written")
    assert any(there)
    assert not all(there)


def consumed(system: System) -> int:
    return int(system.query("SELECT coalesce(sum(next_offset), 0) FROM castro.offset_ledger")[0][0])
