"""What the errors of Kafka's clients mean, and what to do: by their Java classes and messages.

A client that is refused will be refused again (KafkaRefused); anything else may pass (KafkaUnavailable). Clients report
a wrong security.protocol as a timeout: here the brokers' ports are asked which protocol they speak.
"""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress

from castro_spark.errors import KafkaRefused, KafkaUnavailable, SourceError
from castro_spark.sections.servers import KafkaSettings
from castro_spark.security import tls

_KAFKA = r"org\.apache\.kafka\.[\w.]*\."
# Pattern over the error and its causes, the problem (with the pattern's group, if it has one), the remedy. The first
# match counts.
_REFUSALS: tuple[tuple[re.Pattern[str], str, str], ...] = tuple(
    (re.compile(pattern), problem, remedy)
    for pattern, problem, remedy in (
        (
            r"CertificateExpiredException: ([^\n]*)", "the brokers' certificate has expired ({})",
            "let the brokers' administrator renew it",
        ),
        (
            r"(No (?:name matching|subject alternative)[^\n]*)",
            "the brokers' certificate was not issued for this name ({})",
            "let kafka.bootstrap_servers, and the brokers' advertised.listeners, be names for which it was issued",
        ),
        (
            r"(PKIX path [^\n]*|unable to find valid certification path[^\n]*)",
            "the brokers' certificate is not signed by an authority that is trusted ({})",
            "let kafka.ca_file name the certificate of the authority that signed it",
        ),
        (
            r"(bad_certificate|certificate_required|certificate_unknown|unknown_ca)",
            "the brokers refuse this client's certificate ({})",
            "check the options ssl.keystore.*: do the brokers trust the authority that signed it?",
        ),
        (
            r"mechanism '([\w-]+)' not enabled in the server, enabled mechanisms are",
            "the brokers take no login by {}",
            "set sasl.mechanism in kafka.options to one that they have: {mechanisms}",
        ),
        (
            r"Unexpected handshake request with client mechanism", "the brokers take no login at this port",
            "is it the right port? Else security.protocol in kafka.options is SSL or PLAINTEXT, without a user",
        ),
        (
            rf"{_KAFKA}SaslAuthenticationException: ([^\n]*(?:SCRAM|PLAIN|invalid credentials)[^\n]*)",
            "the user or the password is refused ({})",
            "check kafka.sasl_username, CASTRO_KAFKA_SASL_PASSWORD or ..._FILE, and sasl.mechanism in kafka.options",
        ),
        (
            r"Not authorized to access group: ([^\s,\]]+)", "this user may not read as group {}",
            "let the brokers' administrator allow it Read on groups with the prefixes castro- and spark-kafka-"
            " (and on kafka.ledger_group, or set that to null)",
        ),
        (
            rf"{_KAFKA}(TopicAuthorizationException)", "this user has no right on the topic, or it does not exist ({})",
            "let the brokers' administrator allow it Read on the topic (kafka-acls --add --operation Read --topic ...);"
            " `migrate` also needs Create, or --skip-topics",
        ),
        (  # Spark's error need not have the causes
            rf"{_KAFKA}SslAuthenticationException: ([^\n]*)", "the TLS handshake failed ({})",
            "check kafka.ca_file, the names in kafka.bootstrap_servers, and when the brokers' certificates expire",
        ),
        (
            rf"{_KAFKA}(\w*AuthorizationException: [^\n]*)", "this user lacks a right ({})",
            "let the brokers' administrator grant what docs/security.md lists",
        ),
        (
            rf"{_KAFKA}(?:InvalidConfigurationException|ConfigException): ([^\n]*)",
            "its client's options cannot be used: {}",
            "correct kafka.options, or the file that CASTRO_KAFKA_OPTIONS_FILE names",
        ),
    )
)  # fmt: skip
_MECHANISMS = re.compile(r"enabled mechanisms are \[([^\]]*)\]")
# Class names of other client errors where a retry does not help.
_PERMANENT = ("Authentication", "Authorization", "KerberosException", "LoginException", "KeyStore")
_UNRESOLVED = "No resolvable bootstrap"  # transient: a name server may be down, like a broker
_REMEDY = "check kafka.bootstrap_servers, its security options, and that the brokers run"
_SERVERS_ASKED, _SECONDS = 3, 3.0
_SERVER = re.compile(r"^(?:\w+://)?\[?([^\]]+?)\]?:(\d+)$")
_LOGIN = {  # what a client without a login cannot know
    "SSL": "; do they want a login (security.protocol: SASL_SSL)?",
    "PLAINTEXT": "; do they want a login (security.protocol: SASL_SSL or SASL_PLAINTEXT)?",
}
# A request ApiVersions (key 18, version 0, correlation 7, no client id), which a broker answers before any login.
_API_VERSIONS = struct.pack("!ihhih", 10, 18, 0, 7, -1)


