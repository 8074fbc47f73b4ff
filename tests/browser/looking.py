"""A browser that looks at the page as a reader does, and what must hold whenever it does.

Nothing is asked of any other host (such a request is aborted, and fails the test), nothing is written to the console, no
script fails, nothing is wider than the window, and axe-core finds nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, Route, expect

AXE = Path(__file__).parent / "vendor" / "axe.min.js"
PATIENCE_MS = 60_000  # machines that run tests are busy
WIDTHS = {"phone": (360, 780), "desk": (1440, 900)}
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

expect.set_options(timeout=PATIENCE_MS)


@dataclass
class Look:
    """Pages of one browser, each in a context of its own."""

    browser: Browser

    def __post_init__(self) -> None:
        self._contexts: list[BrowserContext] = []
        self._trouble: list[str] = []
        self.expected: list[str] = []
        """Parts of console messages that the test itself causes: the browser reports every answer of 503."""

    def at(self, url: str, *, language: str = "en", width: str = "desk", scheme: str = "light") -> Page:
        """Opens an address of the page."""
        wide, high = WIDTHS[width]
        context = self.browser.new_context(
            viewport={"width": wide, "height": high}, locale=language, color_scheme=scheme, reduced_motion="reduce"
        )  # type: ignore[arg-type]
        context.set_default_timeout(PATIENCE_MS)
        self._contexts.append(context)
        context.route("**/*", self._at_home)
        page = context.new_page()
        page.on("console", self._console)
        page.on("pageerror", lambda error: self._trouble.append(f"script: {error}"))
        page.goto(url)
        return page

    def holds(self, page: Page) -> None:
        """What must hold for every page."""
        wide, window = page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
        assert wide <= window, f"{page.url} is {wide} wide in a window of {window}"
        assert findings(page) == [], page.url
        assert [t for t in self._trouble if not any(words in t for words in self.expected)] == [], page.url

    def close(self) -> None:
        """Ends the contexts."""
        for context in self._contexts:
            context.close()

    def _at_home(self, route: Route, request: Request) -> None:
        if urlsplit(request.url).hostname in {"127.0.0.1", "localhost"} or request.url.startswith("data:"):
            route.continue_()
        else:
            self._trouble.append(f"asked for {request.url}")
            route.abort()

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self._trouble.append(f"console: {message.text}")


def findings(page: Page) -> list[str]:
    """What axe-core finds, one line each."""
    # By evaluate, which the Content-Security-Policy does not concern.
    page.evaluate(AXE.read_text(encoding="utf-8"))
    options = {"runOnly": {"type": "tag", "values": _RULES}}
    found: dict[str, Any] = page.evaluate("options => axe.run(document, options)", options)
    return [f"{one['id']}: {node['html'][:160]}" for one in found["violations"] for node in one["nodes"]]
