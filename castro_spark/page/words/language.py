"""The page's languages: which one a request gets, and its words.

The English words are in the code and the templates; locale/{language}/*.po have the others, and are read at the start
(no compiled files). tests/unit/page/test_words.py holds that every text is translated.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from io import BytesIO

from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

from castro_spark.resources import resource

COOKIE = "castro_language"
NAMES = {"pt_BR": "Português", "en": "English"}


@dataclass(frozen=True)
class Language:
    """A language of the page: its code, its conventions, its words."""

    code: str
    locale: Locale
    words: NullTranslations

    @property
    def tag(self) -> str:
        """As HTML and browsers write it: pt-BR."""
        return self.code.replace("_", "-")


def text(message: str) -> str:
    """Marks a text for translation where it is declared; a template or `Language.words` translates it."""
    return message


def counted(one: str, many: str) -> tuple[str, str]:
    """Marks a text with a count for translation: as it is for one, and for many."""
    return one, many


# What flows in a stream, for people, in the order in which they look for it; a stream of one's own has its name.
FLOWS = {"inventory": text("Stock movements"), "sales": text("Sales"), "procurement": text("Purchases")}

# What is wrong if a check of the data fails, for people. Its own words, with the figures, are in English.
CHECKS = {
    "freshness": text("records wait too long in Kafka"),
    "record_counts": text("the counts of Kafka, books and tables differ"),
    "schema": text("the source's fields have changed"),
    "null_rates": text("a field is empty more often than usual"),
    "duplicates": text("more events than usual look like duplicates"),
    "volume": text("yesterday's volume was unusual"),
    "drift": text("prices or quantities are unusual"),
    "references": text("events name products that the master data lack"),
    "quarantine_share": text("too many records are rejected"),
    "redis_sample": text("Redis differs from PostgreSQL"),
    "projection_lag": text("Redis is late"),
    "archive_lag": text("the archive is late"),
    "extract_age": text("the extract from the warehouse is late"),
    "reconcile_age": text("the reconciliation is late"),
    "product_360_lag": text("the overview of each product is late"),
}


@cache
def language(code: str) -> Language:
    """The language of a code in NAMES."""
    return Language(code, Locale.parse(code), NullTranslations() if code == "en" else _translations(code))


def chosen(cookies: Mapping[str, str], accepted: str, default: str) -> Language:
    """The language of a request: the one chosen on the page, else the browser's first known one, else the default."""
    if (code := cookies.get(COOKIE)) in NAMES:
        return language(str(code))
    for tag in _by_preference(accepted):
        for code in NAMES:
            if tag.partition("-")[0].lower() == code.partition("_")[0]:
                return language(code)
    return language(default)


def _by_preference(accepted: str) -> list[str]:
    """The tags of an Accept-Language header, the most wanted first."""
    weighted = []
    for part in accepted.split(","):
        tag, _, rest = part.strip().partition(";")
        try:
            weight = float(rest.strip().removeprefix("q=")) if rest else 1.0
        except ValueError:
            weight = 0.0
        if tag and weight > 0:
            weighted.append((weight, tag))
    return [tag for _, tag in sorted(weighted, key=lambda pair: -pair[0])]


def catalogs(code: str) -> dict[str, Catalog]:
    """The catalogues of a language, by file name."""
    files = sorted(resource(f"page/locale/{code}").glob("*.po"))
    found = {}
    for file in files:
        with file.open("rb") as source:
            found[file.name] = read_po(source, locale=code)
    return found


def _translations(code: str) -> Translations:
    whole = Catalog(locale=code)
    for catalog in catalogs(code).values():
        whole.mime_headers = catalog.mime_headers  # how plurals are written, the same in each
        for message in catalog:
            if message.id and not message.fuzzy:
                whole.add(message.id, message.string, context=message.context)
    compiled = BytesIO()
    write_mo(compiled, whole)
    compiled.seek(0)
    return Translations(compiled)
