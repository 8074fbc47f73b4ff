"""For Prometheus: /metrics, and /sd with the drivers that serve their own."""

from __future__ import annotations

from threading import Lock

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from castro_spark.observe.metrics.collector import PostgresCollector
from castro_spark.observe.metrics.targets import targets
from castro_spark.page.page import Asked, Data, Page

_creating = Lock()


def _metrics(request: Request) -> Response:
    encode, content_type = choose_encoder(request.headers.get("accept", ""))
    return Response(encode(_registry(request.app)), headers={"Content-Type": content_type})


def _registry(app: Starlette) -> CollectorRegistry:
    """The application's registry, made with the first scrape."""
    with _creating:
        if not hasattr(app.state, "metrics"):
            settings = app.state.settings
            app.state.metrics = CollectorRegistry()
            app.state.metrics.register(PostgresCollector(settings, settings.page.reader(settings.postgres)))
        registry: CollectorRegistry = app.state.metrics
        return registry


def _drivers(asked: Asked) -> object:
    return targets(asked.snapshot.connection)


ROUTES: tuple[Page | Data | BaseRoute, ...] = (Route("/metrics", _metrics), Data("sd", "/sd", _drivers))
