"""Released migrations stay as they were: databases that had them would differ from new ones."""

from __future__ import annotations

import hashlib

from tests.system import ROOT

_RELEASED = ROOT / "tests" / "data" / "released-migrations.sha256"  # by `sha256sum *.sql` in sql/postgres, at each release


def test_released_migrations_are_as_they_were() -> None:
    released = [line.split() for line in _RELEASED.read_text(encoding="utf-8").splitlines()]
    assert len(released) == len({name for _, name in released}) >= 22
    changed = [
        name for digest, name in released
        if hashlib.sha256((ROOT / "sql" / "postgres" / name).read_bytes()).hexdigest() != digest
    ]  # fmt: skip
    assert changed == []
