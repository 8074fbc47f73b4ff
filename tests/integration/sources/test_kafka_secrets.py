"""Kafka's secrets are in no plan, and reach its clients all the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from castro_spark.settings import load_settings
from castro_spark.sources.kafka import options as kafka_options
from castro_spark.sources.kafka import records as kafka

CANARY = 'c4n4ry "q\\ ${castro:a:b}é'
CONF = "kafka: {sasl_username: u, options: {security.protocol: SASL_PLAINTEXT, sasl.mechanism: PLAIN}}"


@pytest.mark.parametrize("local", [True, False])
def test_no_plan_shows_them(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, local: bool) -> None:
    """Where the tasks may not see this process's files, the values are in the plan, and Spark hides them."""
    monkeypatch.setattr(kafka_options, "_is_local", lambda _: local)
    (tmp_path / "mine.yaml").write_text(CONF)
    (tmp_path / "options").write_text("ssl.keystore.key=c4n4ry-key\n")
    settings = load_settings(
        conf_file=tmp_path / "mine.yaml",
        environ={"CASTRO_KAFKA_SASL_PASSWORD": CANARY, "CASTRO_KAFKA_OPTIONS_FILE": str(tmp_path / "options")},
    )
    options = kafka_options.reader_options(spark, settings.kafka)
    assert ("c4n4ry" in str(options)) is not local
    rows = kafka.read_stream(spark, settings.kafka, "t", {0: 0}, 10)
    assert "c4n4ry" not in rows._jdf.queryExecution().toString()
    if local:  # Kafka's own reading of the reference, with everything that has to be escaped
        jvm = spark.sparkContext._jvm
        provider = jvm.org.apache.kafka.common.config.provider.FileConfigProvider()
        provider.configure(jvm.java.util.HashMap())
        path = options["sasl.jaas.config"].split(":")[1]
        resolved = provider.get(path).data()
        assert resolved["sasl.jaas.config"] == kafka_options.jaas("PLAIN", "u", CANARY)
        assert resolved["ssl.keystore.key"] == "c4n4ry-key"


def test_a_file_on_every_node_is_only_referred_to(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("kafka: {options_file_on_nodes: true, options: {config.providers: mine}}")
    (tmp_path / "options").write_text("ssl.keystore.key=c4n4ry\n")
    settings = load_settings(
        conf_file=tmp_path / "mine.yaml", environ={"CASTRO_KAFKA_OPTIONS_FILE": str(tmp_path / "options")}
    )
    options = kafka_options.reader_options(spark, settings.kafka)
    assert options["ssl.keystore.key"] == f"${{castro:{tmp_path}/options:ssl.keystore.key}}"
    assert options["config.providers"] == "mine,castro"
