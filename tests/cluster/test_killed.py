"""Containers that die: an executor, and the application master, which YARN attempts again; and whole applications."""

from __future__ import annotations

import random
import signal
import subprocess
import time
from typing import Any

import pytest

from tests import oracle
from tests.builders import native, random_events
from tests.cluster import resource_manager
from tests.cluster.hadoop import Hadoop
from tests.system import System

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]
EXECUTOR = "org.apache.spark.executor.YarnCoarseGrainedExecutorBackend"
MASTER = "org.apache.spark.deploy.yarn.ApplicationMaster"
CLIENTS_MASTER = "org.apache.spark.deploy.yarn.ExecutorLauncher"
# On a busy machine. YARN unpacks the archives before a node's first application: 18 s on a quiet one, minutes here.
STARTED_SECONDS, ENDED_SECONDS = 600, 300
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
    assert process.wait(ENDED_SECONDS) == 0, system.log(process)[-5000:]


@pytest.mark.parametrize(("mode", "killed"), [("client", EXECUTOR), ("client", CLIENTS_MASTER), ("cluster", MASTER)])
def test_a_killed_container(on_yarn: System, hadoop: Hadoop, mode: str, killed: str) -> None:
    on_yarn.env["CASTRO_DEPLOY_MODE"] = mode
    sent: list[Any] = []
    process = on_yarn.start("stream", "--env", "cluster")
    feed(on_yarn, sent, "before")
    on_yarn.wait_for(CONSUMED, 1000, STARTED_SECONDS)
    [(first,)] = on_yarn.query(EPOCH)
    feed(on_yarn, sent, "killed")
    time.sleep(0.2)
    kill(hadoop, killed)
    feed(on_yarn, sent, "after")
    on_yarn.wait_for(CONSUMED, 3000, STARTED_SECONDS)
    stop(on_yarn, process)
    oracle.assert_agrees(on_yarn, sent)
    [(last,)] = on_yarn.query(EPOCH)
    assert (last > first) == (killed == MASTER)  # only a second attempt claims again


@pytest.mark.parametrize(("mode", "again"), [("client", "cluster"), ("cluster", "client")])
def test_an_application_is_killed_and_submitted_again(on_yarn: System, hadoop: Hadoop, mode: str, again: str) -> None:
    on_yarn.env["CASTRO_DEPLOY_MODE"] = mode
    sent: list[Any] = []
    process = on_yarn.start("stream", "--env", "cluster")
    feed(on_yarn, sent, "before")
    on_yarn.wait_for(CONSUMED, 1000, STARTED_SECONDS)
    [(application, link)] = on_yarn.query("SELECT DISTINCT application, tracking_url FROM castro.instance")
    path = f"/proxy/{application}/"
    assert link == resource_manager.address(hadoop) + path
    assert resource_manager.report(hadoop, application)["trackingUrl"].endswith(path)  # it does not know its port here
    feed(on_yarn, sent, "killed")
    time.sleep(0.2)
    resource_manager.kill(hadoop, application)
    assert process.wait(ENDED_SECONDS) == 1
    words = f"error: Spark was stopped: its application ({application}) has ended"
    assert (words if mode == "client" else application) in on_yarn.log(process)
    feed(on_yarn, sent, "after")
    on_yarn.env["CASTRO_DEPLOY_MODE"] = again
    on_yarn.submit("stream", "--available-now", "--env", "cluster")
    oracle.assert_agrees(on_yarn, sent)


def test_a_stop_holds_for_later_attempts_and_not_for_a_new_submission(on_yarn: System, hadoop: Hadoop) -> None:
    on_yarn.env["CASTRO_DEPLOY_MODE"] = "cluster"
    sent: list[Any] = []
    process = on_yarn.start("stream", "--env", "cluster")
    feed(on_yarn, sent, "before")
    on_yarn.wait_for(CONSUMED, 1000, STARTED_SECONDS)
    [master] = hadoop.containers(MASTER)
    for part in (*master.children(recursive=True), master):
        part.suspend()  # so that it takes no command before it is killed
    asking = on_yarn.start("stop", "--env", "cluster", "--stream", "inventory", "--wait", str(ENDED_SECONDS))
    on_yarn.wait_for("SELECT count(*)::int FROM castro.command WHERE state = 'waiting'", 1)
    feed(on_yarn, sent, "meanwhile")
    master.kill()
    assert asking.wait(STARTED_SECONDS) == 0
    assert process.wait(ENDED_SECONDS) == 0, on_yarn.log(process)[-5000:]
    instances = "SELECT count(*), count(DISTINCT application) FROM castro.instance WHERE kind = 'stream'"
    assert on_yarn.query(instances) == [(2, 1)]
    assert on_yarn.query("SELECT state FROM castro.command") == [("done",)]
    assert on_yarn.query(CONSUMED) == [(1000,)]
    on_yarn.submit("stream", "--available-now", "--env", "cluster")
    oracle.assert_agrees(on_yarn, sent)
