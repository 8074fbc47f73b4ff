"""Templates: one environment a language, with its words and formats. A page's script gets the content alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from hashlib import sha256
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from castro_spark import __version__
from castro_spark.page.page import Page
from castro_spark.page.words import formats, language
from castro_spark.page.words.language import Language
from castro_spark.resources import resource
from castro_spark.settings import Settings

THEMES = ("auto", "light", "dark")
THEME_COOKIE = "castro_theme"


class Renderer:
    """Makes HTML of templates. `menu`: the pages that the navigation lists."""

    def __init__(self, settings: Settings, menu: list[Page]) -> None:
        self._zone, self._default, self._currency = settings.zone, settings.page.language, settings.page.currency
        self._environments = {code: self._environment(language.language(code)) for code in language.NAMES}
        common = {
            "menu": _grouped(menu),
            "version": __version__,
            "languages": language.NAMES,
            "flow_words": language.FLOWS,
            "check_words": language.CHECKS,
        }
        for environment in self._environments.values():
            environment.globals.update(common)

    def prepare(self, *templates: str) -> None:
        """Compiles templates, so that the first view need not."""
        for environment in self._environments.values():
            for template in templates:
                environment.get_template(template)

    def language(self, request: Request) -> Language:
        """The language that the request gets."""
        accepted = request.headers.get("accept-language", "")
        return language.chosen(request.cookies, accepted, self._default)

    def page(
        self, request: Request, template: str, values: Mapping[str, Any], *, now: datetime, status: int = 200
    ) -> HTMLResponse:
        """A template as a response; to a request by page.js without the frame around the content."""
        spoken = self.language(request)
        theme = request.cookies.get(THEME_COOKIE)
        context = {
            "layout": "content.html" if request.headers.get("hx-request") else "base.html",
            "request": request,
            "here": request.url.path,
            "query": request.query_params,
            "language": spoken,
            "theme": theme if theme in THEMES else THEMES[0],
            "now": now,
            "old": values.get("page") is not None and "trouble" in values,
            "age": partial(formats.age, spoken, now=now),
            **values,
        }
        html = self._environments[spoken.code].get_template(template).render(context)
        headers = {"Vary": "Accept-Language, Cookie, HX-Request"}
        return HTMLResponse(html, status, headers)

    def _environment(self, spoken: Language) -> Environment:
        environment = Environment(
            loader=PackageLoader("castro_spark.page"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
        )
        words = spoken.words
        environment.install_gettext_callables(  # type: ignore[attr-defined]
            words.gettext, words.ngettext, newstyle=True, pgettext=words.pgettext, npgettext=words.npgettext
        )
        environment.filters.update(formats.filters(spoken, self._zone, self._currency))
        environment.globals.update(static=static_url, zone=self._zone)
        return environment


def _grouped(pages: list[Page]) -> list[tuple[str, list[Page]]]:
    """The pages by their group, in the order in which they are declared."""
    groups: dict[str, list[Page]] = {}
    for page in pages:
        groups.setdefault(str(page.group), []).append(page)
    return list(groups.items())


def static_url(path: str) -> str:
    """The address of a static file; it changes with the content, so that browsers may keep what they have."""
    return f"/static/{path}?{_fingerprint(path)}"


_fingerprints: dict[str, str] = {}


def _fingerprint(path: str) -> str:
    if path not in _fingerprints:
        _fingerprints[path] = sha256(resource(f"page/static/{path}").read_bytes()).hexdigest()[:12]
    return _fingerprints[path]
