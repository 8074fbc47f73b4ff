"""The lock files in requirements/ are those of pyproject.toml: whoever changes one must run requirements/refresh.sh."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = {"base": (), "local": ("local",), "dev": ("local", "notebooks", "dev")}


@pytest.mark.parametrize("name", EXTRAS)
def test_a_lock_has_what_the_project_asks_for_with_hashes(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    assert "://" not in text, "names a host"
    entries = [entry for entry in re.split(r"\n(?=\S)", text) if not entry.startswith("#")]
    assert all("--hash=sha256:" in entry for entry in entries)
    locked: dict[str, set[str]] = {}
    for entry in entries:
        pin = Requirement(entry.partition(" \\")[0])
        (version,) = pin.specifier
        assert version.operator == "=="
        locked.setdefault(canonicalize_name(pin.name), set()).add(version.version)
    wanted = [*PROJECT["dependencies"], *(r for extra in EXTRAS[name] for r in PROJECT["optional-dependencies"][extra])]
    for requirement in map(Requirement, wanted):
        versions = locked[canonicalize_name(requirement.name)]
        assert all(requirement.specifier.contains(version) for version in versions), requirement
