"""What goes to the cluster's nodes, and what does not: archives, settings, secrets."""

from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import trustme

from castro_spark import properties_file
from castro_spark.deploy import artefact, submit
from castro_spark.deploy.shipping import checkable, ship
from castro_spark.errors import SettingsError
from castro_spark.resources import resource
from castro_spark.settings import load_settings

CANARY = "c4n4ry"


def quiet(_: str) -> None:
    """Says nothing."""


def test_no_path_of_a_checkout_in_the_package() -> None:
    code = {path: path.read_text() for path in resource("").rglob("*.py")}
    assert len(code) > 100
    found = [path for path, text in code.items() if re.search(r"\.parents\[|\.parent\.parent|\bSQL_DIR|\bCONF_DIR", text)]
    assert found == []


def test_the_code_archive_runs_jobs_by_itself(tmp_path: Path) -> None:
    archive = artefact._code(tmp_path, quiet)
    assert artefact._code(tmp_path, quiet) == archive  # by its content's hash: once
    with zipfile.ZipFile(archive) as content:
        names = set(content.namelist())
        assert {"castro_spark/sql/commit/merge_events.sql", "castro_spark/conf/base.yaml", "castro_spark/jobs/stream.py"} <= names
        assert not [name for name in names if "__pycache__" in name]
        content.extractall(tmp_path / "unpacked")
    command = [sys.executable, "-P" if sys.version_info >= (3, 11) else "-E", "-m", "castro_spark", "quarantine", "list"]
    env = {"PYTHONPATH": str(tmp_path / "unpacked"), "CASTRO_POSTGRES_DSN": "host=127.0.0.1 port=1 dbname=x user=x"}
    done = subprocess.run(command, check=False, cwd=tmp_path, env=env, capture_output=True, text=True)
    assert done.returncode == 1
    assert "port 1 failed: Connection refused" in done.stderr


def test_the_dependencies_are_those_of_the_lock_without_sparks() -> None:
    lock = "# made by\npandas==2.3.3 \\\n    --hash=sha256:1\npy4j==0.1 \\\n    --hash=sha256:2 \\\n    --hash=sha256:3\nsix==1 \\\n    --hash=sha256:4\n"
    assert artefact._without_spark(lock) == "pandas==2.3.3 \\\n    --hash=sha256:1\nsix==1 \\\n    --hash=sha256:4\n"


def test_a_node_may_have_an_older_patch_of_python() -> None:
    """As async-timeout, which redis needs before 3.11.3."""
    here, other = f"{sys.version_info.major}.{sys.version_info.minor}", "3.9"
    lock = f"a==1 ; python_full_version < '{here}.3' \\\nb==1 ; python_full_version < '{other}.3' \\\nc==1 ; python_full_version < '{here}' \\\n"
    kept = artefact._without_spark(lock).splitlines()
    assert kept == ["a==1  \\", f"b==1 ; python_full_version < '{other}.3' \\", f"c==1 ; python_full_version < '{here}' \\"]


def test_secrets_travel_as_private_files_only(tmp_path: Path) -> None:
    secret = tmp_path / "redis, password"
    secret.write_text(f"{CANARY}-redis\n")
    settings = tmp_path / "mine.yaml"
    settings.write_text("timezone: UTC\n")
    folder = tmp_path / "private"
    folder.mkdir()
    environ = {
        "CASTRO_POSTGRES_DSN": "host=db dbname=x user=é",
        "CASTRO_POSTGRES_PASSWORD": f"{CANARY}-postgres ",
        "CASTRO_REDIS_PASSWORD_FILE": str(secret),
        "CASTRO_KAFKA_SASL_PASSWORD_FILE": "hdfs://n/secret/kafka",
        "CASTRO_KAFKA_OPTIONS_FILE": "local:/etc/castro/kafka",
        "CASTRO_HOME": "/builder",
    }
    shipment = ship(environ, ["--env", "cluster", "--conf-file", str(settings), "--json"], folder)
    assert shipment.job == ("--env", "cluster", "--conf-file", "castro-settings.yaml", "--json")
    assert CANARY not in " ".join(shipment.submit)
    files = shipment.submit[1].split(",")
    assert "hdfs://n/secret/kafka#castro-kafka-sasl-password" in files
    sent = {Path(name).name: Path(name) for name in files if "#" not in name}
    assert sent.keys() == {
        "castro-postgres-password", "castro-redis-password", "castro-settings.yaml", "castro-variables.properties", "fairscheduler.xml",
    }  # fmt: skip
    assert all(path.stat().st_mode & 0o077 == 0 for path in sent.values() if path.parent == folder)
    variables = properties_file.parse(sent["castro-variables.properties"].read_text())
    assert variables == {
        "CASTRO_POSTGRES_DSN": "host=db dbname=x user=é",
        "CASTRO_POSTGRES_PASSWORD_FILE": "castro-postgres-password",
        "CASTRO_POSTGRES_EXECUTOR_PASSWORD_FILE": "castro-postgres-password",
        "CASTRO_REDIS_PASSWORD_FILE": "castro-redis-password",
        "CASTRO_KAFKA_SASL_PASSWORD_FILE": "castro-kafka-sasl-password",
        "CASTRO_KAFKA_OPTIONS_FILE": "local:/etc/castro/kafka",
    }


