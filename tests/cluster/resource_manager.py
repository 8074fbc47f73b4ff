"""YARN's resource manager as its REST API shows it."""

from __future__ import annotations

import json
import urllib.request
from typing import Any
from xml.etree import ElementTree

from tests.cluster.hadoop import Hadoop

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback never goes through a proxy


def report(hadoop: Hadoop, application: str) -> dict[str, Any]:
    """An application: its state, final status, attempts, tracking link."""
    with _DIRECT.open(_address(hadoop, application), timeout=30) as answer:
        found: dict[str, Any] = json.load(answer)["app"]
    return found


def kill(hadoop: Hadoop, application: str) -> None:
    """What `yarn application -kill` does."""
    body = json.dumps({"state": "KILLED"}).encode()
    request = urllib.request.Request(
        f"{_address(hadoop, application)}/state", body, {"Content-Type": "application/json"}, method="PUT"
    )
    with _DIRECT.open(request, timeout=30) as answer:
        assert answer.status in (200, 202)


def _address(hadoop: Hadoop, application: str) -> str:
    site = ElementTree.parse(hadoop.folder / "conf" / "yarn-site.xml").getroot()
    values = {p.findtext("name"): p.findtext("value") for p in site.iter("property")}
    return f"http://{values['yarn.resourcemanager.webapp.address']}/ws/v1/cluster/apps/{application}"
