"""Options of Kafka's clients, and how secret options reach the clients.

The driver's own clients (administration) get the values. Spark's readers get them as options of a plan, which is sent
to the executors and may be displayed. So if the executors can read a file with the secrets, the plan contains only
references to it (`${castro:/path:name}`), which the Kafka client resolves where it runs (FileConfigProvider):

- with a local master: an in-memory file that this process holds open and only its user can read (private_file);
- with kafka.options_file_on_nodes: the options file itself, at the same path on every node.

With Kerberos (GSSAPI) there is no secret in the options: each JVM reads its own copy of the keytab, whose path is in
its environment (kerberos/login.py).

Otherwise the values are in the plan: Spark redacts them in its UI, event logs and plans (session.py), and its transport
encryption (spark.network.crypto.enabled) must protect them on the network.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pyspark.sql import SparkSession

from castro_spark.properties_file import format_properties
from castro_spark.sections.servers import KAFKA_KEYTAB, KafkaSettings
from castro_spark.security.private_file import private_file

_JAAS = "sasl.jaas.config"
_PROVIDER = "castro"
_ENVIRONMENT = "castro_environment"
_MODULES = {
    "PLAIN": "org.apache.kafka.common.security.plain.PlainLoginModule",
    "SCRAM-SHA-256": "org.apache.kafka.common.security.scram.ScramLoginModule",
    "SCRAM-SHA-512": "org.apache.kafka.common.security.scram.ScramLoginModule",
}


def admin_options(settings: KafkaSettings) -> dict[str, str]:
    """All options in clear text, for a client in the driver's JVM."""
    return {**_plain(settings), **_secrets(settings)}


def reader_options(spark: SparkSession, settings: KafkaSettings) -> dict[str, str]:
    """Options for Spark's readers: secrets are references where the readers can resolve them."""
    plain = _plain(settings)
    secrets = _secrets(settings)
    if not secrets:
        return plain
    if settings.options_file_on_nodes:
        assert settings.options_file is not None
        path = settings.options_file
    elif _is_local(spark):
        path = private_file("castro_kafka", format_properties(dict(sorted(secrets.items()))))
    else:
        return plain | secrets
    references = {name: f"${{{_PROVIDER}:{path}:{name}}}" for name in secrets}
    return plain | _provider(plain, _PROVIDER, "FileConfigProvider") | references


def jaas(mechanism: str, username: str, password: str) -> str:
    """The value of sasl.jaas.config for a user and a password."""
    return f"{_MODULES[mechanism]} required username={_quoted(username)} password={_quoted(password)};"


def _plain(settings: KafkaSettings) -> dict[str, str]:
    """The options without secrets; with Kerberos also the login.

    The authority's certificates are an option, so that the executors need no file of them.
    """
    trust = {"ssl.truststore.type": "PEM", "ssl.truststore.certificates": settings.ca_certificates}
    plain = {
        **settings.options,
        **{name: value for name, value in trust.items() if settings.ca_certificates and value},
        "bootstrap.servers": settings.bootstrap_servers,
    }
    if not settings.logs_in_by_keytab or settings.kerberos_principal is None:
        return plain
    keytab = f'"${{{_ENVIRONMENT}:{KAFKA_KEYTAB}}}"'  # Kafka's client replaces the reference where it runs
    login = (
        "com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true storeKey=true useTicketCache=false"
        f" keyTab={keytab} principal={_quoted(settings.kerberos_principal)};"
    )
    return {
        "sasl.kerberos.service.name": "kafka",
        **plain,
        **_provider(plain, _ENVIRONMENT, "EnvVarConfigProvider"),
        _JAAS: login,
    }


def _provider(plain: Mapping[str, str], name: str, kind: str) -> dict[str, str]:
    """Options that add a provider of values to those there are."""
    others = [other for other in plain.get("config.providers", "").split(",") if other]
    return {
        "config.providers": ",".join((*others, name)),
        f"config.providers.{name}.class": f"org.apache.kafka.common.config.provider.{kind}",
    }


def _secrets(settings: KafkaSettings) -> dict[str, str]:
    secrets = {name: value.get_secret_value() for name, value in settings.secret_options.items()}
    if settings.sasl_username is not None and settings.sasl_password is not None:
        password = settings.sasl_password.get_secret_value()
        secrets[_JAAS] = jaas(settings.sasl_mechanism, settings.sasl_username, password)
    return secrets


def _quoted(text: str) -> str:
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r")):
        text = text.replace(plain, escaped)
    return f'"{text}"'


def _is_local(spark: SparkSession) -> bool:
    """Whether the tasks run in the driver's JVM."""
    context: Any = spark.sparkContext
    return str(context.master).split("[")[0] == "local"
