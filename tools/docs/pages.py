"""Every generated page: its file, and the text that it should have."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from castro_spark.settings import load_settings
from castro_spark.sinks.postgres.connection import Connection
from castro_spark.sinks.postgres.schema.migrate import migrate
from castro_spark.sinks.postgres.warehouse.tables import migrate_warehouse
from castro_spark.streams import all_streams
from tools.docs import (
    command_line,
    errors,
    glossary,
    lists,
    metrics,
    python_names,
    redis_keys,
    settings,
    tables,
    variables,
)

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
TABLES = DOCS / "reference" / "tables.md"

# All but the tables, which need a PostgreSQL.
PAGES: Mapping[Path, Callable[[Path], str]] = {
    DOCS / "reference" / "settings.md": lambda _: settings.page(),
    DOCS / "reference" / "environment.md": lambda _: variables.page(ROOT),
    DOCS / "reference" / "command-line.md": lambda _: command_line.page(),
    DOCS / "reference" / "redis.md": lambda _: redis_keys.page(),
    DOCS / "reference" / "errors.md": lambda _: errors.page(ROOT),
    DOCS / "reference" / "python.md": lambda _: python_names.page(),
    DOCS / "metrics.md": metrics.page,
    DOCS / "glossary.md": lambda _: glossary.page(),
    DOCS / "tutorials" / "index.md": lists.listed,
    DOCS / "how-to" / "index.md": lists.listed,
}


def tables_page(connection: Connection) -> str:
    """The page of the tables, of an empty database, in which they are made."""
    warehouse = load_settings(environ={}).warehouse
    migrate(connection, all_streams().values())
    migrate_warehouse(connection, warehouse.mapped)
    return tables.page(connection, warehouse)
