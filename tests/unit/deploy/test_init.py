"""`init` writes a settings file that loads, holds no secret, and overwrites nothing; conf/cluster.yaml has the contract's defaults."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from castro_spark import cli
from castro_spark.jobs.init import main
from castro_spark.resources import resource
from castro_spark.settings import load_settings
from tests.environment import environment


@pytest.fixture
def hadoop(tmp_path: Path) -> dict[str, str]:
    folder = tmp_path / "hadoop"
    folder.mkdir()
    for name, properties in {
        "core-site": {"fs.defaultFS": "hdfs://nn.example:9000", "hadoop.security.authentication": "kerberos"},
        "yarn-site": {"yarn.resourcemanager.hostname": "rm.example"},
        "hive-site": {"hive.metastore.uris": "thrift://meta.example:9083"},
    }.items():
        rows = "".join(f"<property><name>{n}</name><value>{v}</value></property>" for n, v in properties.items())
        (folder / f"{name}.xml").write_text(f"<configuration>{rows}</configuration>")
    return {"HADOOP_CONF_DIR": str(folder)}


def run(env: Mapping[str, str], *arguments: str, answers: str = "") -> tuple[int, str]:
    output = io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patched,
        environment({**os.environ, **env}),
        redirect_stdout(output),
        redirect_stderr(output),
    ):
        patched.setattr("sys.stdin", io.StringIO(answers))
        status = cli.exit_status(main, arguments)
    return status, output.getvalue()


def test_the_file_loads_and_says_what_comes_next(hadoop: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    given = ["--kafka", "k1,k2:9093", "--postgres", "db.example", "--redis", "r.example", "--kafka-security", "SASL_SSL"]
    given += ["--principal", "inventory-ml@EXAMPLE"]
    status, output = run(hadoop, "--yes", "--out", str(file), *given)
    assert status == 0, output
    settings = load_settings(conf_file=file, environ={})
    assert settings.kafka.bootstrap_servers == "k1:9092,k2:9093"
    assert settings.kafka.options == {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "GSSAPI",
        "sasl.kerberos.service.name": "kafka",
    }
    assert settings.postgres.dsn == "host=db.example port=5432 dbname=inventory_ml user=castro"
    assert settings.redis.url == "redis://r.example:6379/1"
    assert settings.checkpoint_dir == "hdfs://nn.example:9000/castro_spark/checkpoints"
    assert settings.archive.dir == "hdfs://nn.example:9000/castro_spark/archive"
    assert settings.timezone == "America/Sao_Paulo"
    text = file.read_text()
    assert "# " + "  metastore         meta.example:9083" in text
    commands = [line.strip() for line in output.splitlines() if line.startswith("    ./spark-submit.sh")]
    job = f"--env cluster --conf-file {file}"
    assert commands == [
        "./spark-submit.sh package --stage hdfs://nn.example:9000/castro_spark/stage",
        f"./spark-submit.sh migrate {job}",
        f"./spark-submit.sh validate {job}",
        f"./spark-submit.sh stream {job}",
    ]
    assert (settings.kerberos.method, settings.kerberos.principal) == ("kerberos", "inventory-ml@EXAMPLE")
    assert settings.kerberos.keytab == "/etc/security/keytabs/inventory-ml.keytab"
    status, output = run(hadoop, "--yes", "--out", str(file), "--kafka", "other", *given[2:])
    assert (status, output.startswith(f"error: {file} exists")) == (2, True)
    assert file.read_text() == text


def test_it_asks_what_is_not_given(hadoop: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    status, output = run(hadoop, "--out", str(file), "--no-archive", answers="k:1\nhost=x password=pw\nhost=x user=y dbname=z\nr\nme@EXAMPLE\n")
    assert status == 0, output
    assert "must hold no password" in output
    settings = load_settings(conf_file=file, environ={})
    assert (settings.kafka.bootstrap_servers, settings.postgres.dsn) == ("k:1", "host=x user=y dbname=z")
    assert settings.archive.dir is None
    assert settings.kafka.options == {}
    assert settings.kerberos.principal == "me@EXAMPLE"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--yes"], "--kafka is not given"),
        (["--yes", "--kafka", "k", "--postgres", "p", "--redis", "redis://:pw@r"], "must hold no user and no password"),
        (["--yes", "--kafka", "k", "--postgres", "p", "--redis", "r", "--principal", "me@X", "--timezone", "Mars"], "timezone: Value error, must be an IANA"),
        (["--hadoop-conf", "/no/such/folder"], "HADOOP_CONF_DIR=/no/such/folder is no folder"),
    ],
)
def test_what_is_wrong_is_told_and_nothing_written(hadoop: dict[str, str], tmp_path: Path, arguments: list[str], words: str) -> None:
    status, output = run(hadoop, *arguments, "--out", str(tmp_path / "own.yaml"))
    assert status == 2
    assert words in output
    assert not (tmp_path / "own.yaml").exists()
    assert "pw" not in output


def test_without_hadoops_configuration(tmp_path: Path) -> None:
    status, output = run({"HADOOP_CONF_DIR": ""}, "--out", str(tmp_path / "own.yaml"), "--yes")
    assert (status, "HADOOP_CONF_DIR is not set" in output) == (2, True)


def test_the_clusters_defaults_are_the_contracts() -> None:
    settings = load_settings("cluster", environ={})
    assert settings.kafka.bootstrap_servers == "kafka.castrolanda.local:9092"
    assert settings.postgres.connect_timeout_seconds == settings.redis.timeout_seconds == 30
    assert settings.warehouse.retries == 3
    assert "dbname=inventory_ml" in settings.postgres.dsn
    assert settings.redis.url.endswith(":6379/1")
    assert (settings.kerberos.method, settings.kerberos.principal) == ("kerberos", "inventory-ml@CASTROLANDA.LOCAL")
    assert settings.checkpoint_dir.startswith("hdfs://namenode.castrolanda.local:9000/")
    assert settings.archive.folder("inventory").startswith("hdfs://namenode.castrolanda.local:9000/")
    assert settings.timezone == "America/Sao_Paulo"


def test_each_setting_of_the_contract_has_a_place_or_words() -> None:
    text = resource("conf/cluster.yaml").read_text() + resource("conf/spark-cluster.conf").read_text()
    for words in (
        "namenode.castrolanda.local:9000", "resourcemanager.castrolanda.local:8032", "hiveserver.castrolanda.local:10000",
        "kafka.castrolanda.local:9092", "inventory-ml@CASTROLANDA.LOCAL", "/etc/security/keytabs/inventory-ml.keytab",
        "timeout 30 s", "3 retries", "pool of 10", "consumer group", "inventory-ml-group",
    ):  # fmt: skip
        assert words in text


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--kafka", ""), ("--kafka", "k:abc"), ("--kafka", "k:99999"), ("--kafka", "k1,,k2"), ("--kafka", 'k"\n evil: 1'),
        ("--postgres", " "), ("--postgres", "p:x"), ("--postgres", "p:"), ("--redis", "r:0"), ("--redis", "r s"),
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused(hadoop: dict[str, str], tmp_path: Path, option: str, value: str) -> None:
    given = {"--kafka": "k", "--postgres": "p", "--redis": "r", "--principal": "x@Y", option: value}
    words = [word for pair in given.items() for word in pair]
    status, output = run(hadoop, "--yes", "--out", str(tmp_path / "own.yaml"), *words)
    assert status == 2
    assert f"Invalid value for '{option}'" in output
    assert "is not host or host:port" in output
    assert not (tmp_path / "own.yaml").exists()


def test_an_error_names_no_file_that_is_gone(hadoop: dict[str, str], tmp_path: Path) -> None:
    given = ["--kafka", "k", "--postgres", "p", "--redis", "r", "--principal", "x@Y", "--timezone", "Mars"]
    status, output = run(hadoop, "--yes", "--out", str(tmp_path / "own.yaml"), *given)
    assert status == 2
    assert output.endswith(
        "error: timezone: Value error, must be an IANA name such as America/Sao_Paulo\n"
        "  what to do: correct that answer; own.yaml was not written\n"
    )


def test_the_next_steps_can_be_pasted(hadoop: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "own settings.yaml"
    given = ["--kafka", "k", "--postgres", "p", "--redis", "r", "--principal", "x@Y"]
    _, output = run(hadoop, "--yes", "--out", str(file), *given)
    assert f"./spark-submit.sh migrate --env cluster --conf-file '{file}'\n" in output
