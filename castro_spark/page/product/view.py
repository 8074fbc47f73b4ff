"""A product's row of the 360° view."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg2 import sql

from castro_spark.page.reading.database import Snapshot
from castro_spark.product_columns import COLUMNS
from castro_spark.sinks.postgres.connection import names
from castro_spark.sinks.postgres.product_360.state import STREAMS


@dataclass(frozen=True)
class Product:
    """What is known of a product: each of COLUMNS by name, all None until the view has computed it (`updated_at`).

    `waiting`: commits touched it that the row does not include yet. `version` changes with each commit that touches it.
    """

    code: str
    columns: dict[str, Any]
    updated_at: datetime | None
    waiting: bool
    version: int


def product(snapshot: Snapshot, code: str) -> Product | None:
    """The product of that code; None if neither the view nor any event of the three streams has it."""
    columns = tuple(column for column in COLUMNS if column != "product_code")
    row = snapshot.row(
        "page/product.sql", {"product": code, "streams": list(STREAMS)},
        columns=names(columns, lambda column: sql.Identifier("v", column)),
    )  # fmt: skip
    if row is None:
        return None
    known = {"product_code": code, **{c: row[c] for c in columns}}
    return Product(code, known, row["updated_at"], row["waiting"], int(row["version"]))
