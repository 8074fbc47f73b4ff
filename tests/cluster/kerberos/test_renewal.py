"""A stream outlives its ticket and its delegation tokens: all of them end two minutes after they were issued."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests import oracle
from tests.cluster.hadoop import Hadoop
from tests.cluster.kerberos.conftest import TOKEN_LIFE_SECONDS, Realm
from tests.cluster.test_killed import CONSUMED, ENDED_SECONDS, EXECUTOR, STARTED_SECONDS, feed, kill, stop
from tests.system import System

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(1800)]
KDC_AWAY_SECONDS = 20


@pytest.mark.parametrize("mode", ["client", "cluster"])
def test_a_stream_outlives_its_tokens(secured_on_yarn: System, secured_cluster: Hadoop, realm: Realm, mode: str) -> None:
    """Also a new executor then starts: it reads HDFS, where its files are, and Kafka by itself."""
    secured_on_yarn.env["CASTRO_DEPLOY_MODE"] = mode
    sent: list[Any] = []
    process = secured_on_yarn.start("stream", "--env", "cluster")
    feed(secured_on_yarn, sent, "before")
    secured_on_yarn.wait_for(CONSUMED, 1000, STARTED_SECONDS)
    issued = time.monotonic()  # or before
    while time.monotonic() < issued + TOKEN_LIFE_SECONDS:
        feed(secured_on_yarn, sent, str(len(sent)))
        secured_on_yarn.wait_for(CONSUMED, len(sent), ENDED_SECONDS)
        time.sleep(10)
    realm.kdc.pause()
    time.sleep(KDC_AWAY_SECONDS)
    realm.kdc.resume()
    kill(secured_cluster, EXECUTOR)
    feed(secured_on_yarn, sent, "after")
    secured_on_yarn.wait_for(CONSUMED, len(sent), STARTED_SECONDS)
    stop(secured_on_yarn, process)
    oracle.assert_agrees(secured_on_yarn, sent)
