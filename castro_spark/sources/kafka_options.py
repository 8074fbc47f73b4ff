"""Options of Kafka's clients: the plain ones, and how the secret ones reach the clients.

The driver's own clients (administration) get them as they are. Spark's readers get them as options of a plan, which
goes to the executors and may be shown; so where a file can be read there, the plan has only references to it
(`${castro:/path:name}`), which Kafka's client resolves where it runs (its FileConfigProvider):

- with a local master, a file in memory that this process has open, and nobody but its user can read;
- with kafka.options_file_on_nodes, the options file itself, which lies at the same path on every node.

Else the values are in the plan: Spark hides them in its pages, event logs and plans (session.py), and it is its
transport (spark.network.crypto.enabled) that must hide them on their way.
"""

from __future__ import annotations

import os
import sys
import tempfile
from functools import cache
from typing import Any

from pyspark.sql import SparkSession

from castro_spark.properties_file import format_properties
from castro_spark.servers import KafkaSettings

_JAAS = "sasl.jaas.config"
_PROVIDER = "castro"
_MODULES = {
    "PLAIN": "org.apache.kafka.common.security.plain.PlainLoginModule",
    "SCRAM-SHA-256": "org.apache.kafka.common.security.scram.ScramLoginModule",
    "SCRAM-SHA-512": "org.apache.kafka.common.security.scram.ScramLoginModule",
}


def admin_options(settings: KafkaSettings) -> dict[str, str]:
    """Everything in clear, for a client in the driver's JVM."""
    return {**settings.options, **_secrets(settings), "bootstrap.servers": settings.bootstrap_servers}


def reader_options(spark: SparkSession, settings: KafkaSettings) -> dict[str, str]:
    """For Spark's readers: secrets as references wherever those can be resolved."""
    plain = {**settings.options, "bootstrap.servers": settings.bootstrap_servers}
    secrets = _secrets(settings)
    if not secrets:
        return plain
    if settings.options_file_on_nodes:
        assert settings.options_file is not None
        path = settings.options_file
    elif _is_local(spark):
        path = _file_of(tuple(sorted(secrets.items())))
    else:
        return plain | secrets
    providers = [name for name in plain.get("config.providers", "").split(",") if name]
    return plain | {
        "config.providers": ",".join((*providers, _PROVIDER)),
        f"config.providers.{_PROVIDER}.class": "org.apache.kafka.common.config.provider.FileConfigProvider",
        **{name: f"${{{_PROVIDER}:{path}:{name}}}" for name in secrets},
    }


def jaas(mechanism: str, username: str, password: str) -> str:
    """The line of Kafka's login configuration for a user and a password."""
    return f"{_MODULES[mechanism]} required username={_quoted(username)} password={_quoted(password)};"


def _secrets(settings: KafkaSettings) -> dict[str, str]:
    found = {name: value.get_secret_value() for name, value in settings.secret_options.items()}
    if settings.sasl_username is not None and settings.sasl_password is not None:
        found[_JAAS] = jaas(settings.sasl_mechanism, settings.sasl_username, settings.sasl_password.get_secret_value())
    return found


def _quoted(text: str) -> str:
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r")):
        text = text.replace(plain, escaped)
    return f'"{text}"'


def _is_local(spark: SparkSession) -> bool:
    """Whether the tasks run in this process's JVM."""
    context: Any = spark.sparkContext
    return str(context.master).split("[")[0] == "local"


@cache
def _file_of(secrets: tuple[tuple[str, str], ...]) -> str:
    """A file with these, as Java's properties; it is gone when the process is."""
    text = format_properties(dict(secrets)).encode("ascii")
    if sys.platform == "linux":
        number = os.memfd_create("castro_kafka")
        os.write(number, text)
        return f"/proc/{os.getpid()}/fd/{number}"
    with tempfile.NamedTemporaryFile(prefix="castro_kafka", delete=False) as file:  # for its owner only
        file.write(text)
    return file.name
