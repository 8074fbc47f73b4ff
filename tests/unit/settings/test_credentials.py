"""Secrets: refused where they must not stand, never repeated, never in what is shipped or shown."""

from __future__ import annotations

import pickle
from functools import cache
from pathlib import Path

import pytest
import trustme

from castro_spark.errors import SettingsError
from castro_spark.properties_file import format_properties, parse
from castro_spark.security.credentials import is_secret_option
from castro_spark.settings import load_settings
from castro_spark.sinks.redis.hashes import client
from castro_spark.sources.kafka.options import admin_options, jaas

CANARY = "c4n4ry"
SASL = "kafka: {sasl_username: u, options: {security.protocol: SASL_SSL, sasl.mechanism: SCRAM-SHA-512}}"


@pytest.mark.parametrize(
    ("yaml", "environ", "words"),
    [
        ("", {"CASTRO_REDIS_URL": f"redis://h/1?password={CANARY}"}, "CASTRO_REDIS_URL: redis.url: Value error, must hold no password"),
        ("", {"CASTRO_REDIS_URL": f"redis://h/1?db=2&PASS%57ORD={CANARY}"}, "must hold no password"),
        ("", {"CASTRO_REDIS_URL": f"rediss://h/1?ssl_password={CANARY}"}, "must hold no password"),
        ("", {"CASTRO_REDIS_URL": f"redis://:{CANARY}@h/1"}, "must hold no user and no password"),
        ("", {"CASTRO_REDIS_URL": f"redis://u%40x:{CANARY}@h/1"}, "must hold no user and no password"),
        ("", {"CASTRO_REDIS_URL": f"redis://h/1#{CANARY}"}, "no part after #"),
        ("", {"CASTRO_REDIS_URL": f"unix:///s?password={CANARY}"}, "must hold no password"),
        ("", {"CASTRO_REDIS_URL": f"redis://h:{CANARY}/1"}, "is no URL"),
        ("", {"CASTRO_REDIS_URL": f"http://{CANARY}/1"}, "must begin with redis://"),
        ("", {"CASTRO_REDIS_URL": "redis://h/1?username=u"}, "use redis.username"),
        (f"redis: {{url: 'redis://h/1?password={CANARY}'}}", {}, "must hold no password"),
        (f"redis: {{password: {CANARY}}}", {}, "redis.password: a settings file must not hold secrets"),
        (f"postgres: {{password: {CANARY}}}", {}, "CASTRO_POSTGRES_PASSWORD or CASTRO_POSTGRES_PASSWORD_FILE"),
        (f"kafka: {{sasl_password: {CANARY}}}", {}, "kafka.sasl_password: a settings file must not hold secrets"),
        (f"kafka: {{secret_options: {{a: {CANARY}}}}}", {}, "CASTRO_KAFKA_OPTIONS_FILE"),
        (f"kafka: {{options: {{ssl.keystore.password: {CANARY}}}}}", {}, "ssl.keystore.password holds a secret"),
        (f"kafka: {{options: {{sasl.jaas.config: 'x required password=\"{CANARY}\";'}}}}", {}, "sasl.jaas.config holds a secret"),
        ("", {"CASTRO_POSTGRES_DSN": f"host=h password={CANARY}"}, "postgres.dsn: Value error, must hold no password"),
        ("", {"CASTRO_POSTGRES_DSN": f"postgresql://u:{CANARY}@h/d"}, "must hold no password"),
        ("", {"CASTRO_POSTGRES_DSN": f"host=h password=two {CANARY}"}, "is no libpq connection string"),
        ("", {"CASTRO_POSTGRES_DSN": f"host=h sslpassword={CANARY}"}, "must hold no sslpassword"),
        (f"redis: {{password: {CANARY}: x}}", {}, "is not YAML: line 1"),
        (f"postgres: [{CANARY}]", {}, "postgres: Input should be"),
        (f"postgres: {{work_mem_mb: {CANARY}}}", {}, "postgres.work_mem_mb: Input should be"),
        ("", {"CASTRO_KAFKA_SASL_PASSWORD": CANARY}, "sasl_username and CASTRO_KAFKA_SASL_PASSWORD"),
        ("kafka: {sasl_username: u}", {}, "sasl_username and CASTRO_KAFKA_SASL_PASSWORD"),
        ("kafka: {sasl_username: u}", {"CASTRO_KAFKA_SASL_PASSWORD": CANARY}, "sasl.mechanism must be one of"),
        (
            "kafka: {sasl_username: u, options: {sasl.mechanism: PLAIN}}", {"CASTRO_KAFKA_SASL_PASSWORD": CANARY},
            "security.protocol must be SASL_SSL",
        ),
        ("", {"CASTRO_KAFKA_OPTIONS_FILE": "/nowhere"}, "CASTRO_KAFKA_OPTIONS_FILE: cannot read /nowhere"),
        ("", {"CASTRO_KAFKA_OPTIONS_FILE": "{tmp}/options"}, "options, line 2 is not name=value"),
        ("kafka: {options_file_on_nodes: true}", {}, "options_file_on_nodes"),
        ("redis: {ca_file: /nowhere}", {}, "mine.yaml: redis.ca_file: cannot read /nowhere"),
        ("", {"CASTRO_REDIS_CA_FILE": "{tmp}/options"}, "CASTRO_REDIS_CA_FILE: {tmp}/options has no certificate"),
        ("", {"CASTRO_REDIS_CA_FILE": "{tmp}/broken.pem"}, "broken.pem has a certificate that cannot be read"),
        ("", {"CASTRO_REDIS_CA_FILE": "{tmp}/ca.pem"}, "url must begin with rediss:// beside ca_file"),
        ("", {"CASTRO_KAFKA_CA_FILE": "{tmp}/ca.pem"}, "security.protocol must be SASL_SSL or SSL beside ca_file"),
        (
            "kafka: {options: {security.protocol: SSL, ssl.truststore.location: /t}}", {"CASTRO_KAFKA_CA_FILE": "{tmp}/ca.pem"},
            "ssl.truststore.location and ca_file exclude each other",
        ),
        (
            "", {"CASTRO_POSTGRES_CA_FILE": "{tmp}/ca.pem", "CASTRO_POSTGRES_DSN": "host=h sslmode=require"},
            "with sslmode=require nothing is verified by ca_file",
        ),
        (
            "", {"CASTRO_POSTGRES_CA_FILE": "{tmp}/ca.pem", "CASTRO_POSTGRES_DSN": "host=h sslrootcert=/x"},
            "sslrootcert and ca_file exclude each other",
        ),
    ],
)  # fmt: skip
def test_refused_and_not_repeated(tmp_path: Path, yaml: str, environ: dict[str, str], words: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(yaml)
    (tmp_path / "options").write_text(f"# of Kafka\n{CANARY}\n")
    (tmp_path / "ca.pem").write_text(authority())
    (tmp_path / "broken.pem").write_text(authority().replace("MI", "IM", 1))
    environ = {name: value.replace("{tmp}", str(tmp_path)) for name, value in environ.items()}
    with pytest.raises(SettingsError) as error:
        load_settings(conf_file=path, environ=environ)
    assert words.replace("{tmp}", str(tmp_path)) in str(error.value)
    assert CANARY not in repr(error.value) + str(error.value)


def test_the_authoritys_certificate_travels_and_nothing_else_of_its_file(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text(f"-----BEGIN PRIVATE KEY-----\n{CANARY}\n-----END PRIVATE KEY-----\n{authority()}")
    (tmp_path / "mine.yaml").write_text(f"kafka: {{ca_file: {tmp_path}/ca.pem, options: {{security.protocol: SSL}}}}")
    settings = load_settings(
        conf_file=tmp_path / "mine.yaml",
        environ={
            "CASTRO_POSTGRES_CA_FILE": str(tmp_path / "ca.pem"), "CASTRO_POSTGRES_DSN": "host=h sslmode=verify-ca",
            "CASTRO_REDIS_CA_FILE": str(tmp_path / "ca.pem"), "CASTRO_REDIS_URL": "rediss://h/1",
        },
    )  # fmt: skip
    (tmp_path / "ca.pem").unlink()  # as on an executor
    options = admin_options(settings.kafka)
    assert (options["ssl.truststore.type"], options["ssl.truststore.certificates"]) == ("PEM", authority())
    trust = pickle.loads(pickle.dumps(settings.postgres)).trust()
    assert Path(trust["sslrootcert"]).read_text() == authority()
    assert "sslmode" not in trust  # the DSN's
    connection = client(settings.redis).get_connection_kwargs()
    assert (connection["ssl_ca_data"], connection["ssl_check_hostname"], connection["ssl_cert_reqs"]) == (authority(), True, "required")


@cache
def authority() -> str:
    """A certificate, as text."""
    return trustme.CA().cert_pem.bytes().decode()


def test_masked_and_not_shipped(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(f"{SASL}\npostgres: {{executor_password_file: {tmp_path}/on_node}}\nredis: {{username: r}}")
    (tmp_path / "kafka").write_text(f"# secrets\nssl.key.password = {CANARY}5\n")
    settings = load_settings(
        conf_file=tmp_path / "mine.yaml",
        environ={
            "CASTRO_POSTGRES_PASSWORD": f"{CANARY}1", "CASTRO_REDIS_PASSWORD": f"{CANARY}2",
            "CASTRO_KAFKA_SASL_PASSWORD": f"{CANARY}3", "CASTRO_KAFKA_OPTIONS_FILE": str(tmp_path / "kafka"),
        },
    )  # fmt: skip
    assert CANARY not in repr(settings) + str(settings) + settings.model_dump_json() + repr(client(settings.redis))
    assert CANARY.encode() not in pickle.dumps(settings.postgres)
    (tmp_path / "on_node").write_text("of the node\n")
    assert settings.postgres.secret() == f"{CANARY}1"
    assert pickle.loads(pickle.dumps(settings.postgres)).secret() == "of the node"
    options = admin_options(settings.kafka)
    assert options["ssl.key.password"] == f"{CANARY}5"
    assert options["sasl.jaas.config"].endswith(f'ScramLoginModule required username="u" password="{CANARY}3";')
    assert client(settings.redis).get_connection_kwargs()["username"] == "r"


def test_a_password_is_quoted_for_jaas() -> None:
    assert jaas("PLAIN", "u", 'a"b\\c;\n') == (
        'org.apache.kafka.common.security.plain.PlainLoginModule required username="u" password="a\\"b\\\\c;\\n";'
    )


@pytest.mark.parametrize(
    ("name", "value", "secret"),
    [
        ("ssl.truststore.password", "x", True),
        ("ssl.keystore.key", "-----BEGIN", True),
        ("sasl.oauthbearer.client.credentials.client.secret", "x", True),
        ("basic.auth.user.info", "u:p", True),
        ("ssl.keystore.password", "${file:/etc/k:p}", False),
        ("sasl.jaas.config", 'M required password="${file:/etc/k:p}";', False),
        ("sasl.jaas.config", "M required clientSecret = x;", True),
        ("sasl.jaas.config", 'com.sun.security.auth.module.Krb5LoginModule required useKeyTab=true keyTab="/k" principal="p";', False),
        ("ssl.keystore.location", "/k", False),
        ("sasl.oauthbearer.token.endpoint.url", "https://h", False),
        ("security.protocol", "SSL", False),
    ],
)  # fmt: skip
def test_which_options_are_secret(name: str, value: str, secret: bool) -> None:
    assert is_secret_option(name, value) is secret


def test_properties_are_read_as_java_reads_them() -> None:
    text = "! a comment\n\n  a=1\nb : two words \nc\\=d = x\\\\y\npem=-----BEGIN\\n\\\n    more\nu=\\u00e9\\ud83d\\ude00é"
    assert parse(text) == {"a": "1", "b": "two words ", "c=d": "x\\y", "pem": "-----BEGIN\nmore", "u": "é😀é"}
    hard = {"sasl.jaas.config": ' q"\\=:# \n\t€😀', "a b": "c"}
    assert parse(format_properties(hard)) == hard
