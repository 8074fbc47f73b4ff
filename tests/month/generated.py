"""A month in the shape of the real one: its products, prices, quantities and customers, weekdays and holidays."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import holidays

from tests.builders import retail_sample
from tests.month.replay import Day

PRODUCTS = 60

@dataclass(frozen=True)
class Calendar:
    """Days that end yesterday, the day of the faults, and whose holidays they have (a setting of quality.volume)."""

    days: list[date]
    planted: date
    closed: frozenset[date]
    country: str


def calendar(today: date, weeks: int = 8) -> Calendar:
    """Mondays to Saturdays. The faults are planted on a working day followed by another one, young enough to be cached.

    The country is one that has a holiday on a working day of the eleven days before.
    """
    days = [today - timedelta(days=ago) for ago in range(7 * weeks, 0, -1)]
    for planted in reversed(days[-7:-2]):
        if planted.weekday() not in range(4):
            continue
        for country in ("BR", *holidays.list_supported_countries(include_aliases=False)):
            known = holidays.country_holidays(country, years={day.year for day in days})
            closed = frozenset(day for day in days if day in known)
            shown = [day for day in closed if day.weekday() not in (5, 6) and timedelta(1) < planted - day <= timedelta(11)]
            if shown and len(closed) <= 4 and not closed & {planted, planted + timedelta(1), planted + timedelta(2)}:
                return Calendar([day for day in days if day.weekday() != 6], planted, closed, country)
    raise AssertionError("no country has a holiday")


def generated(made: Calendar, seed: int, a_day: int = 200) -> dict[date, Day]:
    """Movements of the products, prices, quantities and customers of the real sample; Saturdays and holidays are quiet."""
    chance, number = random.Random(seed), iter(range(1, 10**9))
    products = sorted({event["codigo_produto"] for event in retail_sample()})[:PRODUCTS]
    sample = [event for event in retail_sample() if event["codigo_produto"] in products]
    days: dict[date, Day] = {}
    for day in made.days:
        share = 0.1 if day in made.closed else 0.5 if day.weekday() == 5 else 1
        events = []
        for second in sorted(chance.sample(range(8 * 3600, 18 * 3600), round(a_day * share * chance.uniform(0.9, 1.1)))):
            real = chance.choice(sample)
            price = Decimal(real["custo_unitario"]) * Decimal(chance.uniform(0.9, 1.1))
            at = datetime.combine(day, time()) + timedelta(seconds=second)
            one = {**real, "id_evento": f"G{next(number)}", "custo_unitario": f"{price:.2f}", "data_movimentacao": at.isoformat()}
            if chance.random() < 0.25:
                one.pop("cliente", None)
            events.append(one)
        days[day] = events
    return days
