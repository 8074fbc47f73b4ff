"""The front end's files: those of others are as npm has them, and nothing inline is in a template."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path

import pytest

from castro_spark.resources import resource

ROOT = Path(__file__).resolve().parents[3]
VENDORED = [resource("page/static/vendor"), ROOT / "tests/browser/vendor"]
TEMPLATES = sorted(resource("page/templates").rglob("*.html"))
# An attribute or an element that the Content-Security-Policy forbids, or that loads from elsewhere.
FORBIDDEN = re.compile(
    r"\sstyle=|<style|\son[a-z]+=|<script(?![^>]*\bsrc=)|(?:src|href)=[\"'](?:https?:)?//|hx-on|hx-vals=.js", re.I
)


@pytest.mark.parametrize("folder", VENDORED, ids=lambda folder: folder.parent.name)
def test_files_of_others_are_as_they_were_fetched(folder: Path) -> None:
    sums = dict(reversed(line.split(maxsplit=1)) for line in (folder / "SHA256SUMS").read_text().splitlines())
    files = {file.name: sha256(file.read_bytes()).hexdigest() for file in folder.iterdir() if file.name != "SHA256SUMS"}
    assert files == sums
    assert {name.split(".")[0] for name in files if name.endswith(".js")} == {
        name.split(".")[0] for name in files if name.endswith(".LICENSE.txt")
    }


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda file: file.name)
def test_nothing_is_inline_or_from_elsewhere(template: Path) -> None:
    assert FORBIDDEN.findall(template.read_text()) == []


def test_what_forbidden_means() -> None:
    for bad in (' style="x"', "<script>x", ' onclick="x"', 'src="//cdn"', '<link href="https://cdn">', "<style>"):
        assert FORBIDDEN.search(bad), bad
    for good in ('<script src="/static/page.js" defer>', "data-style=", 'href="/x"', "one=two"):
        assert not FORBIDDEN.search(good), good
