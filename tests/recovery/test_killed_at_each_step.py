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
    "before the second slice is staged": "castro_spark.streaming.stager:Stager.stage:2",
    "staged by the executors": "castro_spark.streaming.stager:Stager.stage:2:after",
    "in the transaction, before its COMMIT": f"{COMMIT}:write_books:2",
    "after the first COMMIT of each run, the next slice staged": f"{COMMIT}:StreamCommits.commit:1:after",
    "after the COMMIT": f"{COMMIT}:StreamCommits.commit:2:after",
    "half-way through Redis": "castro_spark.sinks.redis.publish:Publisher.mark:2",
    "after Redis": "castro_spark.sinks.redis.publish:Publisher.mark:2:after",
}
BY_EXECUTORS = ("staged by the executors", "in the transaction, before its COMMIT")


@pytest.mark.parametrize("step", STEPS)
def test_killed(system: System, step: str) -> None:
    # A micro-batch is two slices, since a stream begins with small ones.
    by_executors = {"executor_staging_rows": 1} if step in BY_EXECUTORS else {}
    system.configure({"streaming": {"max_offsets_per_trigger": 400, **by_executors}})
    events = random_events(random.Random(step), 1_400)
    sent = list(zip(system.produce(native(e) for e in events), events, strict=True))
    killer = str(Path(__file__).parent / "killer")
    system.env |= {"PYTHONPATH": killer, "CASTRO_TEST_KILL": STEPS[step]}
    for _ in range(2):
        before = consumed(system)
        assert system.start("stream", "--available-now").wait(120) == -signal.SIGKILL
        if "COMMIT of each run" in step:
            assert before < consumed(system) < len(sent)
    del system.env["CASTRO_TEST_KILL"]
    system.drain()
    oracle.assert_agrees(system, sent)


def consumed(system: System) -> int:
    return int(system.query("SELECT coalesce(sum(next_offset), 0) FROM castro.offset_ledger")[0][0])
