"""Containers that die: an executor, and the application master, which YARN attempts again."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from typing import Any

import pytest

from tests import oracle
from tests.builders import native, random_events
from tests.cluster.hadoop import Hadoop
from tests.system import System

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]
EXECUTOR = "org.apache.spark.executor.YarnCoarseGrainedExecutorBackend"
MASTER = "org.apache.spark.deploy.yarn.ApplicationMaster"
EPOCH = "SELECT epoch FROM castro.stream WHERE stream = 'inventory'"
CONSUMED = "SELECT coalesce(sum(next_offset), 0)::int FROM castro.offset_ledger"


def feed(system: System, sent: list[Any], seed: str) -> None:
    events = random_events(random.Random(seed), 1000)
    sent += zip(system.produce(native(e) for e in events), events, strict=True)


def kill(hadoop: Hadoop, main_class: str) -> None:
    found = hadoop.containers(main_class)
    assert found
    for process in found:
        process.kill()


def stop(system: System, process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    assert process.wait(120) == 0, system.log(process)[-5000:]


@pytest.mark.parametrize(("mode", "killed"), [("client", EXECUTOR), ("cluster", MASTER)])
def test_a_killed_container(on_yarn: System, hadoop: Hadoop, mode: str, killed: str) -> None:
    on_yarn.env["CASTRO_DEPLOY_MODE"] = mode
    sent: list[Any] = []
    process = on_yarn.start("stream", "--env", "cluster")
    feed(on_yarn, sent, "before")
    on_yarn.wait_for(CONSUMED, 1000, 180)
    [(first,)] = on_yarn.query(EPOCH)
    feed(on_yarn, sent, "killed")
    time.sleep(0.2)
    kill(hadoop, killed)
    feed(on_yarn, sent, "after")
    on_yarn.wait_for(CONSUMED, 3000, 240)
    stop(on_yarn, process)
    oracle.assert_agrees(on_yarn, sent)
    [(last,)] = on_yarn.query(EPOCH)
    assert (last > first) == (killed == MASTER)  # only a second attempt claims again
