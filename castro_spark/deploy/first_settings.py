"""The settings file that `init` writes: few answers, and what Hadoop's own configuration says, as YAML with comments.

Pure: texts in, text out. It holds no secrets.
"""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass

from castro_spark.hadoop.conf import Address, HadoopConf

_POSTGRES_PORT, _REDIS_PORT, _KAFKA_PORT = 5432, 6379, 9092
FOLDER = "/castro_spark"  # on the cluster's default file system
_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9.])?")
_DIGITS = re.compile(r"[0-9]{1,5}")
_MOST_PORT = 65535


@dataclass(frozen=True)
class Answers:
    """What Hadoop's configuration does not say. Addresses as `kafka_servers`, `postgres_dsn`, `redis_url` give them."""

    kafka: str
    postgres: str
    redis: str
    timezone: str
    archive: bool
    kafka_security: str = "PLAINTEXT"
    principal: str | None = None  # with Kerberos
    keytab: str | None = None


def kafka_servers(text: str) -> str:
    """host[:port],...: each with a port. Raises ValueError, as the two below, if it is no such thing."""
    places = [_place(word, _KAFKA_PORT) for word in text.split(",")]
    return ",".join(f"{host}:{port}" for host, port in places)


def postgres_dsn(text: str) -> str:
    """host[:port], or a libpq connection string as it is."""
    if "=" in text or "://" in text:
        return text
    host, port = _place(text, _POSTGRES_PORT)
    return f"host={host} port={port} dbname=inventory_ml user=castro"


def redis_url(text: str) -> str:
    """host[:port], or a URL as it is."""
    if "://" in text:
        return text
    host, port = _place(text, _REDIS_PORT)
    return f"redis://{host}:{port}/1"


def _place(text: str, port: int) -> Address:
    """host[:port]: a name or an IPv4 address."""
    name, colon, given = text.strip().partition(":")
    if not _HOST.fullmatch(name) or (colon and not (_DIGITS.fullmatch(given) and 0 < int(given) <= _MOST_PORT)):
        raise ValueError(f"{text.strip()!r} is not host or host:port")
    return name, int(given) if colon else port


def settings_text(answers: Answers, hadoop: HadoopConf) -> str:
    """The file's text, over conf/base.yaml."""
    folder = f"{hadoop.default_fs.rstrip('/')}{FOLDER}"
    archive = _quoted(f"{folder}/archive") if answers.archive else "null           # unset: no archive"
    return f"""\
# Settings of castro_spark for this cluster, over conf/base.yaml, which explains every key.
# Made from {", ".join(str(path) for path in hadoop.folders)}:
#   name node         {_places(hadoop.name_nodes())}
#   resource manager  {_places(hadoop.resource_managers())}
#   metastore         {_places(hadoop.metastores())}
#   authentication    {hadoop.authentication}
# Hadoop's addresses stay there (HADOOP_CONF_DIR); only the folders below name the file system.
# No secrets here: CASTRO_POSTGRES_PASSWORD, CASTRO_REDIS_PASSWORD, CASTRO_KAFKA_SASL_PASSWORD, or each with _FILE.
timezone: {_quoted(answers.timezone)}

kafka:
  bootstrap_servers: {_quoted(answers.kafka)}
{_kafka_security(answers.kafka_security, hadoop)}
{_kerberos(answers)}
postgres:
  dsn: {_quoted(answers.postgres)}
  # ca_file: /path/of/the/authority.pem   # TLS, and the server's certificate is verified: docs/security.md
  connect_timeout_seconds: 30

redis:
  url: {_quoted(answers.redis)}   # with TLS: rediss://
  timeout_seconds: 30

checkpoint_dir: {_quoted(f"{folder}/checkpoints")}
archive:
  dir: {archive}
  max_offsets_per_trigger: 500000
  parallel_tasks: 4

# Sizes: docs/sizing.md.
streaming:
  max_offsets_per_trigger: 1000000
  max_batch_bytes: 268435456

# streams:
#   inventory: {{topic: castrolanda.inventory.updates, partitions: 12}}
# warehouse.tables: the Hive tables and their columns, as in conf/base.yaml
"""


def _kafka_security(protocol: str, hadoop: HadoopConf) -> str:
    if protocol == "PLAINTEXT":
        return "  # options: {security.protocol: SASL_SSL, ...}: docs/cluster.md\n"
    options = {"security.protocol": protocol}
    if protocol.startswith("SASL") and hadoop.authentication == "kerberos":
        options |= {"sasl.mechanism": "GSSAPI", "sasl.kerberos.service.name": "kafka"}
    rows = "".join(f"    {name}: {value}\n" for name, value in options.items())
    if protocol.startswith("SASL") and hadoop.authentication != "kerberos":
        rows += "    sasl.mechanism: SCRAM-SHA-512   # or PLAIN; set CASTRO_KAFKA_SASL_USERNAME and ..._PASSWORD\n"
    if protocol.endswith("SSL"):
        rows += "  # ca_file: /path/of/the/authority.pem   # docs/security.md\n"
    return f"  options:\n{rows}"


def _kerberos(answers: Answers) -> str:
    if answers.principal is None:
        return "kerberos:\n  method: simple\n"
    keytab = _quoted(answers.keytab) if answers.keytab else "null   # unset: the ticket cache of whoever starts the job"
    return f"kerberos:\n  method: kerberos\n  principal: {_quoted(answers.principal)}\n  keytab: {keytab}\n"


def next_steps(file: str, answers: Answers, hadoop: HadoopConf, conf_dir: str) -> list[str]:
    """The commands that come next."""
    job = f"--env cluster --conf-file {shlex.quote(file)}"
    steps = [
        f"export HADOOP_CONF_DIR={shlex.quote(conf_dir)}",
        "export CASTRO_POSTGRES_PASSWORD_FILE=... CASTRO_REDIS_PASSWORD_FILE=...   # where they have passwords",
    ]
    if answers.kafka_security.startswith("SASL") and hadoop.authentication != "kerberos":
        steps.append("export CASTRO_KAFKA_SASL_USERNAME=... CASTRO_KAFKA_SASL_PASSWORD_FILE=...")
    return [
        *steps,
        f"./spark-submit.sh package --stage {hadoop.default_fs.rstrip('/')}{FOLDER}/stage",
        f"./spark-submit.sh migrate {job}",
        f"./spark-submit.sh validate {job}",
        f"./spark-submit.sh stream {job}",
    ]


def _places(addresses: tuple[tuple[str, int], ...]) -> str:
    return ", ".join(f"{host}:{port}" for host, port in addresses) or "none named"


def _quoted(text: str) -> str:
    """A YAML scalar: JSON's strings are YAML's."""
    return json.dumps(text, ensure_ascii=False)
