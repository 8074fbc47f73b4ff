"""Who may see the page: anybody on this machine, who knows the password, or whom a trusted proxy names."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import logging
from ipaddress import ip_address, ip_network

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from castro_spark.sections.page import PageSettings

ALIVE = "/alive"  # for whoever watches the process: says nothing of the data
_WRONG_SECONDS = 0.5  # so long apart wrong passwords are answered, whoever sends them
_ANYONE = "anyone on this machine"
log = logging.getLogger(__name__)


class Auth:
    """ASGI middleware; puts the name of the user into the request's state, as `user`."""

    def __init__(self, app: ASGIApp, settings: PageSettings) -> None:
        self._app = app
        self._header = settings.proxy_user_header
        self._proxies = [ip_network(address) for address in settings.proxy_addresses]
        self._password = settings.password.get_secret_value().encode() if settings.password else None
        self._wrong = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] == ALIVE:
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        user = self._user(request)
        if user is None:
            if "authorization" in request.headers:
                await self._noticed(request)
            await self._refused()(scope, receive, send)
            return
        request.state.user = user
        await self._app(scope, receive, send)

    def _user(self, request: Request) -> str | None:
        if self._header and self._through_proxy(request) and (named := request.headers.get(self._header, "").strip()):
            return _printable(named)
        if self._password is not None:
            return _named_in(request.headers.get("authorization", ""), self._password)
        return None if self._header else _ANYONE

    async def _noticed(self, request: Request) -> None:
        """Wrong passwords wait for each other, so that guessing many at once gains nothing; right ones do not wait."""
        async with self._wrong:
            await asyncio.sleep(_WRONG_SECONDS)
        log.warning("a wrong password from %s", request.client.host if request.client else "an unknown address")

    def _through_proxy(self, request: Request) -> bool:
        if request.client is None:
            return False
        peer = ip_address(request.client.host)
        peer = getattr(peer, "ipv4_mapped", None) or peer  # an IPv4 peer of a socket for both
        return any(peer in network for network in self._proxies)

    def _refused(self) -> PlainTextResponse:
        if self._password is None:
            return PlainTextResponse("the proxy in front of this page did not say who you are\n", 403)
        challenge = {"WWW-Authenticate": 'Basic realm="castro_spark", charset="UTF-8"'}
        return PlainTextResponse("the page's password is needed\n", 401, challenge)


def _printable(name: str) -> str:
    """A user's name as it is kept with what he asks."""
    return "".join(character for character in name if character.isprintable()).strip()[:200]


def _named_in(authorization: str, password: bytes) -> str | None:
    """The user of a Basic login with this password; None for any other."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, given = base64.b64decode(encoded, validate=True).partition(b":")
        named = _printable(user.decode("utf-8")) or "page"
    except (binascii.Error, UnicodeDecodeError):
        return None
    return named if hmac.compare_digest(given, password) else None
