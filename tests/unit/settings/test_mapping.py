"""The mapping of warehouse tables: what conf may say, and words for what it may not."""

from __future__ import annotations

from pathlib import Path

import pytest

from castro_spark.errors import SettingsError
from castro_spark.settings import load_settings


def test_five_tables_and_limits_of_their_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("warehouse: {tables: {ml_purchases: null, ml_stock_levels: {overlap_minutes: 5}}}")
    settings = load_settings(conf_file=path, environ={})
    assert settings.history("procurement") is None  # its table is not wanted
    assert settings.history("sales") is not None
    found = settings.warehouse
    assert sorted(found.mapped) == ["ml_inventory_transactions", "ml_product_master", "ml_sales_orders", "ml_stock_levels"]
    limits = found.mapped["ml_stock_levels"].limits(found.limits)
    assert (limits.overlap_minutes, limits.shrink_limit) == (5, 0.05)
    assert found.mapped["ml_sales_orders"].source_watermark == "last_modified"


def test_a_history_in_a_table_that_is_not_there_is_told(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("streams: {sales: {history: {table: ml_oders}}}")
    with pytest.raises(SettingsError, match=r"streams\.sales\.history\.table: ml_oders is none of warehouse\.tables"):
        load_settings(conf_file=path, environ={})


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ("{key: [a, b]}", "key, watermark and indexes name columns that are not there: a, b"),
        ("{columns: {last_modified: {from: x, type: date}}}", "the watermark last_modified must be a timestamp"),
        ("{columns: {item: {sql: y}}}", "must have either `from` (a source column) or `sql`"),
        ("{columns: {loaded_at: {from: y, type: text}}}", "must not name loaded_at"),
        ("{key: [order_number, last_modified]}", "the watermark cannot be part of the key"),
        ("{source: 'a.b; DROP TABLE c'}", "String should match pattern"),
    ],
)
def test_errors(tmp_path: Path, table: str, words: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(f"warehouse: {{tables: {{ml_sales_orders: {table}}}}}")
    with pytest.raises(SettingsError) as error:
        load_settings(conf_file=path, environ={})
    assert words in str(error.value)
