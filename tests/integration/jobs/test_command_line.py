"""What a user of the command line meets before, without and after Spark."""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
from pathlib import Path

import pytest
from confluent_kafka.admin import AdminClient, NewTopic
from pyspark.errors import PySparkRuntimeError
from pyspark.sql import SparkSession

from castro_spark import cli
from castro_spark.local import Stack
from castro_spark.observe.status import Status, lines
from castro_spark.observe.status.blocks.stream_text import topic_lines
from castro_spark.observe.status.live import topics
from castro_spark.settings import load_settings
from castro_spark.streams import stream
from tests.builders import event, native
from tests.consumer import Consumer
from tests.system import ROOT, System

JOBS = sorted(path.stem for path in (ROOT / "jobs").glob("[a-z]*.py"))


@pytest.mark.parametrize("job", JOBS)
def test_usage_names_the_job_as_it_is_called(job: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = importlib.import_module(f"jobs.{job}").main
    assert cli.exit_status(command, ["--help"]) == 0
    assert capsys.readouterr().out.startswith(f"Usage: ./spark-submit.sh {job} [OPTIONS]")
    assert cli.exit_status(command, ["--no-such-option"]) == 2
    assert f"Try './spark-submit.sh {job} --help'" in capsys.readouterr().err


def test_a_reader_that_leaves_early_changes_nothing_of_the_work(stack: Stack, tmp_path: Path) -> None:
    system = System(stack, tmp_path)
    for words, status in ((["--skip-topics"], 0), (["--no-such-option"], 2)):
        read, write = os.pipe()
        os.close(read)
        command = [str(ROOT / "spark-submit.sh"), "migrate", *words, "--conf-file", str(system.conf)]
        done = subprocess.run(command, check=False, env=system.env, stdout=write, stderr=subprocess.PIPE, text=True, timeout=60)
        os.close(write)
        assert done.returncode == status, done.stderr
        if not status:
            assert [line for line in done.stderr.splitlines() if "output: the pipe was closed" in line] == [done.stderr.strip()]
    assert system.query("SELECT count(DISTINCT stream) FROM castro_migrations.applied") == [(4,)]
    assert system.query("SELECT to_regclass('ml_product_master') IS NOT NULL") == [(True,)]  # after its first line
    # stderr too, and a disk that is full: that one is no success.
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*command[:2], "--skip-topics", *command[-2:]], check=False, env=system.env, stdout=full, stderr=full, timeout=60
        )
    assert done.returncode == 1
    system.end()


def test_status_of_what_is_stored_needs_no_spark(stack: Stack, tmp_path: Path) -> None:
    system = System(stack, tmp_path, streams=("inventory", "procurement", "sales"))

    def no_spark() -> SparkSession:
        raise PySparkRuntimeError("no java")

    def gathered(*names: str) -> tuple[Status, str]:
        status = Status(load_settings(conf_file=system.conf, environ=system.env), [stream(name) for name in names])
        text = [line for kind, part in status.stored() for line in lines(kind, part)]
        text += [line for part in topics(status, no_spark) for line in topic_lines(part)]
        json.dumps(status.document, default=str)
        return status, "\n".join(text)

    status, text = gathered("inventory", "sales")  # nothing is migrated
    assert status.failed
    for part in status.document["streams"]:
        assert re.search(r"^PostgreSQL: relation \"castro\.\w+\" does not exist", part["error"])
    assert "what to do: run ./spark-submit.sh migrate" in text
    system.migrate(topics=False)
    consumer = Consumer(system)
    consumer.consume(0, [(0, 0, native(event())), (0, 1, b"{")], by_executors=False, twice=False)
    consumer.close()
    status, text = gathered("inventory", "sales")
    assert "  committed   revision 1 at" in text
    assert f"sales: topic {system.topics['sales']}, never started" in text
    assert "product_360: 0 products, 1 to refresh" in text
    assert text.count("ERROR       Spark does not start") == 2
    inventory, sales = status.document["streams"]
    assert (inventory["revision"], inventory["quarantined"], inventory["lag"]) == (1, {"not_json": 1}, None)
    assert inventory["redis"].items() >= {"reachable": True, "revision": 1, "up_to_date": True}.items()
    assert sales["started"] is False
    assert "no java" in sales["error"]

    system.env["CASTRO_REDIS_URL"] = "redis://127.0.0.1:1/1"
    status, text = gathered("inventory")
    away = status.document["streams"][0]["redis"]
    assert away["reachable"] is False
    assert away["error"] in text
    assert status.document["product_360"]["products"] == 0

    system.env["CASTRO_POSTGRES_DSN"] = "host=127.0.0.1 port=1 dbname=x user=x"
    status, text = gathered("inventory", "sales")
    assert status.failed
    assert text.count("ERROR       PostgreSQL: connection to server") == 1
    blocks = {"streams", "product_360", "critical", "warehouse", "quality", "components", "commands", "alerts",
              "retraining"}
    assert set(status.document) == blocks
    assert all("error" in part for part in [*status.document["streams"], status.document["product_360"], *status.document["warehouse"]])
    system.end()


def test_one_topics_error_hides_nothing(stack: Stack, tmp_path: Path) -> None:
    system = System(stack, tmp_path, streams=("inventory", "procurement", "sales"))
    system.migrate(topics=False)
    consumer = Consumer(system)
    consumer.close()
    missing = system.topics["procurement"]
    broker = AdminClient({"bootstrap.servers": system.env["CASTRO_KAFKA_BOOTSTRAP_SERVERS"]})
    new = [NewTopic(topic, 3, 1) for topic in system.topics.values() if topic != missing]
    for created in broker.create_topics(new).values():
        created.result(30)
    output = system.job("status", "--live", status=1)
    assert f"ERROR       there is no topic {missing} at" in output
    assert "what to do: create it: ./spark-submit.sh migrate" in output
    assert "  lag         0 records {0: 0, 1: 0, 2: 0}" in output  # of a topic before it
    assert output.rindex("ml_purchases: never extracted") < output.rindex("lag  ")
    output = system.job("validate", status=1)
    failed = [line for line in output.splitlines() if " failed " in line]
    assert [line.split()[:5] for line in failed] == [["read", "topic", "of", "procurement", missing]]
    assert output.splitlines()[-1].endswith(" ok, 1 failed")
    system.end()
