"""The page's application: its routes, the middleware around them, and what is served when PostgreSQL is away."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime, timezone
from http import HTTPStatus
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from castro_spark.page.page import Asked, Data, Page
from castro_spark.page.pages import routes
from castro_spark.page.reading.database import Database
from castro_spark.page.reading.kept import Keeper
from castro_spark.page.reading.redis_seen import RedisLook
from castro_spark.page.reading.trouble import Trouble, TroubleKind
from castro_spark.page.web.auth import ALIVE, Auth
from castro_spark.page.web.live import Pulse, live
from castro_spark.page.web.preferences import preferences
from castro_spark.page.web.render import Renderer
from castro_spark.page.web.security import Security
from castro_spark.resources import resource
from castro_spark.settings import Settings
from castro_spark.streams.declaration import StreamDeclaration

_FRAME = ("base.html", "macros.html", "charts.html")  # what the first page needs beside its own template
log = logging.getLogger(__name__)


def application(settings: Settings, streams: Sequence[StreamDeclaration]) -> Starlette:
    """The application. Its state has `settings`, `streams`, `database`, `redis`, `keeper`, `renderer` and `pulse`."""
    declared = routes()
    menu = [route for route in declared if isinstance(route, Page) and route.group is not None]
    database = Database(settings)
    pulse = Pulse(database, settings.page.refresh_seconds)
    keeper = Keeper(database, pulse.tell)

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        pulse.start()
        yield
        await pulse.stop()
        keeper.close()
        database.close()

    app = Starlette(
        routes=[
            *(_route(route) for route in declared),
            Route("/live", live),
            Route("/preferences", preferences, methods=["POST"]),
            Route(ALIVE, lambda _: PlainTextResponse("alive\n")),
            Mount("/static", _Static(directory=resource("page/static"))),
        ],
        middleware=[
            Middleware(Security, settings=settings.page),
            Middleware(Auth, settings=settings.page),
            Middleware(GZipMiddleware, minimum_size=1000),
        ],
        exception_handlers={HTTPException: _refused, Trouble: _trouble},
        lifespan=lifespan,
    )
    app.state.settings, app.state.streams = settings, streams
    app.state.database, app.state.pulse, app.state.keeper = database, pulse, keeper
    app.state.redis = RedisLook(settings.redis)
    app.state.renderer = Renderer(settings, menu)
    app.state.renderer.prepare(menu[0].template, *_FRAME)
    return app


def _route(declared: Page | Data | BaseRoute) -> BaseRoute:
    if isinstance(declared, BaseRoute):
        return declared
    last: list[tuple[dict[str, Any], datetime]] = []  # what it showed last, if it keeps that

    def answered(request: Request) -> Response:
        try:
            return shown(request)
        except HTTPException:
            raise
        except Trouble as trouble:
            if not last or not isinstance(declared, Page):
                raise
            values, at = last[0]
            return _page(request, declared.template, {**values, "trouble": trouble}, at, HTTPStatus.SERVICE_UNAVAILABLE)
        except Exception as error:
            log.exception("%s failed", request.url.path)
            raise Trouble(TroubleKind.FAILED, type(error).__name__) from error

    def shown(request: Request) -> Response:
        state = request.app.state
        with state.database.snapshot() as snapshot:
            answer = declared.answer(Asked.by(request, snapshot))
        if isinstance(answer, Response):
            return answer
        if isinstance(declared, Data):
            return JSONResponse(answer)
        values = {"page": declared, "settings": state.settings, "streams": state.streams, **answer}
        if declared.keeps:
            last[:] = [(values, snapshot.at)]
        return _page(request, declared.template, values, snapshot.at)

    return Route(declared.path, answered, name=declared.name)


class _Static(StaticFiles):
    """Static files; those that are asked for by their fingerprint are kept by the browser."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        kept = "public, max-age=31536000, immutable" if scope["query_string"] else "no-cache"
        response.headers["Cache-Control"] = kept
        return response


def _trouble(request: Request, trouble: Exception) -> Response:
    assert isinstance(trouble, Trouble)
    failed = trouble.kind is TroubleKind.FAILED
    if failed and trouble.__cause__ is None:
        log.error("%s: %s", request.url.path, trouble.words)
    values = {"page": None, "trouble": trouble}
    status = HTTPStatus.INTERNAL_SERVER_ERROR if failed else HTTPStatus.SERVICE_UNAVAILABLE
    return _page(request, "trouble.html", values, _now(), status)


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    said = error.detail != HTTPStatus(error.status_code).phrase  # else the title says it, and in the reader's language
    values = {"page": None, "status": error.status_code, "detail": error.detail if said else ""}
    response = _page(request, "refused.html", values, _now(), error.status_code)
    response.headers.update(error.headers or {})  # Allow
    return response


def _page(
    request: Request, template: str, values: dict[str, Any], now: datetime, status: int = HTTPStatus.OK
) -> Response:
    renderer: Renderer = request.app.state.renderer
    return renderer.page(request, template, values, now=now, status=status)


def _now() -> datetime:
    return datetime.now(timezone.utc)
