"""The columns of the 360° view, without Spark. docs/features.md defines each."""

from __future__ import annotations

from dataclasses import dataclass

WINDOWS = (7, 30, 90)  # days
LONGEST = max(WINDOWS)
FLOWS = ("in", "out", "sales", "purchase")


@dataclass(frozen=True)
class Window:
    """A sum over a window: its column, the flow and measure summed, and the number of days."""

    column: str
    flow: str  # one of FLOWS
    what: str  # "volume" (sum of quantity) or "value" (sum of value_total)
    days: int


WINDOW_SUMS = tuple(
    Window(f"{flow}_{what}_{days}d", flow, what, days)
    for flow in FLOWS
    for what in ("volume", "value")
    for days in WINDOWS
)

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
# Every column of ml_product_360 and of product:360:{code}, in order, without revision and updated_at.
COLUMNS = (
    "product_code", "as_of", "on_hand", *(w.column for w in WINDOW_SUMS),
    "average_cost_90d", "last_cost", "average_price_90d", "last_price", "margin_90d",
    "last_supplier", "last_customer", "last_purchase_at", "last_sale_at",
    "days_since_last_purchase", "days_since_last_sale", "days_of_cover", "demand_cv_90d",
    *MASTER_COLUMNS, *LEVEL_COLUMNS, "stock", "below_minimum",
)  # fmt: skip
