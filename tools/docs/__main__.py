"""Writes every generated page that is not current, and names it."""

from __future__ import annotations

import tempfile

from castro_spark.local import Stack
from castro_spark.settings import load_settings
from castro_spark.sinks.postgres.connection import connect
from tools.docs.pages import PAGES, ROOT, TABLES, tables_page


def main() -> None:
    """Starts an embedded PostgreSQL for the tables."""
    texts = {page: text(page) for page, text in PAGES.items()}
    elsewhere = {"CASTRO_KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1", "CASTRO_REDIS_URL": "redis://127.0.0.1:1/1"}
    with tempfile.TemporaryDirectory() as folder, Stack(folder, die_with_parent=True, external=elsewhere) as stack:
        connection = connect(load_settings(environ=stack.env()).postgres, "castro_spark docs")
        texts[TABLES] = tables_page(connection)
        connection.close()
    for page, text in texts.items():
        if not page.exists() or page.read_text("utf-8") != text:
            page.write_text(text, encoding="utf-8")
            print(f"written: {page.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
