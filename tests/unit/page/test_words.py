"""Every text of the page is translated, once, and nothing that is no longer used is kept."""

from __future__ import annotations

import pytest

from castro_spark.page.words.language import NAMES, chosen
from tests.unit.page.catalogues import PLACEHOLDER, translated, used

LANGUAGES = [code for code in NAMES if code != "en"]


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_text_is_translated_in_one_way(code: str) -> None:
    there = {key: message.string for _, key, message in translated(code)}
    assert {key: places for key, (_, places) in used().items() if key not in there} == {}, "python -m tests.unit.page.catalogues"
    assert [key for _, key, message in translated(code) if message.string != there[key]] == []
    own = {key for file, key, _ in translated(code) if file != "common.po"}
    assert sorted(own - used().keys()) == [], "no longer used"


@pytest.mark.parametrize("code", LANGUAGES)
def test_translations_are_whole(code: str) -> None:
    for file, key, message in translated(code):
        strings = [message.string] if isinstance(message.string, str) else list(message.string)
        assert all(strings) and not message.fuzzy, f"{file}: {key}"
        wanted = set(PLACEHOLDER.findall(" ".join([message.id] if isinstance(message.id, str) else message.id)))
        for string in strings:
            assert set(PLACEHOLDER.findall(string)) <= wanted, f"{file}: {key}"
            assert wanted - {"n", "num"} <= set(PLACEHOLDER.findall(string)), f"{file}: {key}"


@pytest.mark.parametrize(
    ("cookie", "accepted", "expected"),
    [
        ({}, "", "pt_BR"),
        ({}, "en-US,en;q=0.9,pt;q=0.8", "en"),
        ({}, "pt-PT, en;q=0.5", "pt_BR"),
        ({}, "de, nl;q=0.9, en;q=0.1", "en"),
        ({}, "en;q=0, pt;q=x", "pt_BR"),
        ({"castro_language": "en"}, "pt-BR", "en"),
        ({"castro_language": "xx"}, "en", "en"),
    ],
)
def test_which_language_is_chosen(cookie: dict[str, str], accepted: str, expected: str) -> None:
    assert chosen(cookie, accepted, "pt_BR").code == expected
