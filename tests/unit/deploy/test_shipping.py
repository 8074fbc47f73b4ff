"""What goes to the cluster's nodes, and what does not: archives, settings, secrets."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import trustme

from castro_spark import properties_file
from castro_spark.deploy import arguments, artefact, submit
from castro_spark.deploy.shipping import checkable, ship
from castro_spark.errors import SettingsError
from castro_spark.process import output
from castro_spark.resources import resource
from castro_spark.settings import load_settings
from tests.system import ROOT

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
    mine = tmp_path / "mine.yaml"
    mine.write_text("kafka: {options_file_on_nodes: true}")
    load_settings(conf_file=mine, environ=checkable(environ))
    with pytest.raises(SettingsError, match="cannot read /nowhere: No such file"):
        ship({"CASTRO_REDIS_PASSWORD_FILE": "/nowhere"}, [], tmp_path)


def test_a_secret_on_hdfs_is_read_where_a_job_runs_beside_the_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = {"CASTRO_REDIS_PASSWORD_FILE": "hdfs://n/secret"}
    mine = tmp_path / "mine.yaml"
    mine.touch()
    login = {"CASTRO_KERBEROS_METHOD": "kerberos", "CASTRO_KERBEROS_KEYTAB": "/nowhere", "KRB5_CONFIG": str(mine)}
    with pytest.raises(SettingsError, match="kerberos: Value error, keytab: principal must name"):
        load_settings(conf_file=mine, environ={**secret, **login})
    with pytest.raises(SettingsError, match=r"kerberos\.keytab: cannot read /nowhere: No such file"):  # it is read by that
        load_settings(conf_file=mine, environ={**secret, **login, "CASTRO_KERBEROS_PRINCIPAL": "a@B"})
    environ = {**secret, "CASTRO_KERBEROS_METHOD": "simple"}
    monkeypatch.delenv("SPARK_HOME", raising=False)
    with pytest.raises(SettingsError, match=r"CASTRO_REDIS_PASSWORD_FILE: cannot read hdfs://n/secret: HDFS: SPARK_HOME is not set"):
        load_settings("cluster", environ=environ)
    shell = tmp_path / "bin" / "spark-class"
    shell.parent.mkdir()
    shell.write_text(f'#!/bin/sh\n[ "$2 $3" = "-cat hdfs://n/secret" ] && echo {CANARY}\n')
    shell.chmod(0o700)
    monkeypatch.setenv("SPARK_HOME", str(tmp_path))
    password = load_settings("cluster", environ=environ).redis.password
    assert password is not None
    assert password.get_secret_value() == CANARY
    with pytest.raises(SettingsError, match="is HADOOP_CONF_DIR set"):
        load_settings("cluster", environ={**environ, "CASTRO_REDIS_PASSWORD_FILE": "hdfs://n/other"})


def test_the_nodes_path_of_kafkas_options_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Absolute, but for a file that YARN has put into each container's own folder."""
    monkeypatch.chdir(tmp_path)
    mine, options = tmp_path / "mine.yaml", tmp_path / "options"
    mine.write_text("kafka: {options_file_on_nodes: true}")
    options.write_text("a=b\n")
    (tmp_path / "variables").write_text("CASTRO_KAFKA_OPTIONS_FILE=options\n")
    for environ, expected in (
        ({"CASTRO_KAFKA_OPTIONS_FILE": "options"}, str(options)),
        ({"CASTRO_KAFKA_OPTIONS_FILE": f"local:{options}"}, str(options)),
        ({"CASTRO_VARIABLES_FILE": "variables"}, "options"),
    ):
        assert load_settings(conf_file=mine, environ=environ).kafka.options_file == expected
    shell = tmp_path / "bin" / "spark-class"
    shell.parent.mkdir()
    shell.write_text("#!/bin/sh\necho a=b\n")
    shell.chmod(0o700)
    monkeypatch.setenv("SPARK_HOME", str(tmp_path))
    with pytest.raises(SettingsError, match="options_file_on_nodes: the executors read CASTRO_KAFKA_OPTIONS_FILE by its path"):
        load_settings(conf_file=mine, environ={"CASTRO_KAFKA_OPTIONS_FILE": "hdfs://n/options"})


def test_options_are_read_as_the_job_reads_them() -> None:
    words = ["--stream", "sales", "--env=cluster", "--stream=inventory", "--conf-file", "a b"]
    assert submit._values(words, "--stream") == ["sales", "inventory"]
    assert submit._values(words, "--env") == ["cluster"]
    assert submit._values(words, "--conf-file") == ["a b"]


def spark_settings(job: str, *options: str) -> dict[str, str]:
    """What spark-submit.sh gives a job on YARN: conf/spark-cluster.conf, and over it the arguments for this job."""
    lines = [line.split(None, 1) for line in resource("conf/spark-cluster.conf").read_text().splitlines()]
    return {line[0]: line[1] for line in lines if line and line[0].startswith("spark.")} | arguments.attempts(job, options)


@pytest.mark.parametrize(("job", "options", "attempts"), [
    ("stream", (), "4"), ("stream", ("--stream", "sales"), "4"), ("stream", ("--available-now",), "1"), ("extract", ("--mode", "full"), "1"),
    ("extract", ("--mode", "incremental", "--every", "5m"), "4"), ("extract", ("--every=5m", "--help"), "1"),
])  # fmt: skip
def test_a_stream_outlives_lost_containers(job: str, options: tuple[str, ...], attempts: str) -> None:
    settings = spark_settings(job, *options)
    assert settings["spark.yarn.maxAppAttempts"] == attempts
    assert settings.get("spark.yarn.am.attemptFailuresValidityInterval") == ("1h" if attempts == "4" else None)
    # An executor that dies once a week must not end it, one that dies at once must.
    assert settings["spark.executor.maxNumFailures"] == "16"
    assert settings["spark.executor.failuresValidityInterval"] == "1h"
    assert settings["spark.dynamicAllocation.enabled"] == "false"


