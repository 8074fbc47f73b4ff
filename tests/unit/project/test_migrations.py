"""Statements of released migrations stay as they were: databases that had them would differ from new ones.

Comments may be corrected: the reference of the tables is made from them.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

from tests.system import ROOT

_RELEASED = ROOT / "tests" / "data" / "released-migrations.sha256"


def digest(file: Path) -> str:
    """A line of _RELEASED: the digest of the file without comments and blanks at lines' ends, and its name."""
    statements = re.sub(r"[ \t]*(--[^\n]*)?\n", "\n", file.read_text(encoding="utf-8"))
    joined = re.sub(r"\n+", "\n", statements).strip()
    return f"{hashlib.sha256(joined.encode()).hexdigest()}  {file.name}"


def test_released_migrations_are_as_they_were() -> None:
    released = _RELEASED.read_text(encoding="utf-8").splitlines()
    now = [digest(file) for file in sorted((ROOT / "sql" / "postgres").glob("*.sql"))]
    assert len(released) >= 22
    assert set(released) <= set(now), "released migrations differ; a release adds its own:\n" + "\n".join(now)


def test_a_statement_counts_and_a_comment_does_not(tmp_path: Path) -> None:
    file = tmp_path / "1.sql"
    digests = []
    for text in ("-- a\nSELECT 1; -- b\n", "-- c\n\nSELECT 1;\n", "SELECT 2;\n"):
        file.write_text(text)
        digests.append(digest(file))
    assert digests[0] == digests[1] != digests[2]
