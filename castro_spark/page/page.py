"""What a page is. A module in pages/ has `ROUTES`: its pages, and Starlette routes of its own where it needs others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from castro_spark.page.reading.database import Snapshot
from castro_spark.page.reading.kept import Keeper
from castro_spark.page.reading.redis_seen import RedisLook
from castro_spark.page.words.language import Language, text
from castro_spark.settings import Settings
from castro_spark.streams.declaration import StreamDeclaration

Answer = Mapping[str, Any]
OVERVIEW, WORK, PRODUCTS = text("Overview"), text("Work"), text("Products")  # the groups of the menu


@dataclass(frozen=True)
class Asked:
    """What a page is asked, and the snapshot that answers. `now` is the database's clock: ages are counted from it.

    `keeper` has figures that take too long for a page, `redis` what Redis answers within a second.
    """

    request: Request
    settings: Settings
    streams: Sequence[StreamDeclaration]
    snapshot: Snapshot
    redis: RedisLook
    keeper: Keeper
    language: Language

    @classmethod
    def by(cls, request: Request, snapshot: Snapshot) -> Asked:
        """What a request asks, with what the application has."""
        state = request.app.state
        language = state.renderer.language(request)
        return cls(request, state.settings, state.streams, snapshot, state.redis, state.keeper, language)

    @property
    def now(self) -> datetime:
        return self.snapshot.at

    @property
    def today(self) -> date:
        """The local calendar day."""
        return self.now.astimezone(self.settings.zone).date()

    @property
    def query(self) -> Mapping[str, str]:
        """The parameters after the question mark; without NUL, which no text in PostgreSQL has."""
        return {name: value.replace("\0", "") for name, value in self.request.query_params.items()}

    @property
    def path(self) -> Mapping[str, Any]:
        """The parameters in the path, by name; texts without NUL."""
        given = self.request.path_params.items()
        return {name: value.replace("\0", "") if isinstance(value, str) else value for name, value in given}


@dataclass(frozen=True)
class Page:
    """A page of HTML. `answer` runs in a thread, in one snapshot; what it returns is the template's, beside `page`,
    `now`, `settings`, `streams` and `query`. It may return a Response instead, or raise HTTPException(404)."""

    name: str
    path: str
    title: str  # marked by language.text; the words in the menu
    answer: Callable[[Asked], Answer | Response]
    template: str
    group: str | None = WORK  # of the menu; None: it is reached from another page
    within: str | None = None  # the name of the menu's page to which one without a group belongs
    live: bool = True  # whether it asks again when something is new
    keeps: bool = False  # while PostgreSQL is away it shows what it showed last, and since when that is old


@dataclass(frozen=True)
class Data:
    """JSON for a page's script, from one snapshot like a page's."""

    name: str
    path: str
    answer: Callable[[Asked], Any]
