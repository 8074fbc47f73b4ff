"""What a reader chooses on the page: language and colours, kept in cookies of this browser."""

from __future__ import annotations

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from castro_spark.page.web.acting import read_form
from castro_spark.page.web.render import THEME_COOKIE, THEMES
from castro_spark.page.words import language

_YEAR_SECONDS = 365 * 86400


async def preferences(request: Request) -> Response:
    """Keeps `language` and `theme`, and goes back to the path `back`."""
    form = await read_form(request)
    back = form.one("back")
    if not back.startswith("/") or back.startswith(("//", "/\\")):
        back = "/"
    response = RedirectResponse(back, HTTPStatus.SEE_OTHER)
    for cookie, chosen, known in (
        (language.COOKIE, form.one("language"), language.NAMES),
        (THEME_COOKIE, form.one("theme"), THEMES),
    ):
        if chosen in known:
            response.set_cookie(cookie, chosen, _YEAR_SECONDS, httponly=True, samesite="lax")
    return response
