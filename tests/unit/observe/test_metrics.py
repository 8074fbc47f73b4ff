"""The metrics' names: what the rules and the dashboard ask for is there, and the documentation says what there is."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from castro_spark.observe.metrics.catalogue import METRICS
from tests.monitoring.files import DASHBOARD, RULES, RULES_TEST, dashboard_queries

SERIES = {name: metric for metric in METRICS for name in metric.series}
SELECTOR = re.compile(r"\b(castro_[a-z0-9_]+)(?:\{([^}]*)\})?")


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def unknown(expression: str) -> set[str]:
    """Metrics of an expression that are not exported, and labels that they do not have."""
    wrong = set()
    for name, labels in SELECTOR.findall(expression):
        if name not in SERIES:
            wrong.add(name)
            continue
        known = {*SERIES[name].labels, *(["le"] if name.endswith("_bucket") else [])}
        wrong |= {f"{name}.{label}" for label in re.findall(r"([a-z_]+)\s*(?:=|!=|=~|!~)", labels) if label not in known}
    return wrong


def test_every_metric_of_the_rules_is_exported() -> None:
    for rule in rules():
        assert "castro_" in rule["expr"]
        assert unknown(rule["expr"]) == set(), rule["alert"]
        assert rule["labels"]["severity"] in {"warning", "critical"}
        assert rule["annotations"]["summary"]


def test_every_metric_of_the_dashboard_is_exported() -> None:
    queries = dashboard_queries()
    assert len(queries) > 20
    for query in queries:
        assert "castro_" in query
        assert unknown(query) == set(), query
    panels = json.loads(DASHBOARD.read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    assert all(panel["gridPos"]["x"] + panel["gridPos"]["w"] <= 24 for panel in panels)


def test_every_alert_is_tested_where_it_fires_and_where_it_does_not() -> None:
    tested = [case for test in yaml.safe_load(RULES_TEST.read_text())["tests"] for case in test["alert_rule_test"]]
    names = {rule["alert"] for rule in rules()}
    assert names == {case["alertname"] for case in tested if case["exp_alerts"]}
    assert names == {case["alertname"] for case in tested if not case["exp_alerts"]}


def test_names_follow_prometheus_conventions() -> None:
    for metric in METRICS:
        assert metric.name.startswith("castro_")
        assert metric.name.endswith("_total") == (metric.kind.value == "counter")
        # job and instance are the scrape's own; le is a histogram's.
        assert not {"product", "product_code", "le", "job", "instance"} & set(metric.labels)
        assert "_ms" not in metric.name
    assert len({metric.name for metric in METRICS}) == len(METRICS)
