"""What every response says and every request must: headers, known hosts, and changes from the page itself only.

The Content-Security-Policy has no exceptions: no script and no style is inline, nothing comes from elsewhere. A request
that changes anything must come from a page of ours, by Sec-Fetch-Site or else Origin. The Host must be a known name,
else a foreign site whose name resolves to this machine (DNS rebinding) could read the page.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from castro_spark.sections.page import PageSettings

POLICY = "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'"
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_SAFE = {"GET", "HEAD"}


class Security:
    """ASGI middleware around everything else."""

    def __init__(self, app: ASGIApp, settings: PageSettings) -> None:
        self._app = app
        self._hosts = {"localhost", "127.0.0.1", "[::1]", *(host.lower() for host in settings.hosts)}
        if settings.address not in {"0.0.0.0", "::"}:  # these are no names
            self._hosts.add(f"[{settings.address}]" if ":" in settings.address else settings.address.lower())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        refused = self._refusal(Request(scope))
        await (PlainTextResponse(refused, 403) if refused else self._app)(scope, receive, guarded)

    def _refusal(self, request: Request) -> str | None:
        host = request.headers.get("host", "")
        if _name(host) not in self._hosts:
            return f"the host {host!r} is not known here: name it in page.hosts\n"
        if request.method not in _SAFE and not _from_here(request.headers, host):
            return "this request does not come from the page itself\n"
        return None


def _name(host: str) -> str:
    """The host without its port."""
    name, colon, port = host.rpartition(":")
    return (name if colon and port.isdigit() else host).lower()


def _from_here(headers: Headers, host: str) -> bool:
    if site := headers.get("sec-fetch-site"):
        return site == "same-origin"
    try:
        return urlsplit(headers.get("origin", "")).netloc.lower() == host.lower()
    except ValueError:  # of brackets
        return False
