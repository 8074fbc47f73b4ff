"""What a reader chooses on the page: language and colours, kept in cookies of this browser."""

from __future__ import annotations

from http import HTTPStatus
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from castro_spark.page.web.render import THEME_COOKIE, THEMES
from castro_spark.page.words import language

_YEAR_SECONDS = 365 * 86400
_MOST_BYTES = 4096


async def preferences(request: Request) -> Response:
    """Keeps `language` and `theme`, and goes back to the path `back`."""
    body = await request.body()
    form = {name: values[0] for name, values in parse_qs(body[:_MOST_BYTES].decode("utf-8", "replace")).items()}
    back = form.get("back", "/")
    if not back.startswith("/") or back.startswith(("//", "/\\")):
        back = "/"
    response = RedirectResponse(back, HTTPStatus.SEE_OTHER)
    for cookie, chosen, known in (
        (language.COOKIE, form.get("language"), language.NAMES),
        (THEME_COOKIE, form.get("theme"), THEMES),
    ):
        if chosen in known:
            response.set_cookie(cookie, str(chosen), _YEAR_SECONDS, httponly=True, samesite="lax")
    return response
