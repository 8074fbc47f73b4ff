"""Numbers, times and ages as each language writes them."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from castro_spark.page.words import formats
from castro_spark.page.words.language import language

ZONE = ZoneInfo("America/Sao_Paulo")
NIGHT = datetime(2026, 11, 29, 2, 30, 5, tzinfo=timezone.utc)  # the day before, in Sao Paulo


@pytest.mark.parametrize(
    ("name", "arguments", "english", "portuguese"),
    [
        ("number", (1234567.5,), "1,234,567.5", "1.234.567,5"),
        ("number", (Decimal("1234.567891"), 2), "1,234.57", "1.234,57"),
        ("number", (None,), "–", "–"),
        ("percent", (0.634,), "63%", "63%"),
        ("percent", (0.634, 1), "63.4%", "63,4%"),
        ("money", (Decimal("-1234.5"),), "-R$1,234.50", "-R$\u00a01.234,50"),
        ("day", (NIGHT,), "Nov 28, 2026", "28 de nov. de 2026"),
        ("day", (date(2026, 11, 29),), "Nov 29, 2026", "29 de nov. de 2026"),
        ("weekday", (NIGHT,), "Saturday", "sábado"),
        ("month", (date(2026, 11, 1),), "Nov 2026", "nov. de 2026"),
        ("moment", (NIGHT,), "Nov 28, 2026 23:30:05", "28 de nov. de 2026 23:30:05"),
        ("when", (NIGHT, NIGHT + timedelta(minutes=20)), "23:30", "23:30"),
        ("when", (NIGHT, NIGHT + timedelta(hours=2)), "Nov 28 23:30", "28 de nov. 23:30"),
        ("duration", (0.25,), "250 ms", "250 ms"),
        ("duration", (1.94,), "1.9 sec", "1,9 s"),
        ("duration", (2.0,), "2 sec", "2 s"),
        ("duration", (9.96,), "10 sec", "10 s"),
        ("duration", (0,), "0 sec", "0 s"),
        ("duration", (timedelta(hours=50),), "2 days", "2 dias"),
        ("bytes", (1536000,), "1.5 MB", "1,5 MB"),
    ],
)
def test_each_language(name: str, arguments: tuple[object, ...], english: str, portuguese: str) -> None:
    for code, expected in (("en", english), ("pt_BR", portuguese)):
        assert formats.filters(language(code), ZONE, "BRL")[name](*arguments) == expected


def test_without_a_currency() -> None:
    assert formats.filters(language("en"), ZONE, None)["money"](5) == "5.00"


@pytest.mark.parametrize(
    ("seconds", "english", "portuguese"),
    [
        (0, "now", "agora"),
        (-1.9, "now", "agora"),
        (2, "2 sec. ago", "há 2 seg."),
        (119, "119 sec. ago", "há 119 seg."),
        (121, "2 min. ago", "há 2 min."),
        (-90, "in 90 sec.", "em 90 seg."),
        (86400 * 3, "3 days ago", "há 3 dias"),
    ],
)
def test_ages(seconds: float, english: str, portuguese: str) -> None:
    now = NIGHT + timedelta(seconds=seconds)
    assert [formats.age(language(code), NIGHT, now) for code in ("en", "pt_BR")] == [english, portuguese]
