"""Asks a server's port what its clients' error messages leave out: whether it speaks TLS, and what is wrong with its
certificate. Sends no credentials."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from contextlib import closing

_SECONDS = 3.0


def speaks_tls(host: str, port: int) -> bool:
    """Whether the port takes TLS connections; False also if it does not answer."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    try:
        _handshake(host, port, context)
    except ssl.SSLError as error:
        return "ALERT" in (error.reason or "")  # it refuses something in the handshake, such as our missing certificate
    except (OSError, ValueError):
        return False
    return True


def unverified(host: str, port: int, certificates: str, before: Callable[[socket.socket], None]) -> str:
    """Why the server's certificate is not verified by these authorities, in OpenSSL's words; "" if that is unknown.

    `before` asks for TLS, in protocols where a connection begins without it. The host's name is not checked.
    """
    try:
        context = ssl.create_default_context(cadata=certificates)
        context.check_hostname = False
        _handshake(host, port, context, before)
    except ssl.SSLCertVerificationError as error:
        return error.verify_message
    except (OSError, ValueError):
        pass
    return ""


def _handshake(
    host: str, port: int, context: ssl.SSLContext, before: Callable[[socket.socket], None] | None = None
) -> None:
    with closing(socket.create_connection((host, port), _SECONDS)) as plain:
        if before:
            before(plain)
        with closing(context.wrap_socket(plain, server_hostname=host)):
            pass
