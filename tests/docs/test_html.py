"""The documentation as HTML: it is built without a warning, and no link between its files is dead."""

from __future__ import annotations

import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.system import ROOT

pytestmark = pytest.mark.long  # an environment of its own is installed, once


class Links(HTMLParser):
    """The targets of a page."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page.read_text("utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for name, value in attrs if name in {"href", "src"} and value]


def test_it_is_built_and_its_links_lead_somewhere() -> None:
    shutil.rmtree(ROOT / "build" / "docs", ignore_errors=True)
    done = subprocess.run(ROOT / "docs" / "build.sh", check=False, capture_output=True, text=True, timeout=800)
    assert done.returncode == 0, done.stderr
    built = ROOT / "build" / "docs"
    pages = list(built.rglob("*.html"))
    dead = set()
    for page in pages:
        for target in Links(page).found:
            parts = urlsplit(target)
            if not parts.scheme and parts.path and not (page.parent / unquote(parts.path)).exists():
                dead.add(f"{page.relative_to(built)}: {target}")
    assert len(pages) > 50
    assert sorted(dead) == []
    assert (built / "docs" / "notebooks" / "parity.html").exists()
    assert 'src="../_images/system.svg"' in (built / "docs" / "index.html").read_text("utf-8")
