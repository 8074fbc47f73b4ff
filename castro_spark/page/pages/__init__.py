"""Every page, in the order of the menu. To add one, write its module with `ROUTES`, and name it here."""

from __future__ import annotations

from starlette.routing import BaseRoute

from castro_spark.page.page import Data, Page
from castro_spark.page.pages import (
    books,
    commands,
    extracts,
    glance,
    incidents,
    metrics,
    outbox,
    products,
    quality,
    quarantine,
    reconciliation,
    retraining,
    streams,
)

_MODULES = (
    glance, streams, incidents, quarantine, books, quality, outbox, reconciliation, extracts, retraining, commands,
    metrics, products,
)  # fmt: skip


def routes() -> list[Page | Data | BaseRoute]:
    """What all modules declare."""
    return [route for module in _MODULES for route in module.ROUTES]
