"""What the 360° view must hold, in plain Python: fractions and integer roots, nothing of the product."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from tests.oracle import ZONE, instant, newest

Sent = list[tuple[tuple[int, int], dict[str, Any]]]
_TIMES = {"inventory": "data_movimentacao", "sales": "data_pedido", "procurement": "data_compra"}
_MASTER = ("description", "category", "product_class", "critical", "active", "main_supplier", "standard_cost", "lead_time_days")
_PRICES = {"inventory": "custo_unitario", "sales": "preco_unitario", "procurement": "custo_unitario"}


def product_360(
    sent: dict[str, Sent], as_of: date, master: Iterable[dict[str, Any]] = (), levels: Iterable[dict[str, Any]] = ()
) -> dict[str, dict[str, Any]]:
    """The row of each product, by column. `master` and `levels`: rows of the two tables, by their usual columns."""
    events: dict[str, dict[str, list[tuple[Any, ...]]]] = defaultdict(lambda: defaultdict(list))
    for stream in _TIMES:
        for position, data in newest(sent.get(stream, [])).values():
            when = instant(data[_TIMES[stream]])
            day = when.astimezone(ZONE).date()
            if day <= as_of:
                quantity, price = Fraction(str(data["quantidade"])), Fraction(str(data[_PRICES[stream]]))
                events[data["codigo_produto"]][stream].append((when, position, day, quantity, price, data))
    products = {row["product_code"]: row for row in master}
    stock: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in levels:
        stock[row["product_code"]].append(row)
    codes = {*events, *products, *stock}
    return {code: _row(code, events[code], as_of, products.get(code, {}), stock[code]) for code in codes}


def _row(
    code: str, streams: dict[str, list[tuple[Any, ...]]], as_of: date, master: dict[str, Any], levels: list[dict[str, Any]]
) -> dict[str, Any]:
    moves, sales, purchases = streams["inventory"], streams["sales"], streams["procurement"]
    row: dict[str, Any] = {"product_code": code, "as_of": as_of, "on_hand": Fraction(0)}
    for _, _, _, quantity, _, data in moves:
        row["on_hand"] += -quantity if data["tipo_movimentacao"] == "SAIDA" else quantity
    flows = {
        "in": [m for m in moves if m[5]["tipo_movimentacao"] == "ENTRADA"],
        "out": [m for m in moves if m[5]["tipo_movimentacao"] == "SAIDA"],
        "sales": sales,
        "purchase": purchases,
    }
    for flow, among in flows.items():
        for days in (7, 30, 90):
            recent = [e for e in among if (as_of - e[2]).days < days]
            row[f"{flow}_volume_{days}d"] = sum((e[3] for e in recent), Fraction(0))
            row[f"{flow}_value_{days}d"] = sum((e[3] * e[4] for e in recent), Fraction(0))
    last_move, last_sale, last_purchase = (max(e, key=lambda x: x[:2], default=None) for e in (moves, sales, purchases))
    average_cost = _over(row["purchase_value_90d"], row["purchase_volume_90d"])
    average_price = _over(row["sales_value_90d"], row["sales_volume_90d"])
    paid = last_purchase or last_move
    row["last_cost"] = paid[4] if paid else None
    row["last_price"] = last_sale[4] if last_sale else None
    row["last_supplier"] = last_purchase[5].get("fornecedor") if last_purchase else None
    row["last_customer"] = last_sale[5].get("cliente") if last_sale else None
    row["last_purchase_at"] = last_purchase[0] if last_purchase else None
    row["last_sale_at"] = last_sale[0] if last_sale else None
    row["days_since_last_purchase"] = (as_of - last_purchase[2]).days if last_purchase else None
    row["days_since_last_sale"] = (as_of - last_sale[2]).days if last_sale else None
    cost = average_cost if average_cost is not None else row["last_cost"]
    margin = _over(average_price - cost, average_price) if average_price is not None and cost is not None else None
    row["average_cost_90d"], row["average_price_90d"] = _six(average_cost), _six(average_price)
    row["margin_90d"] = _six(margin)
    row |= {column: master.get(column) for column in _MASTER} | _stock(moves, master, levels)
    row["days_of_cover"] = None if row["stock"] is None else _six(_over(row["stock"] * 30, row["out_volume_30d"]))
    row["demand_cv_90d"] = _variation(sales, as_of)
    exact = {k: Decimal(v.numerator) / v.denominator if isinstance(v, Fraction) else v for k, v in row.items()}
    assert all(Fraction(exact[k]) == v for k, v in row.items() if isinstance(v, Fraction)), "a sum has few decimals"
    return exact


def _stock(moves: list[tuple[Any, ...]], master: dict[str, Any], levels: list[dict[str, Any]]) -> dict[str, Any]:
    def total(column: str) -> Fraction | None:
        known = [Fraction(level[column]) for level in levels if level.get(column) is not None]
        return sum(known, Fraction(0)) if known else None

    def balance(since: date) -> Fraction:
        return sum(((-m[3] if m[5]["tipo_movimentacao"] == "SAIDA" else m[3]) for m in moves if m[2] > since), Fraction(0))

    counted = max((level["as_of"] for level in levels if level.get("as_of") is not None), default=None)
    minimum = total("minimum_stock")
    if minimum is None and master.get("minimum_stock") is not None:
        minimum = Fraction(master["minimum_stock"])
    stock = level = total("quantity_available")
    if level is None:
        stock = balance(date.min) if moves else None
    elif counted is not None:
        stock = level + balance(counted)
    return {
        "minimum_stock": minimum, "stock_level": level, "stock_reserved": total("quantity_reserved"), "stock_as_of": counted,
        "stock": stock, "below_minimum": None if stock is None or minimum is None else stock < minimum,
    }  # fmt: skip


def _variation(sales: list[tuple[Any, ...]], as_of: date) -> Decimal | None:
    days = [sum((e[3] for e in sales if e[2] == as_of - timedelta(days=n)), Fraction(0)) for n in range(90)]
    mean = sum(days) / 90
    if mean <= 0:
        return None
    squared = sum((d - mean) ** 2 for d in days) / 90 / mean**2
    # The root by integers: floor(root x 10^7), and from its last digit whether to round up.
    root = math.isqrt(squared.numerator * 10**14 // squared.denominator)
    return Decimal((root + 5) // 10) / 10**6


def _over(dividend: Fraction, divisor: Fraction) -> Fraction | None:
    return dividend / divisor if divisor > 0 else None


def _six(value: Fraction | None) -> Decimal | None:
    """Rounded half away from zero to six places."""
    if value is None:
        return None
    shifted = abs(value) * 10**6
    rounded = math.floor(shifted + Fraction(1, 2))
    return Decimal(rounded if value >= 0 else -rounded) / 10**6


def differences(got: dict[str, dict[str, Any]], expected: dict[str, dict[str, Any]]) -> list[str]:
    """What differs, in words; empty if nothing does."""
    found = [f"{code}: only {'expected' if code in expected else 'there'}" for code in got.keys() ^ expected.keys()]
    for code in got.keys() & expected.keys():
        for column, value in expected[code].items():
            held = got[code][column]
            if held != value:
                found.append(f"{code}.{column}: {held!r}, not {value!r}")
    return found


def of_redis(fields: dict[str, str], like: dict[str, Any]) -> dict[str, Any]:
    """A hash's texts as the types of the oracle's row."""
    row: dict[str, Any] = {}
    for column, value in like.items():
        text = fields.get(column)
        if text is None or value is None or isinstance(value, str):
            row[column] = text
        elif isinstance(value, bool):
            row[column] = {"true": True, "false": False}[text]
        elif isinstance(value, datetime):
            row[column] = datetime.fromisoformat(text.replace("Z", "+00:00"))
        elif isinstance(value, date):
            row[column] = date.fromisoformat(text)
        else:
            row[column] = type(value)(text)
    return row