class Protocol:
    """Whether the brokers speak the client's protocol. They are asked once, when it is first in doubt."""

    def __init__(self, settings: KafkaSettings) -> None:
        self._settings = settings
        self._wrong: tuple[str, str] | None = None
        self._asked = False

    @property
    def name(self) -> str:
        """The option security.protocol."""
        return self._settings.option("security.protocol").upper() or "PLAINTEXT"

    def wrong(self) -> tuple[str, str] | None:
        """Problem and remedy if a broker's port speaks TLS and the client does not, or the other way round."""
        if not self._asked:
            self._asked, self._wrong = True, self._ask()
        return self._wrong

    def _ask(self) -> tuple[str, str] | None:
        encrypted = self.name in {"SSL", "SASL_SSL"}
        for host, port in _servers(self._settings):
            if not encrypted and tls.speaks_tls(host, port):
                return (
                    f"{host}:{port} speaks TLS, and this client does not: security.protocol is {self.name}",
                    "set security.protocol in kafka.options to SASL_SSL or SSL, and kafka.ca_file",
                )
            if encrypted and _answers_in_clear(host, port):
                return (
                    f"{host}:{port} does not speak TLS, and this client does: security.protocol is {self.name}",
                    "is it the right port? Else the brokers need a listener with TLS",
                )
        return None


def explained(chain: list[str], protocol: Protocol, where: str) -> SourceError:
    """The error to raise for one of a client's; `chain`: it and its causes, as Java prints them."""
    text = "\n".join(chain)
    root = chain[-1].partition(": ")[2] or chain[-1]  # the root cause's message, without its class name
    if _UNRESOLVED in text:
        return KafkaUnavailable(f"{where}: {root}", _REMEDY)
    if refused := refusal(text, where):
        return refused
    if any(name in text for name in _PERMANENT):
        return KafkaRefused(f"{where}: {root}", _REMEDY)
    if wrong := protocol.wrong():
        return KafkaRefused(f"{where}: {wrong[0]}", wrong[1])
    return KafkaUnavailable(f"{where}: {root}", _REMEDY + _LOGIN.get(protocol.name, ""))


def refusal(text: str, where: str) -> KafkaRefused | None:
    """The error for a refusal that the text of an error contains, Spark's too; None if it contains none."""
    if "org.apache.kafka." not in text:  # of another server that the stream uses
        return None
    for pattern, problem, remedy in _REFUSALS:
        if match := pattern.search(text):
            mechanisms = _MECHANISMS.search(text)
            detail = match[1].strip() if pattern.groups else ""
            return KafkaRefused(
                f"{where}: {problem.format(detail)}", remedy.format(mechanisms=mechanisms[1] if mechanisms else "")
            )
    return None


def _servers(settings: KafkaSettings) -> Iterator[tuple[str, int]]:
    for server in settings.bootstrap_servers.split(",")[:_SERVERS_ASKED]:
        if match := _SERVER.match(server.strip()):
            yield match[1], int(match[2])


def _answers_in_clear(host: str, port: int) -> bool:
    with suppress(OSError), socket.create_connection((host, port), _SECONDS) as connection:
        connection.sendall(_API_VERSIONS)
        answer = connection.recv(8)
        return len(answer) == len("sizecorr") and answer[4:] == _API_VERSIONS[8:12]
    return False
