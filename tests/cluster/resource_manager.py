"""YARN's resource manager as its REST API shows it."""

from __future__ import annotations

import json
import time
import urllib.request
from typing import Any
from xml.etree import ElementTree

from tests.cluster.hadoop import Hadoop

_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # loopback never goes through a proxy


_ALIVE = "NEW,NEW_SAVING,SUBMITTED,ACCEPTED,RUNNING"


def report(hadoop: Hadoop, application: str) -> dict[str, Any]:
    """An application: its state, final status, attempts, tracking link."""
    found: dict[str, Any] = _get(hadoop, application)["app"]
    return found


def kill(hadoop: Hadoop, application: str) -> None:
    """What `yarn application -kill` does."""
    body = json.dumps({"state": "KILLED"}).encode()
    place = f"{address(hadoop)}/ws/v1/cluster/apps/{application}/state"
    request = urllib.request.Request(place, body, {"Content-Type": "application/json"}, method="PUT")
    with _DIRECT.open(request, timeout=30) as answer:
        assert answer.status in (200, 202)


def kill_all(hadoop: Hadoop) -> None:
    """Leaves the cluster to the next test; what a failed one has left would hold its memory."""
    for _ in range(60):
        apps = (_get(hadoop, f"?states={_ALIVE}")["apps"] or {}).get("app", [])
        for app in apps:
            kill(hadoop, app["id"])
        if not apps:
            return
        time.sleep(0.5)
    raise AssertionError(f"not killed after 30 s: {apps}")


def address(hadoop: Hadoop) -> str:
    """Of its pages and its REST API."""
    site = ElementTree.parse(hadoop.folder / "conf" / "yarn-site.xml").getroot()
    values = {p.findtext("name"): p.findtext("value") for p in site.iter("property")}
    return f"http://{values['yarn.resourcemanager.webapp.address']}"


def _get(hadoop: Hadoop, what: str) -> Any:
    place = f"{address(hadoop)}/ws/v1/cluster/apps" + (what if what.startswith("?") else f"/{what}")
    with _DIRECT.open(place, timeout=30) as answer:
        return json.load(answer)
