"""The pages that are written from the code are as it is now, and say something of everything in it."""

from __future__ import annotations

import re
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest

from castro_spark.local import Stack
from castro_spark.parse.reasons import Reason
from castro_spark.settings import load_settings
from castro_spark.sinks.postgres.connection import connect
from tools.docs import comments, errors, settings, tables, variables
from tools.docs.pages import DOCS, PAGES, ROOT, TABLES, tables_page

STALE = "run: python -m tools.docs"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_a_page_is_current(page: Path) -> None:
    assert page.read_text("utf-8") == PAGES[page](page), STALE


def test_the_tables_are_current(databases: Stack) -> None:
    env = databases.env()
    password = Path(env["CASTRO_POSTGRES_PASSWORD_FILE"]).read_text().strip()
    with closing(psycopg2.connect(env["CASTRO_POSTGRES_DSN"], password=password)) as server:
        server.autocommit = True
        server.cursor().execute("CREATE DATABASE docs")
    env["CASTRO_POSTGRES_DSN"] = env["CASTRO_POSTGRES_DSN"].replace("dbname=inventory_ml", "dbname=docs")
    with closing(connect(load_settings(environ=env).postgres, "castro_spark docs")) as connection:
        assert TABLES.read_text("utf-8") == tables_page(connection), STALE


def test_every_setting_has_a_meaning() -> None:
    """Beside the key in conf/base.yaml, beside the field, or of the section that it is in."""
    known = {key.path: key for key in list(settings.keys())}
    silent = [k.name for k in known.values() if k.type and not k.meaning and not known[k.path[:-1]].meaning]
    assert silent == []
    assert all(key.default != "" or key.path[0] in {"alerts", "warehouse"} for key in known.values() if key.type)


def test_every_variable_is_documented() -> None:
    """In the reference, or on the page of what alone reads it; what only the house itself sets is not."""
    page = "".join(file.read_text("utf-8") for file in [DOCS / "reference" / "environment.md", *DOCS.glob("*.md")])
    own = {"CASTRO_ROOT", "CASTRO_CLASS_PATH_FOLDER", "CASTRO_ON_YARN", "CASTRO_KAFKA_KEYTAB", "CASTRO_LOG_RUN"}
    files = [*(ROOT / "castro_spark").rglob("*.py"), *(ROOT / "jobs").glob("*.py"), ROOT / "spark-submit.sh"]
    named = {name for file in files for name in re.findall(r"\bCASTRO_[A-Z_0-9]*[A-Z]\b", file.read_text("utf-8"))}
    assert {name for name in named - own if not re.search(rf"{name}\b", page)} == set()
    assert len(list(variables.door_variables(ROOT))) >= 9


def test_every_error_is_on_its_page() -> None:
    page = (DOCS / "reference" / "errors.md").read_text("utf-8")
    assert [kind.__name__ for kind in errors.kinds() if f"## {kind.__name__}\n" not in page] == []
    codes = set(re.findall(r"^\| ([a-z_]+) \|", (DOCS / "data.md").read_text("utf-8").partition("## Reason codes")[2], re.MULTILINE))
    assert {reason.value for reason in Reason} <= codes


def test_the_comments_of_a_settings_file() -> None:
    text = (
        "# of the file\n\n# of one,\n# in two lines\none:  # and behind\n  two: 2   # behind it\n"
        "           # and below\n  three: {four: '#', five: 5}  # of three\nsix:\n  seven: [1,  # of seven\n    2]\n"
    )
    assert comments.yaml_comments(text) == {
        ("one",): "of one, in two lines and behind",
        ("one", "two"): "behind it and below",
        ("one", "three"): "of three",
        ("six", "seven"): "of seven",
    }


def test_no_table_is_without_words() -> None:
    """The aggregates are the same but for their period, which the daily one tells."""
    page = TABLES.read_text("utf-8")
    assert re.findall(r"^### (\S+)\n\n\|", page, re.MULTILINE) == ["ml_inventory_monthly", "castro_migrations.applied"]
    assert tables.__doc__
