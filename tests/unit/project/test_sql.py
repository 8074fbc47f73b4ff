"""The rules of sql/README.md that a program can check."""

from __future__ import annotations

import re

import pytest

from castro_spark.resources import resource
from castro_spark.sinks.postgres.schema.migrate import migrations

STATEMENTS = {"SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "CREATE", "ALTER", "DROP", "TRUNCATE", "COPY"}
SQL_DIR = resource("sql")
FILES = sorted(str(path.relative_to(SQL_DIR)) for path in SQL_DIR.rglob("*.sql"))
CODE = "\n".join(path.read_text() for path in SQL_DIR.parent.rglob("*.py"))


@pytest.mark.parametrize("name", FILES)
def test_a_file_is_whole_statements_with_a_caller(name: str) -> None:
    text = re.sub(r"--.*", "", (SQL_DIR / name).read_text()).strip()
    for part in filter(str.strip, text.split(";")):
        assert part.split()[0] in STATEMENTS, part
    assert text.count("(") == text.count(")")
    assert name.startswith("postgres/") or name in CODE or name.removeprefix("hive/") in CODE, "nobody reads it"


def test_migrations_are_one_numbered_list() -> None:
    names = [name for name, _ in migrations()]
    assert names == sorted(names)
    assert len({name[:3] for name in names}) == len(names)
    assert [f"postgres/{name}.sql" for name in names] == [name for name in FILES if name.startswith("postgres/")]
