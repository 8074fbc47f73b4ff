"""Where a record comes from: its table and, for a change, the table's source."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from castro_spark.parse.values.texts import NO_TEXT, normal_name

_WILDCARDS = re.compile(r"[*?\[]")
_NO_PATTERN = re.compile(r"[\\^+(){}|%]|\.\*")
_QUOTES = "\"`'[]"
_LONGEST_NAME = 500  # characters; no database allows longer names
_NAMES_KNOWN = 1_000


class Tables:
    """The tables that a stream takes: names and patterns (`*`, `?`, `[0-9]`).

    A name is compared without case, quotes, blanks around it, and the schema or database before its last dot.
    """

    def __init__(self, names: Iterable[str]) -> None:
        wanted = list(names)
        self._exact = {_plain(name) for name in wanted if not is_pattern(name)}
        patterns = [fnmatch.translate(_last_part(name)) for name in wanted if is_pattern(name)]
        self._patterns = re.compile("|".join(patterns)).match if patterns else None
        self._known: dict[str, bool] = {}

    def takes(self, name: str) -> bool:
        """Whether records of the table `name` are the stream's. Cached."""
        known = self._known.get(name)
        return self._look(name) if known is None else known

    def _look(self, name: str) -> bool:
        if len(name) > _LONGEST_NAME:
            return False
        plain = _plain(name)
        takes = plain in self._exact or (self._patterns is not None and self._patterns(plain) is not None)
        if len(self._known) < _NAMES_KNOWN:
            self._known[name] = takes
        return takes


def is_pattern(name: str) -> bool:
    """Whether a name in conf is a pattern: it has a wildcard, and not only SQL Server's quotes."""
    return _WILDCARDS.search(name.strip(_QUOTES)) is not None and not re.fullmatch(r"(\[[^\[\]]*\]\.?)+", name)


def is_no_name(name: str) -> bool:
    """Whether it is neither a name nor a shell pattern, such as a regular expression or a pattern of LIKE."""
    return not _plain(name) or (_NO_PATTERN.search(name) is not None)


def _last_part(name: str) -> str:
    return normal_name(name).rpartition(".")[2].casefold()


def _plain(name: str) -> str:
    return normal_name(_last_part(name).strip(_QUOTES))


@dataclass(frozen=True)
class Source:
    """A connector's server (its `source.name`), database and schema; None is not compared.

    `label` is its name in conf; "" for a source that the stream's first change fixed.
    """

    server: str | None = None
    database: str | None = None
    schema: str | None = None
    label: str = ""

    @classmethod
    def of(cls, source: Mapping[str, Any]) -> Source:
        """The source that a change names."""
        named = (source.get(name) for name in ("name", "db", "schema"))
        server, database, schema = (text if isinstance(text, str) and text else None for text in named)
        return cls(server, database, schema)

    def without_schema(self) -> Source:
        return Source(self.server, self.database, None, self.label)

    @property
    def is_text(self) -> bool:
        """Whether its names can be those of a server, a database and a schema; only then can they be stored."""
        names = (self.server, self.database, self.schema)
        return not any(name and (len(name) > _LONGEST_NAME or NO_TEXT(name)) for name in names)

    @property
    def is_named(self) -> bool:
        """Whether it names a server or a database; only then can it be a stream's source."""
        return self.server is not None or self.database is not None

    def takes(self, other: Source) -> bool:
        """Whether a change of `other` belongs to this source, by the attributes that both name."""
        pairs = ((self.server, other.server), (self.database, other.database), (self.schema, other.schema))
        return all(mine is None or theirs is None or mine == theirs for mine, theirs in pairs)

    def __str__(self) -> str:
        named = (("server", self.server), ("database", self.database), ("schema", self.schema))
        return ", ".join(f"{kind} {name}" for kind, name in named if name is not None) or "no server, no database"


class Sources:
    """The sources whose changes a stream takes; any, while none is known."""

    def __init__(self, sources: tuple[Source, ...]) -> None:
        self._sources = sources
        self._known: dict[tuple[Any, ...], Source | None] = {}

    def of(self, source: Mapping[str, Any]) -> Source | None:
        """The source that a change belongs to; None if none matches."""
        if not self._sources:
            return _ANY
        named = source.get("name"), source.get("db"), source.get("schema")
        try:
            return self._known[named]
        except (KeyError, TypeError):  # TypeError: an object where a name should be
            found = Source.of(source)
            taken = next((known for known in self._sources if known.takes(found)), None)
            if len(self._known) < _NAMES_KNOWN and all(n is None or isinstance(n, str) for n in named):
                self._known[named] = taken
            return taken


_ANY = Source()


def sourced_id(label: str, event_id: str) -> str:
    """An event's id qualified by its source: several sources may use the same id for different events."""
    return f"{label}:{event_id}"
