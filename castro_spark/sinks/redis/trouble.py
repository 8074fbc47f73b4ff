"""Error messages for Redis that name the fix, and a check for servers that can never work."""

from __future__ import annotations

import socket
from contextlib import closing, suppress
from urllib.parse import urlsplit

import redis
from redis import exceptions as errors

from castro_spark.errors import SettingsError, SinkError, first_line
from castro_spark.sections.servers import RedisSettings
from castro_spark.security import tls
from castro_spark.sinks.redis.hashes import client

_PORT = 6379
_SECONDS = 2.0
_CLUSTER = "this is a Redis Cluster, whose keys lie in several slots: a projection writes many in one step"
_CLUSTER_REMEDY = "let redis.url name a single server, or the primary of a replicated one"
_REFUSED = "the user or the password is refused: redis.username, and CASTRO_REDIS_PASSWORD or ..._FILE"
_NO_TLS = "it does not speak TLS at this port: is it the right one? Else redis.url begins with redis://"
_OWN = "a certificate of its clients: redis.url?ssl_certfile=...&ssl_keyfile=..., or tls-auth-clients no at the server"
_ACL = (
    "its ACL denies this user a command or a key that a projection needs: docs/security.md has the rule, and the"
    " server's ACL LOG tells which"
)
# The first match counts, so a subclass comes before its class.
_MESSAGES: tuple[tuple[type[Exception], str], ...] = (
    (errors.ReadOnlyError, "it is a read-only replica: was there a failover? redis.url must name the primary"),
    (errors.OutOfMemoryError, "its memory is full: raise its maxmemory or free some"),
    (errors.BusyLoadingError, "it is loading its data"),
    (errors.NoScriptError, "its script cache was flushed"),
    (errors.AuthenticationWrongNumberOfArgsError, _REFUSED),
    (errors.AuthenticationError, _REFUSED),
    (errors.NoPermissionError, _ACL),
    (errors.MovedError, f"{_CLUSTER}; {_CLUSTER_REMEDY}"),
    (errors.AskError, f"{_CLUSTER}; {_CLUSTER_REMEDY}"),
    (errors.ClusterDownError, f"{_CLUSTER}; {_CLUSTER_REMEDY}"),
    (errors.ClusterCrossSlotError, f"{_CLUSTER}; {_CLUSTER_REMEDY}"),
    (errors.TimeoutError, "it does not answer within redis.timeout_seconds"),
    (errors.ConnectionError, "it cannot be reached"),
)
# Of an error within a script or a pipeline, and of one of TLS: these have no class of their own.
_FRAGMENTS = (
    ("MOVED ", _CLUSTER), ("CROSSSLOT", _CLUSTER), ("READONLY", _MESSAGES[0][1]), ("OOM ", _MESSAGES[1][1]),
    ("NOPERM", _ACL), ("user executing the script can't", _ACL), ("ACL failure in script", _ACL),
    ("certificate has expired", "its certificate has expired: let its administrator renew it (tls-cert-file)"),
    ("certificate is not valid for", "its certificate was not issued for this name: let redis.url have one that it was"
     " issued for, or have it issued for this one"),
    ("CERTIFICATE_VERIFY_FAILED", "its certificate is not signed by an authority that is trusted: let redis.ca_file"
     " name the certificate of the one that signed it"),
    ("CERTIFICATE_REQUIRED", f"it wants {_OWN}"),
    ("[SSL", _NO_TLS),
)  # fmt: skip
# What a port with TLS does to a client without, and to one without a certificate.
_CUT = ("Connection reset", "Connection closed", "Broken pipe", "EOF occurred")


def in_words(error: redis.RedisError, settings: RedisSettings | None = None) -> str:
    """One line: the meaning of the error with what to do, and the message of the server or the driver.

    With `settings`, a server that cuts or ignores the connection is asked whether it wants TLS, or has none."""
    return f"Redis: {_meaning(error, settings)} ({first_line(error)})"


def _meaning(error: redis.RedisError, settings: RedisSettings | None) -> str:
    error_text = first_line(error)
    for mark, message in _FRAGMENTS:
        if mark in error_text:
            return message
    cut = any(mark in error_text for mark in _CUT)
    if settings and not settings.uses_tls and cut and _speaks_tls(settings.url):
        return "it takes TLS only: redis.url must begin with rediss://"
    if settings and settings.uses_tls and cut and "ssl_certfile" not in settings.url and _speaks_tls(settings.url):
        return f"it cut the connection after the handshake; it may want {_OWN}"
    if settings and settings.uses_tls and isinstance(error, errors.TimeoutError) and _answers_in_clear(settings.url):
        return _NO_TLS  # it waits for the end of what it takes for a command
    return next((message for kind, message in _MESSAGES if isinstance(error, kind)), "it refuses a command")


def _speaks_tls(url: str) -> bool:
    return tls.speaks_tls(*_address(url))


def _answers_in_clear(url: str) -> bool:
    with suppress(OSError), socket.create_connection(_address(url), _SECONDS) as connection:
        connection.settimeout(_SECONDS)
        connection.sendall(b"PING\r\n")
        return connection.recv(1) in (b"+", b"-")
    return False


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "localhost", parts.port or _PORT


def check_usable(settings: RedisSettings) -> None:
    """Raises SinkError if Redis fails to answer, SettingsError if projections cannot be written to it."""
    with closing(client(settings)) as connection:
        try:
            connection.ping()
            server = connection.info("server")
            replication = connection.info("replication")
        except errors.NoPermissionError:
            return  # an ACL hides the kind of server: the first write reveals it
        except redis.RedisError as error:
            raise SinkError(in_words(error, settings), "is redis.url right, and the server up?") from None
    if server.get("redis_mode") == "cluster":
        raise SettingsError(f"redis.url: {_CLUSTER}", _CLUSTER_REMEDY)
    if replication.get("role") == "slave":
        raise SettingsError(f"redis.url: {_MESSAGES[0][1]}", "the primary is "
                            f"{replication.get('master_host')}:{replication.get('master_port')}")  # fmt: skip
