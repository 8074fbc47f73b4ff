"""The columns that the 360° view takes from the master data and the stock levels, without Spark."""

from __future__ import annotations

# Columns that the view repeats from the master data, and their types.
MASTER_COLUMNS = {
    "description": "string",
    "category": "string",
    "product_class": "string",
    "critical": "boolean",
    "active": "boolean",
    "main_supplier": "string",
    "standard_cost": "decimal(18,6)",
    "lead_time_days": "bigint",
}
# Columns computed from the stock levels, with the master data's minimum where these have none.
LEVEL_COLUMNS = ("minimum_stock", "stock_level", "stock_reserved", "stock_as_of")
