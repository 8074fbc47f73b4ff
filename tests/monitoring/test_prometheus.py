"""Prometheus itself: it accepts the rules and the example, each alert fires where it should, and it scrapes a running stream."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import pytest
import yaml

from castro_spark.local.process import free_port
from castro_spark.settings import load_settings
from tests.builders import event, native
from tests.monitoring.files import CONFIG, RULES, RULES_TEST, as_asked, dashboard_queries
from tests.secured.debian import install
from tests.servers.serving import serving
from tests.system import System

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def programs() -> tuple[str, str]:
    """prometheus and promtool, of Debian's package."""
    if not shutil.which("promtool"):
        install("prometheus")
    found = shutil.which("prometheus"), shutil.which("promtool")
    assert found[0] and found[1], "Debian's package prometheus is installed, and yet has no such programs"
    return found[0], found[1]


def promtool(programs: tuple[str, str], *words: object, cwd: Path | None = None) -> str:
    done = subprocess.run([programs[1], *map(str, words)], check=False, capture_output=True, text=True, cwd=cwd, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_promtool_accepts_the_rules_and_the_example(programs: tuple[str, str]) -> None:
    assert "SUCCESS" in promtool(programs, "check", "rules", RULES)
    assert "SUCCESS" in promtool(programs, "check", "config", CONFIG)


def test_each_alert_fires_where_it_should(programs: tuple[str, str], tmp_path: Path) -> None:
    rules = yaml.safe_load(RULES.read_text())
    for group in rules["groups"]:
        for rule in group["rules"]:
            del rule["annotations"]  # words, which the tests would have to repeat
    (tmp_path / RULES.name).write_text(yaml.safe_dump(rules))
    shutil.copy(RULES_TEST, tmp_path)
    assert "SUCCESS" in promtool(programs, "test", "rules", RULES_TEST.name, cwd=tmp_path)


class Prometheus:
    """A Prometheus at `address`."""

    def __init__(self, address: str) -> None:
        self.address = address

    def get(self, path: str, **parameters: str) -> Any:
        with urlopen(f"{self.address}/api/v1/{path}?{urlencode(parameters)}", timeout=10) as answer:
            return json.load(answer)["data"]

    def values(self, query: str) -> dict[str, float]:
        """A query's values, by the labels that tell them apart."""
        result = self.get("query", query=query)["result"]
        return {",".join(f"{k}={v}" for k, v in sorted(r["metric"].items())): float(r["value"][1]) for r in result}


@pytest.fixture
def watched(system: System) -> Iterator[tuple[System, str]]:
    """A running stream whose driver serves its metrics, and a page."""
    system.configure({"metrics": {"driver_address": "127.0.0.1", "cache_seconds": 0.5}})
    running = system.stream()
    with serving(load_settings(conf_file=system.conf, environ=system.env)) as page:
        yield system, page
    running.stop()


@pytest.fixture
def prometheus(watched: tuple[System, str], programs: tuple[str, str], tmp_path: Path) -> Iterator[Prometheus]:
    """It scrapes the page and the drivers as the example does, but each second."""
    config = yaml.safe_load(CONFIG.read_text())
    page = watched[1].removeprefix("http://")
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(RULES)]
    fixed, found = config["scrape_configs"]
    fixed["static_configs"][0]["targets"] = [page]
    found["http_sd_configs"] = [{"url": f"http://{page}/sd", "refresh_interval": "1s"}]
    (tmp_path / "prometheus.yaml").write_text(yaml.safe_dump(config))
    port = free_port()
    with (tmp_path / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(
            [programs[0], f"--config.file={tmp_path / 'prometheus.yaml'}", f"--storage.tsdb.path={tmp_path / 'tsdb'}",
             f"--web.listen-address=127.0.0.1:{port}"],
            stdout=log, stderr=log,
        )  # fmt: skip
    found_prometheus = Prometheus(f"http://127.0.0.1:{port}")
    try:
        until(lambda: _answers(found_prometheus), (tmp_path / "prometheus.log").read_text)
        yield found_prometheus
    finally:
        process.terminate()
        process.wait(20)


def _answers(prometheus: Prometheus) -> bool:
    try:
        return bool(prometheus.get("status/runtimeinfo"))
    except (URLError, ConnectionError):
        return False


def until(true: Callable[[], object], words: Callable[[], object] = lambda: "", seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, words()
        time.sleep(0.2)


def test_it_scrapes_a_running_stream(watched: tuple[System, str], prometheus: Prometheus) -> None:
    system, _ = watched
    sent = 0

    def consumed(query: str, least: float) -> Callable[[], bool]:
        def ask() -> bool:
            nonlocal sent
            system.produce([native(event(id_evento=f"e{sent}")), b"{"], partition=sent % 3)
            sent += 1
            return any(value >= least for value in prometheus.values(query).values())

        return ask

    until(consumed('castro_records_total{outcome="inserted"}', 3))
    until(consumed('rate(castro_latency_seconds_count{sink="redis"}[20s])', 0.1))
    until(consumed('increase(castro_records_total{outcome="quarantined"}[20s])', 1))
    until(consumed("castro_group_offsets_timestamp_seconds", 1))
    until(consumed("castro_lag_seconds", 0))
    until(consumed('castro_stage_seconds_count{kind="stream"}', 1))
    # The page's and the driver's own, which /sd found.
    until(lambda: set(prometheus.values("castro_up").values()) == {1.0} and len(prometheus.values("castro_up")) == 2)
    assert prometheus.values('process_cpu_seconds_total{job="castro_spark_drivers"}')
    assert [target["lastError"] for target in prometheus.get("targets")["activeTargets"]] == ["", ""]
    for query in dashboard_queries():
        prometheus.get("query", query=as_asked(query))  # an error is an HTTP status
    states = {r["name"]: (r["health"], r["state"]) for group in prometheus.get("rules")["groups"] for r in group["rules"]}
    assert {health for health, _ in states.values()} == {"ok"}
    until(lambda: any(a["labels"]["alertname"] == "CastroRecordsRejected" for a in prometheus.get("alerts")["alerts"]))
    assert states["CastroNoMetrics"][1] == "inactive"
