"""The texts of the page and their translations.

python -m tests.unit.page.catalogues        prints what catalogues lack, ready to be put into locale/{language}/{page}.po
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import write_po

from castro_spark.page.words.language import NAMES, catalogs
from castro_spark.resources import resource

KEYWORDS = {**DEFAULT_KEYWORDS, "text": None, "counted": (1, 2)}
METHODS = [("**.py", "python"), ("**.html", "jinja2.ext:babel_extract")]
OPTIONS = {"**.html": {"trimmed": "false", "silent": "false"}}
PLACEHOLDER = re.compile(r"%\((\w+)\)\w")
Key = tuple[str, str | None]  # the text in the singular, its context


def used() -> dict[Key, tuple[str | tuple[str, ...], list[str]]]:
    """The texts of code and templates: what is asked for, and where."""
    found: dict[Key, tuple[str | tuple[str, ...], list[str]]] = {}
    folder = resource("page")
    for file, line, message, _, context in extract_from_dir(folder, METHODS, OPTIONS, KEYWORDS):
        singular = message if isinstance(message, str) else message[0]
        found.setdefault((singular, context), (message, []))[1].append(f"{file}:{line}")
    return found


def translated(code: str) -> Iterator[tuple[str, Key, object]]:
    """Of each catalogue of a language: its file, the key, and the message."""
    for file, catalog in catalogs(code).items():
        for message in catalog:
            if message.id:
                singular = message.id if isinstance(message.id, str) else message.id[0]
                yield file, (singular, message.context), message


def main() -> None:
    import sys

    for code in NAMES:
        if code == "en":
            continue
        there = {key for _, key, _ in translated(code)}
        missing = Catalog(locale=code)
        missing.mime_headers = catalogs(code)["common.po"].mime_headers
        for key, (message, places) in used().items():
            if key not in there:
                missing.add(message, context=key[1], locations=[(place, None) for place in places])
        write_po(sys.stdout.buffer, missing, omit_header=True)


if __name__ == "__main__":
    main()