def test_the_driver_on_the_cluster_reads_what_was_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environ = {"CASTRO_POSTGRES_PASSWORD": f"{CANARY} ü", "CASTRO_TIMEZONE": "UTC", "CASTRO_REDIS_PASSWORD_FILE": "local:/nodes"}
    ship(environ, [], tmp_path)
    monkeypatch.chdir(tmp_path)  # as the container's working directory
    file = {"CASTRO_VARIABLES_FILE": "castro-variables.properties"}
    with pytest.raises(SettingsError, match="cannot read local:/nodes"):
        load_settings("cluster", environ=file)
    Path("castro-variables.properties").write_text(
        Path("castro-variables.properties").read_text().replace("nodes", str(tmp_path / "castro-postgres-password")[1:])
    )
    settings = load_settings("cluster", environ=file)
    assert (settings.timezone, settings.postgres.secret()) == ("UTC", f"{CANARY} ü")
    assert settings.redis.password is not None
    assert settings.redis.password.get_secret_value() == f"{CANARY} ü"


def test_the_files_of_authorities_travel_too(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_bytes(trustme.CA().cert_pem.bytes())
    (tmp_path / "mine.yaml").write_text(f"kafka: {{ca_file: {tmp_path}/ca.pem, options: {{security.protocol: SSL}}}}")
    folder = tmp_path / "private"
    folder.mkdir()
    environ = {"CASTRO_REDIS_CA_FILE": "local:/etc/ca.pem", "CASTRO_REDIS_URL": "rediss://h/1"}
    settings = load_settings(conf_file=tmp_path / "mine.yaml", environ=checkable(environ))
    shipment = ship(environ, ["--conf-file", str(tmp_path / "mine.yaml")], folder, settings)
    assert str(folder / "castro-kafka-ca.pem") in shipment.submit[1].split(",")
    variables = properties_file.parse((folder / "castro-variables.properties").read_text())
    assert variables == {
        "CASTRO_KAFKA_CA_FILE": "castro-kafka-ca.pem", "CASTRO_REDIS_CA_FILE": "local:/etc/ca.pem", "CASTRO_REDIS_URL": "rediss://h/1",
    }  # fmt: skip


def test_settings_are_checked_before_anything_starts(tmp_path: Path) -> None:
    environ = {"CASTRO_REDIS_PASSWORD_FILE": "hdfs://n/x", "CASTRO_KAFKA_OPTIONS_FILE": "local:/x"}
    load_settings("cluster", environ=checkable(environ))
    with pytest.raises(SettingsError, match="cannot read /nowhere: No such file"):
        ship({"CASTRO_REDIS_PASSWORD_FILE": "/nowhere"}, [], tmp_path)


def test_options_are_read_as_the_job_reads_them() -> None:
    words = ["--stream", "sales", "--env=cluster", "--stream=inventory", "--conf-file", "a b"]
    assert submit._values(words, "--stream") == ["sales", "inventory"]
    assert submit._values(words, "--env") == ["cluster"]
    assert submit._values(words, "--conf-file") == ["a b"]
