"""Every link of the documentation leads to a file, and to a heading in it; so does every page that the code names."""

from __future__ import annotations

import re
import runpy
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tests.docs.markdown_files import anchors, links, pages
from tests.system import ROOT

# Hosts of the outside that a page may name; none is asked.
_OUTSIDE = {"https", "http", "mailto"}


def test_links_lead_somewhere() -> None:
    dead = [wrong for page in pages() for target, line in links(page) if (wrong := _dead(page, target, line))]
    assert dead == []


def test_a_page_named_in_the_code_is_there() -> None:
    folders = ["castro_spark", "conf", "sql", "jobs", "notebooks", "benchmarks", "requirements", "tests", "tools"]
    files = [ROOT / "spark-submit.sh", ROOT / "test.sh"]
    files += [f for folder in folders for f in (ROOT / folder).rglob("*") if f.is_file() and "__pycache__" not in f.parts]
    dead = []
    for file in files:
        if file.suffix not in {".py", ".sh", ".sql", ".yaml", ".yml", ".conf", ".xml", ".html", ".md", ".in"}:
            continue
        for name, anchor in re.findall(r"\b(docs/[a-z0-9_/-]+\.md)(?:#([a-z0-9_-]+))?", file.read_text("utf-8")):
            page = ROOT / name
            if not page.exists() or (anchor and anchor not in anchors(page)):
                dead.append(f"{file.relative_to(ROOT)}: {name}{anchor and '#' + anchor}")
    assert dead == []


def test_every_page_is_in_the_side_bar() -> None:
    known = runpy.run_path(str(ROOT / "docs" / "navigation.py"))["NAVIGATION"]
    listed = {entry for lists in known.values() for _, entries in lists for entry in entries.split()}
    shown = [page.relative_to(ROOT).with_suffix("") for page in pages() if page.is_relative_to(ROOT / "docs")]
    assert [str(p) for p in shown if not any(p.match(entry) for entry in {*listed, "docs/index"})] == [], "docs/navigation.py"
    assert known.keys() <= {*listed, "docs/index"}


def test_the_readme_stays_short() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").splitlines()) < 100


def test_what_is_dead_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# One\n\n## Two `words`\n\n## One\n[a](#two-words) [b](#one-1) [c](#three) [d](no.md) [e](https://x.y)\n", "utf-8")
    assert [_dead(page, target, line) for target, line in links(page)] == [
        None, None, f"{page}:6: #three: no such heading", f"{page}:6: no.md: no such file", None,
    ]  # fmt: skip


def _dead(page: Path, target: str, line: int) -> str | None:
    parts = urlsplit(target)
    where = f"{page.relative_to(ROOT) if page.is_relative_to(ROOT) else page}:{line}: {target}"
    if parts.scheme in _OUTSIDE:
        return None
    to = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if not to.exists():
        return f"{where}: no such file"
    if parts.fragment and parts.fragment not in anchors(to):
        return f"{where}: no such heading"
    return None
