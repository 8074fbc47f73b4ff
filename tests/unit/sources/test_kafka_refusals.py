"""What the errors of Kafka's clients are taken for, by the words that its client 4.x and Java 17 use."""

from __future__ import annotations

import socket
import struct
from threading import Thread

import pytest

from castro_spark.errors import KafkaRefused, KafkaUnavailable
from castro_spark.sections.servers import KafkaSettings
from castro_spark.sources.kafka.refusals import Protocol, explained, refusal

K = "org.apache.kafka.common.errors."
NOBODY = Protocol(KafkaSettings(bootstrap_servers="127.0.0.1:1,[::1]:1,nonsense"))
WHERE = "Kafka at k:1, topic t"


@pytest.mark.parametrize(
    ("chain", "problem", "remedy"),
    [
        (
            [f"{K}SslAuthenticationException: SSL handshake failed", "javax.net.ssl.SSLHandshakeException: PKIX path validation failed: x",
             "java.security.cert.CertificateExpiredException: NotAfter: Sat Nov 28"],
            "has expired (NotAfter: Sat Nov 28)", "renew",
        ),
        ([f"{K}SslAuthenticationException: x", "javax.net.ssl.SSLHandshakeException: PKIX path building failed: s.C: u"], "(PKIX path building", "kafka.ca_file"),
        ([f"{K}SslAuthenticationException: x", "java.security.cert.CertificateException: No name matching h found"], "(No name matching h found)", "names"),
        ([f"{K}SslAuthenticationException: x", "javax.net.ssl.SSLHandshakeException: (certificate_required) x"], "this client's certificate", "ssl.keystore"),
        ([f"{K}SaslAuthenticationException: Authentication failed: Invalid username or password with SASL mechanism PLAIN"], "password is refused", "sasl_username"),
        ([f"{K}SaslAuthenticationException: GSSAPI"], f"{WHERE}: GSSAPI", "security options"),
        ([f"{K}UnsupportedSaslMechanismException: Client SASL mechanism 'PLAIN' not enabled in the server, enabled mechanisms are [A, B]"], "no login by PLAIN", "have: A, B"),
        ([f"{K}IllegalSaslStateException: Unexpected handshake request with client mechanism PLAIN, enabled mechanisms are []"], "no login at this port", "right port"),
        ([f"{K}TopicAuthorizationException: Topic authorization failed."], "no right on the topic", "--operation Read"),
        ([f"{K}SslAuthenticationException: SSL handshake failed"], "TLS handshake failed", "kafka.ca_file"),
        ([f"{K}GroupAuthorizationException: Not authorized to access group: g"], "read as group g", "castro-"),
        ([f"{K}ClusterAuthorizationException: Cluster no."], "lacks a right (ClusterAuthorizationException: Cluster no.)", "docs/security.md"),
        (["org.apache.kafka.common.config.ConfigException: Invalid value x"], "cannot be used: Invalid value x", "kafka.options"),
        ([f"{K}InvalidConfigurationException: Failed to load PEM SSL keystore /k", "java.nio.file.NoSuchFileException: /k"], "keystore /k", "kafka.options"),
    ],
)  # fmt: skip
def test_refused(chain: list[str], problem: str, remedy: str) -> None:
    error = explained(chain, NOBODY, WHERE)
    assert isinstance(error, KafkaRefused)
    assert error.problem.startswith(WHERE)
    assert problem in error.problem
    assert remedy in error.remedy


@pytest.mark.parametrize(
    "chain",
    [
        [f"{K}TimeoutException: Timed out waiting for a node assignment. Call: listNodes"],
        ["org.apache.kafka.common.KafkaException: Failed", "org.apache.kafka.common.config.ConfigException: No resolvable bootstrap urls given"],
        [f"{K}DisconnectException: Cancelled"],
        ["java.io.IOException"],
    ],
)  # fmt: skip
def test_it_may_pass(chain: list[str]) -> None:
    error = explained(chain, NOBODY, WHERE)
    assert isinstance(error, KafkaUnavailable)
    assert "do they want a login" in error.remedy or "check kafka.bootstrap_servers" in error.remedy


def test_within_an_error_of_sparks() -> None:
    text = f"Job aborted: Lost task 0.2 (executor 1): {K}TopicAuthorizationException: Not authorized to access topics: [t]\n\nDriver stacktrace:"
    assert refusal(text, WHERE) is not None
    of_others = "org.apache.hadoop.security.authorize.AuthorizationException: User x; PKIX path building failed"
    for other in ("Job aborted: ExecutorLostFailure", of_others, f"{of_others.partition(';')[0]}\nat org.apache.kafka.clients.X"):
        assert refusal(other, WHERE) is None


def answering(answer: bytes) -> socket.socket:
    """A port that answers the first request of one client with these bytes."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with server.accept()[0] as client:
            client.recv(100)
            client.sendall(answer)

    Thread(target=serve, daemon=True).start()
    return server


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        (struct.pack("!iih", 6, 7, 0), True),  # a broker's answer to the request of correlation 7
        (struct.pack("!iih", 6, 8, 0), False),
        (b"\x15\x03\x03\x00\x02\x02\x46", False),  # an alert of TLS
        (b"", False),
    ],
)
def test_a_port_in_clear_is_known_by_its_answer(answer: bytes, wrong: bool) -> None:
    with answering(answer) as server:
        servers = f"127.0.0.1:{server.getsockname()[1]}"
        protocol = Protocol(KafkaSettings(bootstrap_servers=servers, options={"security.protocol": "SASL_SSL"}))
        assert (protocol.wrong() is not None) is wrong
    error = explained([f"{K}TimeoutException: x"], protocol, WHERE)
    assert isinstance(error, KafkaRefused if wrong else KafkaUnavailable)
