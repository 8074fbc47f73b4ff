"""Settings: what wins over what, and errors that name the file, the key and what would be right."""

from __future__ import annotations

from pathlib import Path

import pytest

from castro_spark.errors import SettingsError
from castro_spark.settings import load_settings


def test_variables_win_over_files() -> None:
    settings = load_settings("cluster", environ={"CASTRO_REDIS_URL": "redis://h:1/2", "CASTRO_TIMEZONE": "UTC"})
    assert settings.kafka.bootstrap_servers == "kafka.castrolanda.local:9092"
    assert (settings.redis.url, settings.timezone) == ("redis://h:1/2", "UTC")


@pytest.mark.parametrize(
    ("given", "read"),
    [
        ("file:checkpoints", f"{Path.cwd().as_uri()}/checkpoints"),
        ("file:/var/lib/checkpoints", "file:/var/lib/checkpoints"),
        ("hdfs://namenode:9000/checkpoints", "hdfs://namenode:9000/checkpoints"),
        (".castro/checkpoints", ".castro/checkpoints"),
    ],
)
def test_a_checkpoint_may_be_in_the_working_directory(given: str, read: str) -> None:
    assert load_settings(environ={"CASTRO_CHECKPOINT_DIR": given}).checkpoint_dir == read


def test_secrets_come_from_files_and_are_not_shown(tmp_path: Path) -> None:
    (tmp_path / "p").write_text("canary-1\n")
    environ = {"CASTRO_POSTGRES_PASSWORD_FILE": str(tmp_path / "p"), "CASTRO_REDIS_PASSWORD": "canary-2"}
    settings = load_settings(environ=environ)
    assert settings.postgres.password is not None
    assert settings.postgres.password.get_secret_value() == "canary-1"
    assert "canary" not in repr(settings) + str(settings)


@pytest.mark.parametrize(
    ("yaml", "environ", "words"),
    [
        ("timezone: Mars", {}, "timezone: Value error, must be an IANA name"),
        ("kafka: {options: {group.id: x}}", {}, "kafka.options: Value error, must not name group.id"),
        ("streaming: {idle_poll_milliseconds: 0}", {}, "streaming.idle_poll_milliseconds: Input should be greater than 0"),
        ("colour: red", {}, "colour: Extra inputs"),
        ("alerts: {outbox: {poll_second: 5}}", {}, "alerts.outbox.poll_second: Extra inputs are not permitted; is poll_seconds meant?"),
        ("alerts: {outbox: {retention_days: yes}}", {}, "alerts.outbox: Value error, retention_days must be a number, not yes"),
        ("quality: {every_seconds: .inf}", {}, "quality.every_seconds: Input should be a finite number"),
        ("kafka:", {"CASTRO_KAFKA_BOOTSTRAP_SERVERS": "h:1"}, "mine.yaml (over base.yaml): kafka: Input should be a valid dictionary"),
        ("postgres: host=h", {"CASTRO_POSTGRES_PASSWORD": "x"}, "postgres: Input should be a valid dictionary"),
        ("page: {actions: yes}", {"CASTRO_PAGE_ACTIONS_POSTGRES_DSN": "host=h"}, "page.actions: Input should be a valid dictionary"),
        ("redis: []", {}, "redis: Input should be a valid dictionary or instance of RedisSettings; it is a section: write its keys below"),
        ("product_360: {stock_levels: {table: ml_product_master}}", {}, "mine.yaml (over base.yaml): Value error, product_360."),
        ("alerts: {deliver: true}\nstreaming: {}\nalerts: {channels: {}}", {}, "mine.yaml: line 3: the key alerts is there twice"),
        ("alerts:\n  deliver: true\n  deliver: false", {}, "mine.yaml: line 3: the key deliver is there twice"),
        ("[1]", {}, "has no keys"),
        ("a: [", {}, "is not YAML"),
        ("", {"CASTRO_POSTGRES_DSN": "host=h password=x"}, "CASTRO_POSTGRES_DSN: postgres.dsn: Value error, must hold no password"),
        ("", {"CASTRO_REDIS_URL": "redis://:x@h/1"}, "CASTRO_REDIS_URL: redis.url"),
        ("", {"CASTRO_REDIS_PASSWORD_FILE": "/nowhere"}, "CASTRO_REDIS_PASSWORD_FILE: cannot read /nowhere"),
    ],
)  # fmt: skip
def test_errors(tmp_path: Path, yaml: str, environ: dict[str, str], words: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(yaml)
    with pytest.raises(SettingsError) as error:
        load_settings(conf_file=path, environ=environ)
    assert words in str(error.value)
    assert error.value.exit_status == 2


def test_a_file_that_is_no_text_of_settings(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=f"{tmp_path} cannot be read: Is a directory"):
        load_settings(conf_file=tmp_path, environ={})
    (tmp_path / "latin.yaml").write_bytes("timezone: UTC\n# S\u00e3o Paulo\n".encode("cp1252"))
    with pytest.raises(SettingsError, match=r"latin\.yaml is not UTF-8 text: line 2"):
        load_settings(conf_file=tmp_path / "latin.yaml", environ={})
