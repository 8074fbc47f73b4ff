"""Sphinx builds the documentation from the Markdown of this repository, as it is (docs/build.sh).

The source folder is the repository, so that a link from one page to another, or to a file, is the same here and on a
code host. What a reader of the Markdown should not meet, such as tables of contents for the side bar, is added here.
"""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from docutils import nodes
from sphinx import addnodes

if TYPE_CHECKING:
    from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "docs"))

from navigation import NAVIGATION  # noqa: E402  beside this file

_VERSION = re.search(r'^__version__ = "(.+)"$', (ROOT / "castro_spark/__init__.py").read_text("utf-8"), re.MULTILINE)
assert _VERSION is not None

project = "castro_spark"
release = version = _VERSION[1]
language = "en"
extensions = ["myst_parser"]
root_doc = "docs/index"
include_patterns = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs/**.md", "sql/README.md"]
exclude_patterns = [".*", "build", "castro_spark", "jobs", "tests", "benchmarks", "conf", "notebooks", "requirements"]
nitpicky = True

myst_heading_anchors = 4  # the anchors that code hosts give to headings

html_theme = "furo"
html_title = f"castro_spark {release}"
html_static_path = ["static"]
html_css_files = ["tables.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False


def setup(app: Sphinx) -> None:
    """Sphinx calls this."""
    app.connect("source-read", _add_navigation)
    app.connect("doctree-read", _name_folders)
    app.connect("doctree-read", _link_to_files, priority=400)  # before Sphinx collects them as downloads
    app.connect("build-finished", _add_entrance)


def _add_navigation(_: Sphinx, page: str, source: list[str]) -> None:
    for caption, entries in NAVIGATION.get(page, []):
        title = f":caption: {caption}\n" if caption else ""
        here = ROOT / f"{page}.md"
        there = [entry for entry in entries.split() if any(file != here for file in ROOT.glob(f"{entry}.md"))]
        pages = "\n".join(f"In short </{entry}>" if entry == "README" else f"/{entry}" for entry in there)
        source[0] += f"\n\n```{{toctree}}\n:hidden:\n:glob:\n:maxdepth: 1\n{title}\n{pages}\n```\n"


def _name_folders(app: Sphinx, tree: nodes.document) -> None:
    """A link to a folder, which a code host lists, is its name alone: there is no page of it."""
    here = (ROOT / app.env.docname).parent
    for node in list(tree.findall(addnodes.pending_xref)):
        if (here / node["reftarget"]).is_dir():
            node.replace_self(node.children)


def _link_to_files(app: Sphinx, tree: nodes.document) -> None:
    """A link to a file that is no page (an executed notebook, a script) opens it, beside the pages."""
    page = app.env.docname
    for node in list(tree.findall(addnodes.download_reference)):
        file = ((ROOT / page).parent / node["reftarget"]).resolve()
        target = file.relative_to(ROOT).as_posix()
        copy = Path(app.outdir) / target
        copy.parent.mkdir(parents=True, exist_ok=True)
        if file.suffix == ".html":  # its links lead to pages
            copy.write_text(re.sub(r'(href="[^":]+)\.md\b', r"\1.html", file.read_text("utf-8")), encoding="utf-8")
        else:
            shutil.copyfile(file, copy)
        app.env.note_dependency(str(file))
        up = "../" * page.count("/")
        node.replace_self(nodes.reference("", "", *node.children, internal=True, refuri=f"{up}{target}"))


def _add_entrance(app: Sphinx, failure: Exception | None) -> None:
    if failure is None:
        page = f'<!doctype html><title>castro_spark</title><meta http-equiv="refresh" content="0; url={root_doc}.html">'
        Path(app.outdir, "index.html").write_text(f"{page}\n", encoding="utf-8")
