"""Refused logins: libpq's and PostgreSQL's words, each with what to do about it.

A failed connection attempt carries no SQLSTATE, only a message in libpq's and the server's languages. English and
Portuguese ones are known here; any other is retried like an outage.
"""

from __future__ import annotations

import re
import socket
import struct
from pathlib import Path

import psycopg2
from psycopg2.extensions import parse_dsn

from castro_spark.errors import SessionRefused, first_line
from castro_spark.sections.servers import PostgresSettings
from castro_spark.security import tls

_PASSWORD = "check user in postgres.dsn, and CASTRO_POSTGRES_PASSWORD or ..._PASSWORD_FILE"
_ROLE = "name a role that exists and may log in: user in postgres.dsn"
_ADDRESS = "let the server's administrator add a line for this address, user and database to pg_hba.conf (hostssl)"
_UNENCRYPTED = "the server takes no login without TLS: set postgres.ca_file, or sslmode=verify-full in postgres.dsn"
_DATABASE = "name an existing database in postgres.dsn, or create it: CREATE DATABASE ... ENCODING 'UTF8'"
_AUTHORITY = "let postgres.ca_file name the certificate of the authority that signed the server's"
_EXPIRED = "let the server's administrator renew its certificate (ssl_cert_file), then reload PostgreSQL"
_NAME = (
    "let host in postgres.dsn be a name for which the certificate was issued (hostaddr may hold the address), or"
    " have it issued for this one"
)
_NO_TLS = "are host and port in postgres.dsn right? Else ssl must be turned on at the server; do not weaken sslmode"
_OWN = "check sslcert and sslkey in postgres.dsn: does the server know their authority (ssl_ca_file)?"
# The first match counts.
_REFUSALS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), remedy)
    for pattern, remedy in (
        (r"authentication failed|no password supplied|autenticação .*falhou", _PASSWORD),
        (r"(no pg_hba\.conf entry|rejects connection).*no encryption", _UNENCRYPTED),
        (r"nenhuma entrada no pg_hba\.conf.*(sem criptografia|nenhuma criptografia)", _UNENCRYPTED),
        (r"no pg_hba\.conf entry|rejects connection|nenhuma entrada no pg_hba\.conf", _ADDRESS),
        (r"(database|banco de dados) \"[^\"]*\" (does not exist|não existe)", _DATABASE),
        (r"role \"[^\"]*\" (does not exist|is not permitted|não existe)", _ROLE),
        (r"permission denied for database|permissão negada", "GRANT CONNECT ON DATABASE ... TO the role"),
        (r"certificate verify failed|root certificate file", _AUTHORITY),
        (r"does not match host name", _NAME),
        (r"server does not support SSL", _NO_TLS),
        (r"valid client certificate|private key file|alert (unknown ca|certificate)", _OWN),
    )
)
_SERVER = re.compile(r"connection to server at \"([^\"]+)\".*?, port (\d+)")
_SSL_REQUEST = struct.pack("!ii", 8, 80877103)


def remedy(text: str) -> str | None:
    """What to do about a login that was refused with this message; None if it is not known as a refusal."""
    return next((remedy for pattern, remedy in _REFUSALS if pattern.search(text)), None)


def refusal(error: psycopg2.OperationalError, settings: PostgresSettings) -> SessionRefused | None:
    """The error to raise for a refused login; None for an outage and for what is not known."""
    what_to_do = None if error.pgcode else remedy(str(error))
    if what_to_do is None:
        return None
    problem = first_line(error)
    if "certificate verify failed" in problem and (reason := _unverified(problem, settings)):
        problem += f" ({reason})"
        what_to_do = _EXPIRED if "expired" in reason else what_to_do
    return SessionRefused(problem, what_to_do)


def _unverified(text: str, settings: PostgresSettings) -> str:
    """Why the certificate is not verified, which libpq does not tell."""
    certificates, server = settings.ca_certificates, _SERVER.search(text)
    named = Path(parse_dsn(settings.dsn).get("sslrootcert", ""))
    if certificates is None and named.is_file():
        certificates = named.read_text(encoding="ascii", errors="replace")
    if not certificates or server is None:
        return ""
    return tls.unverified(server[1], int(server[2]), certificates, _ask_for_tls)


def _ask_for_tls(connection: socket.socket) -> None:
    connection.sendall(_SSL_REQUEST)
    if connection.recv(1) != b"S":
        raise OSError("no TLS")
