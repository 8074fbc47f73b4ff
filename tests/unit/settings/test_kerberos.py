"""Kerberos: settings, what is read of keytabs, what Kafka's clients get, and errors in words."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest
from pyspark.errors import StreamingQueryException

from castro_spark.errors import KerberosUnavailable, SettingsError, in_words
from castro_spark.errors.kerberos import kerberos_trouble
from castro_spark.kerberos.check import check
from castro_spark.kerberos.files import keytab_principals, ticket_cache
from castro_spark.kerberos.login import log_in, login_options
from castro_spark.sections.servers import KerberosSettings
from castro_spark.settings import Settings, load_settings
from castro_spark.sources.kafka.options import admin_options
from castro_spark.streaming.verdict import error_line, verdict

GSSAPI = "{security.protocol: SASL_PLAINTEXT, sasl.mechanism: GSSAPI}"
LOGIN = "method: kerberos, principal: a@R, keytab: /k"


def counted(text: str) -> bytes:
    return struct.pack(">H", len(text.encode())) + text.encode()


def entry(*names: str, realm: str = "R") -> bytes:
    body = struct.pack(">H", len(names)) + counted(realm) + b"".join(map(counted, names))
    body += struct.pack(">IIBHH4sI", 1, 0, 2, 18, 4, b"key!", 2)
    return struct.pack(">i", len(body)) + body


def settings(tmp_path: Path, yaml: str) -> Settings:
    path = tmp_path / "mine.yaml"
    path.write_text(yaml)
    return load_settings(conf_file=path, environ={})


def test_a_keytabs_principals() -> None:
    erased = struct.pack(">i", -8) + bytes(8)
    data = b"\x05\x02" + entry("a") + erased + entry("a") + entry("hdfs", "host.x", realm="É")
    assert keytab_principals(data) == ["a@R", "hdfs/host.x@É"]
    for wrong, words in {b"": "is no keytab", b"\x05\x01": "is no keytab", data[:12]: "is cut off"}.items():
        with pytest.raises(ValueError, match=words):
            keytab_principals(wrong)
    with pytest.raises(ValueError, match="is no ticket cache"):
        ticket_cache(b"\x05\x03")


@pytest.mark.parametrize(
    ("yaml", "words"),
    [
        ("kerberos: {method: ldap}", "kerberos.method: Input should be 'simple' or 'kerberos'"),
        ("kerberos: {principal: inventory-ml}", "kerberos.principal: Value error, must be name@REALM"),
        ("kerberos: {principal: hdfs/_HOST@R}", "kerberos.principal: Value error, must be name@REALM"),
        ("kerberos: {method: kerberos, keytab: /k}", "kerberos: Value error, keytab: principal must name"),
        (f"kafka: {{options: {GSSAPI}}}", "kafka.options: SASL with mechanism GSSAPI needs kerberos.method kerberos"),
        ("kafka: {options: {security.protocol: SASL_SSL}}", "GSSAPI needs kerberos.method kerberos"),  # Kafka's default
    ],
)
def test_settings_that_cannot_work(tmp_path: Path, yaml: str, words: str) -> None:
    with pytest.raises(SettingsError) as error:
        settings(tmp_path, yaml)
    assert words in str(error.value)


def test_each_jvm_finds_its_own_keytab(tmp_path: Path) -> None:
    """An option is the same for driver and executors: it names a variable."""
    options = admin_options(settings(tmp_path, f"kafka: {{options: {GSSAPI}}}\nkerberos: {{{LOGIN}}}").kafka)
    assert 'keyTab="${castro_environment:CASTRO_KAFKA_KEYTAB}" principal="a@R";' in options["sasl.jaas.config"]
    assert options["config.providers"] == "castro_environment"
    assert options["sasl.kerberos.service.name"] == "kafka"
    own = f"kafka: {{options: {{sasl.kerberos.service.name: broker, config.providers: x, {GSSAPI[1:]}}}\nkerberos: {{{LOGIN}}}"
    options = admin_options(settings(tmp_path, own).kafka)
    assert (options["config.providers"], options["sasl.kerberos.service.name"]) == ("x,castro_environment", "broker")
    assert "sasl.jaas.config" not in admin_options(settings(tmp_path, f"kerberos: {{{LOGIN}}}").kafka)


def test_what_spark_submit_is_given(tmp_path: Path) -> None:
    simple = settings(tmp_path, "kerberos: {principal: a@R, keytab: /k}")
    assert login_options(simple.kerberos, simple.kafka) == []
    secured = settings(tmp_path, f"kerberos: {{{LOGIN}}}")
    assert login_options(secured.kerberos, secured.kafka) == ["--principal", "a@R", "--keytab", "/k"]
    keytab = tmp_path / "a.keytab"
    keytab.write_bytes(b"x")
    kafka = settings(tmp_path, f"kafka: {{options: {GSSAPI}}}\nkerberos: {{{LOGIN.replace('/k', str(keytab))}}}")
    shipped = dict(word.split("=", 1) for word in login_options(kafka.kerberos, kafka.kafka) if "=" in word)
    link = Path(shipped["spark.yarn.dist.files"].removeprefix("file:"))
    assert (link.name, link.resolve()) == (shipped["spark.executorEnv.CASTRO_KAFKA_KEYTAB"], keytab)


def test_a_driver_on_the_cluster_is_logged_in_already() -> None:
    environ = {"PYSPARK_GATEWAY_PORT": "1"}
    log_in(KerberosSettings(method="kerberos", keytab="/nowhere", principal="a@R"), load_settings(environ={}).kafka, environ)
    assert environ == {"PYSPARK_GATEWAY_PORT": "1"}


def test_files_are_checked_before_a_jvm_starts(tmp_path: Path) -> None:
    config, keytab = tmp_path / "krb5.conf", tmp_path / "a.keytab"

    def problem(**environ: str) -> str:
        with pytest.raises(SettingsError) as error:
            check(KerberosSettings(method="kerberos", principal="a@R", keytab=str(keytab)), environ)
        assert "what to do: " in str(error.value)
        return error.value.problem

    found = {"KRB5_CONFIG": str(config)}
    assert problem(**found) == f"Kerberos: there is no file {config} (KRB5_CONFIG)"
    config.touch()
    assert problem(**found) == f"kerberos.keytab: cannot read {keytab}: No such file or directory"
    keytab.write_bytes(b"-----BEGIN")
    assert problem(**found) == f"kerberos.keytab: {keytab} is no keytab"
    keytab.write_bytes(b"\x05\x02" + entry("A") + entry("b"))
    assert problem(**found) == f"kerberos.keytab: {keytab} has no key of a@R; it has keys of A@R, b@R"


@pytest.mark.parametrize(("method", "says", "words"), [
    ("simple", "kerberos", "kerberos.method is simple, but .* says kerberos"),
    ("kerberos", "simple", "kerberos.method is kerberos, but .* says simple"),
    ("kerberos", None, "kerberos.method is kerberos, but .* says simple"),
])  # fmt: skip
def test_hadoop_must_say_the_same(tmp_path: Path, method: str, says: str | None, words: str) -> None:
    entries = f"<property><name>hadoop.security.authentication</name><value> {says} </value></property>" if says else ""
    (tmp_path / "core-site.xml").write_text(f"<configuration>{entries}</configuration>")
    with pytest.raises(SettingsError, match=words):
        check(KerberosSettings(method=method), {"HADOOP_CONF_DIR": str(tmp_path), "CASTRO_ON_YARN": "1"})  # type: ignore[arg-type]
    check(KerberosSettings(method="simple"), {"HADOOP_CONF_DIR": str(tmp_path)})  # a local run
    check(KerberosSettings(method="simple"), {"HADOOP_CONF_DIR": str(tmp_path / "none"), "CASTRO_ON_YARN": "1"})


GSS = "SaslException: GSS initiate failed [Caused by GSSException: No valid credentials provided (Mechanism level: {})]"
TEXTS = {
    GSS.format("Clock skew too great (37) - PROCESS_TGS"): ("kerberos_clock", True),
    GSS.format("Server not found in Kerberos database (7) - LOOKING_UP_SERVER"): ("kerberos_service", False),
    GSS.format("Failed to find any Kerberos tgt"): ("kerberos_no_ticket", False),
    GSS.format("Ticket expired (32)"): ("kerberos_expired", True),
    GSS.format("Connection refused"): ("kerberos_kdc_unavailable", True),
    "javax.security.auth.login.LoginException: Receive timed out": ("kerberos_kdc_unavailable", True),
    "javax.security.auth.login.LoginException: Checksum failed": ("kerberos_key", False),
    "javax.security.auth.login.LoginException: Unable to obtain password from user": ("kerberos_keytab", False),
    "LoginException: Cannot locate KDC": ("kerberos_krb5_conf", False),
    "LoginException: Client not found in Kerberos database (6)": ("kerberos_principal", False),
    "org.apache.hadoop.security.token.SecretManager$InvalidToken: token (..) is expired": ("kerberos_token_expired", True),
    "kinit: Preauthentication failed while getting initial credentials": ("kerberos_key", False),
    "kinit: Cannot contact any KDC for realm 'R' while getting initial credentials": ("kerberos_kdc_unavailable", True),
}
OTHERS = [
    "java.net.ConnectException: Connection refused", "org.apache.kafka.common.errors.TimeoutException: timed out",
    "Checksum failed", "LoginException of another kind\nConnection refused",
]  # fmt: skip


def test_errors_in_words_and_their_verdicts() -> None:
    for text, expected in TEXTS.items():
        error = StreamingQueryException(text)
        judged = verdict(error, claimed=True)
        assert (judged.reason, judged.restart) == expected, text
        assert "what to do: " in in_words(error)
        assert "\n" not in error_line(error)
        assert "Kerberos" in error_line(error) or "delegation token" in error_line(error)
    assert [text for text in OTHERS if kerberos_trouble(text)] == []
    assert verdict(KerberosUnavailable("x"), claimed=True).restart
