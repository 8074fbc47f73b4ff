"""conf/docker without a Docker: the compose files as compose itself reads and merges them, and what they name."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from check_jsonschema.builtin_schemas import get_builtin_schema

from castro_spark.channels.build import channels
from castro_spark.security import credentials
from castro_spark.settings import VARIABLES, load_settings
from castro_spark.streams import all_streams

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "conf" / "docker"
BIN = Path(sys.executable).parent
SITE = {
    "CASTRO_CHECKOUT": str(ROOT), "CASTRO_SECRETS": "/secrets", "CASTRO_HADOOP_CONF": "/hadoop",
    "CASTRO_SOURCE_HOST": "erp", "CASTRO_SOURCE_DATABASE": "erp",
}  # fmt: skip
OURS = {"castro-migrate", "castro-streams", "castro-worker", "castro-beat"}


def compose(*options: str, **variables: str) -> subprocess.CompletedProcess[str]:
    files = [word for name in ("application", "compose") for word in ("-f", str(FOLDER / f"{name}.yaml"))]
    env = {**{name: value for name, value in os.environ.items() if not name.startswith("CASTRO_")}, **variables}
    command = [str(BIN / "docker-compose"), *files, "config", *options]
    return subprocess.run(command, check=False, env=env, capture_output=True, text=True, timeout=120)


@pytest.fixture(scope="module")
def merged() -> dict[str, Any]:
    """The services as compose would start them, beside an application's."""
    done = compose("--format", "json", **SITE)
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


@pytest.mark.parametrize("name", ["application", "compose"])
def test_it_obeys_the_compose_specifications_schema(name: str) -> None:
    schema = get_builtin_schema("vendor.compose-spec")
    document = yaml.safe_load((FOLDER / f"{name}.yaml").read_text())
    jsonschema.validate(document, schema)
    with pytest.raises(jsonschema.ValidationError, match="depends"):
        jsonschema.validate({**document, "services": {"a": {"depends": ["b"]}}}, schema)


def test_the_applications_services_are_extended_and_others_added(merged: dict[str, Any]) -> None:
    services = merged["services"]
    assert set(services) == {"postgres", "redis", "celery", "kafka", "connect", *OURS}
    assert services["postgres"]["image"] == "postgres:17"
    assert "pg_isready" in services["postgres"]["healthcheck"]["test"]
    assert services["celery"]["depends_on"]["castro-migrate"]["condition"] == "service_completed_successfully"
    for name in OURS - {"castro-migrate"}:
        assert "castro-migrate" in services[name]["depends_on"]


def test_what_the_site_must_say_is_asked_for(merged: dict[str, Any]) -> None:
    for name in SITE:
        done = compose(**{other: value for other, value in SITE.items() if other != name})
        assert (done.returncode != 0, f"required variable {name} is missing" in done.stderr) == (True, True), done.stderr


def test_secrets_are_files_and_variables_are_known(merged: dict[str, Any]) -> None:
    assert {name: secret["file"] for name, secret in merged["secrets"].items()} == {
        name: f"/secrets/{name}" for name in ("postgres_password", "redis_password", "source_password")
    }
    beat = {"CASTRO_BEAT_CONF_FILE", "HADOOP_CONF_DIR"}
    for name in OURS:
        environment = merged["services"][name]["environment"]
        files = {variable for variable in environment if variable.endswith("_PASSWORD_FILE")}
        secrets = {variable.removesuffix("_FILE") for variable in files}
        assert secrets - set(credentials.SECRETS) == {"CASTRO_ALERTS_CELERY_PASSWORD"}
        assert set(environment) - files - set(VARIABLES) == beat
        given = {secret["target"] for secret in merged["services"][name]["secrets"]}
        assert {environment[variable] for variable in files} <= given
    named = {variable for service in merged["services"].values() for variable in service.get("environment") or {}}
    assert not [variable for variable in named if variable.endswith("PASSWORD")]


def test_the_settings_are_loaded_and_their_servers_are_services(merged: dict[str, Any], tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("secret\n")
    environ = {
        variable: str(password)
        for variable in merged["services"]["castro-streams"]["environment"]
        if variable.endswith("_FILE") and "PASSWORD" in variable
    }
    settings = load_settings(conf_file=FOLDER / "castro.yaml", environ=environ)
    assert sorted(channels(settings)) == ["celery", "log"]
    addresses = f"{settings.kafka.bootstrap_servers} {settings.redis.url} {settings.postgres.dsn} {settings.alerts.channels['celery']}"
    assert {"kafka:9092", "redis://redis:6379/1", "host=postgres"} <= set(addresses.split())
    assert "redis://redis:6379/0" in addresses
    mounted = {volume["target"] for volume in merged["services"]["castro-streams"]["volumes"]}
    assert str(Path(settings.checkpoint_dir).parent) in mounted


def test_the_connector_routes_each_streams_table_to_its_topic(merged: dict[str, Any]) -> None:
    connector = json.loads((FOLDER / "connect" / "castrolanda.json").read_text())
    settings = load_settings(conf_file=FOLDER / "castro.yaml", environ={})
    tables = {f"public.{table}" for stream in all_streams().values() for table in stream.envelope_tables}
    assert set(connector["table.include.list"].split(",")) == tables
    routes = {}
    for route in connector["transforms"].split(","):
        for table in tables:
            if re.fullmatch(connector[f"transforms.{route}.regex"], f"{connector['topic.prefix']}.{table}"):
                routes[route] = connector[f"transforms.{route}.replacement"]
    assert routes == {name: stream.topic for name, stream in settings.streams.items()}
    named = set(re.findall(r"\$\{env:(\w+)\}", json.dumps(connector)))
    assert named == set(merged["services"]["connect"]["environment"])


def test_kafkas_version_is_the_tests(merged: dict[str, Any]) -> None:
    version = merged["services"]["kafka"]["image"].partition(":")[2]
    assert f"org.apache.kafka:kafka_2.13:{version}" in (ROOT / "castro_spark" / "deploy" / "prepare.sh").read_text()


def test_the_dockerfile_has_no_fault_that_its_linter_knows_and_copies_what_is_there(tmp_path: Path) -> None:
    dockerfile = FOLDER / "Dockerfile"
    done = subprocess.run([str(BIN / "hadolint"), str(dockerfile)], check=False, capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "")
    wrong = tmp_path / "Dockerfile"
    wrong.write_text(dockerfile.read_text().replace("FROM debian:12-slim", "FROM debian"))
    assert "DL3006" in subprocess.run([str(BIN / "hadolint"), str(wrong)], check=False, capture_output=True, text=True).stdout
    users = re.findall(r"^USER (\w+)$", dockerfile.read_text(), re.MULTILINE)
    assert users[-1] != "0" and users[0] != "0"
    wanted = [line[1:] for line in (FOLDER / "Dockerfile.dockerignore").read_text().splitlines() if line.startswith("!")]
    assert [name for name in wanted if not (ROOT / name).exists()] == []
