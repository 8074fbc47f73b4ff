"""The files for Prometheus and Grafana, and what they ask for."""

from __future__ import annotations

import json

from tests.system import ROOT

RULES = ROOT / "conf/prometheus/castro.rules.yaml"
CONFIG = ROOT / "conf/prometheus/prometheus.yaml"
RULES_TEST = ROOT / "tests/monitoring/rules_test.yaml"
DASHBOARD = ROOT / "conf/grafana/castro.json"


def dashboard_queries() -> list[str]:
    """Every query of the dashboard, annotations included."""
    board = json.loads(DASHBOARD.read_text())
    of_panels = [target["expr"] for panel in board["panels"] for target in panel.get("targets", ())]
    return of_panels + [annotation["expr"] for annotation in board["annotations"]["list"]]


def as_asked(query: str) -> str:
    """A query with Grafana's variables filled in."""
    return query.replace("$__rate_interval", "1m").replace("$stream", ".*")
