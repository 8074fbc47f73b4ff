"""kill -9 of the driver at every step of a batch, twice on the same batch: the end is that of one clean run."""

from __future__ import annotations

import random
import signal
from pathlib import Path

import pytest

from tests import oracle
from tests.builders import native, random_events
from tests.system import System

pytestmark = pytest.mark.slow
COMMIT = "castro_spark.sinks.postgres.commit.transaction"
STEPS = {
    "at the start, once the stream is claimed": "castro_spark.sinks.postgres.commit.ledger:claim:1:after",
    "before anything is staged": "castro_spark.streaming.batches:BatchWriter._stage:2",
    "staged by the executors": "castro_spark.streaming.batches:BatchWriter._stage:2:after",
    "in the transaction, before its COMMIT": f"{COMMIT}:write_books:2",
    "after the COMMIT": f"{COMMIT}:StreamCommits.commit:2:after",
    "half-way through Redis": "castro_spark.sinks.redis.hashes:VersionedHashes.write:4",
    "after Redis": "castro_spark.sinks.redis.hashes:VersionedHashes.mark:2:after",
}


@pytest.mark.parametrize("step", STEPS)
def test_killed(system: System, step: str) -> None:
    # Small batches, of which every other one is large enough for the executors; and Redis gets each in many steps.
    system.configure({
        "streaming": {"max_offsets_per_trigger": 200, "executor_staging_rows": 100}, "projection": {"products_per_chunk": 2}
    })  # fmt: skip
    events = random_events(random.Random(step), 700)
    sent = list(zip(system.produce(native(e) for e in events), events, strict=True))
    killer = str(Path(__file__).parent / "killer")
    system.env |= {"PYTHONPATH": killer, "CASTRO_TEST_KILL": STEPS[step]}
    for _ in range(2):
        assert system.start("stream", "--available-now").wait(120) == -signal.SIGKILL
    del system.env["CASTRO_TEST_KILL"]
    system.drain()
    oracle.assert_agrees(system, sent)