def test_containers_roll_their_logs_and_yarn_takes_the_rolled_ones() -> None:
    settings, name = spark_settings("stream"), "log4j2-yarn.properties"
    option = f"-Dlog4j2.configurationFile={arguments.CONF}/{name}"
    for java in (settings["spark.executor.extraJavaOptions"], submit._JAVA):
        assert option in java.split()
    assert f"spark.yarn.am.extraJavaOptions={option}" in (ROOT / "spark-submit.sh").read_text()
    log = properties_file.parse(resource(f"conf/{name}").read_text())
    kept = int(log["appender.rolling.strategy.max"])
    assert (log["appender.rolling.policies.size.size"], kept) == ("10MB", output._OLD_LOGS)
    assert output._LOG_BYTES == 10_000_000
    rolled = re.compile(settings["spark.yarn.rolledLog.includePattern"])
    files = {log["appender.rolling.fileName"].rpartition("/")[2], output.JOB_LOG, "stdout", "stderr"}
    assert [file for file in files if rolled.fullmatch(file)] == []  # they are being written
    pattern = log["appender.rolling.filePattern"].rpartition("/")[2]
    assert all(rolled.fullmatch(file) for file in (pattern.replace("%i", "9"), f"{output.JOB_LOG}.1"))
    client = properties_file.parse(resource("conf/log4j2.properties").read_text())
    quiet = {k: v for k, v in client.items() if k.startswith("logger.")}
    own = {k: v for k, v in log.items() if k.startswith("logger.") and not k.startswith("logger.master.")}
    assert own == quiet
    assert log["logger.master.appenderRef.stderr.ref"] == "stderr"  # else no job's own exit status reaches its caller


def test_a_driver_on_yarn_rolls_its_log_and_stderr_with_it(tmp_path: Path) -> None:
    code = (
        "import logging, os, sys\n"
        "from castro_spark.process import logs, output\n"
        "output._LOG_BYTES = 1000\n"
        "output.job_log(); logs.log_as_text(logging.INFO)\n"
        "for n in range(60):\n"
        "    logging.info('line %d', n); print('other', n, file=sys.stderr)\n"
        "os.write(2, b'the end')\n"
    )
    env = os.environ | {"CASTRO_VARIABLES_FILE": "x", "LOG_DIRS": f"{tmp_path},/second"}
    done = subprocess.run([sys.executable, "-c", code], check=True, env=env, capture_output=True)
    assert (done.stdout, done.stderr) == (b"", b"")
    logs = sorted(path.name for path in tmp_path.iterdir())
    assert "job.log.2" in logs
    assert len(logs) <= 1 + output._OLD_LOGS
    assert (tmp_path / "job.log").read_text().endswith("other 59\nthe end")
    assert re.search(r"^\d{4}-\d\d-\d\d [\d:]{8} INFO    line 58$", (tmp_path / "job.log").read_text(), re.MULTILINE)


class Answers:
    """In place of the job `stop`: what it prints and returns; and of YARN's client."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, status: int, *answers: dict[str, object]) -> None:
        self.asked: list[list[str]] = []
        self.killed: list[str] = []
        self.status, self.text = status, json.dumps(list(answers)) if answers else ""
        monkeypatch.setattr(submit.subprocess, "run", self.run)
        monkeypatch.setattr(submit, "kill", lambda application, _: self.killed.append(application))

    def run(self, command: list[str], **_: object) -> subprocess.CompletedProcess[str]:
        self.asked.append(command[3:])
        return subprocess.CompletedProcess(command, self.status, self.text)


def answer(stopped: bool, words: str) -> dict[str, object]:
    return {"stream": "inventory", "stopped": stopped, "words": words}


@pytest.mark.parametrize(("status", "answers", "killed", "again"), [
    (0, [answer(True, "stopped at revision 3")], False, False),
    (1, [answer(False, "not stopped after 60 s (taken)")], False, True),
    (1, [], False, True),  # PostgreSQL does not answer
    (0, [answer(True, "not running")], True, False),  # it has not begun yet: the command would miss it
    (1, [answer(False, "no heartbeat from node-1 pid 7 for 40 s: end that process")], True, False),  # of an earlier application
    (2, [], True, False),  # a secret that is on the nodes only
])  # fmt: skip
def test_a_signal_ends_a_stream_in_one_way_or_another(
    monkeypatch: pytest.MonkeyPatch, status: int, answers: list[dict[str, object]], killed: bool, again: bool
) -> None:
    stops = Answers(monkeypatch, status, *answers)
    submission = submit.Submission(Path("stream.py"), ["--env", "cluster", "--stream", "inventory", "--json"])
    submission.application = "application_1_0001"
    submission._stop()
    assert stops.asked == [["--stream", "inventory", "--env", "cluster"]]
    assert stops.killed == (["application_1_0001"] if killed else [])
    submission._stop()
    assert len(stops.asked) == (2 if again else 1)


def test_a_signal_kills_other_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    stops = Answers(monkeypatch, 0)
    submission = submit.Submission(Path("extract.py"), [])
    submission.application = "application_1_0001"
    submission._stop()
    assert (stops.asked, stops.killed) == ([], ["application_1_0001"])
