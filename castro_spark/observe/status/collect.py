"""Collects the blocks of a status, and judges them. Each part is yielded as it becomes available."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from typing import Any

import psycopg2

from castro_spark.errors import CastroError, NotMigrated, SessionRefused, first_line, in_words
from castro_spark.observe.status.block import Asked, Block, Part, error_lines
from castro_spark.observe.status.contents import BLOCKS
from castro_spark.settings import Settings
from castro_spark.sinks.postgres.connection import Connection, connect, unreachable
from castro_spark.streams.declaration import StreamDeclaration

_ANSWERS_OF_THEIR_OWN = ("redis", "archive")  # entries of a part, each with an `error` of its own


class Status:
    """The status of the given streams and of everything else, as plain data in `document`."""

    def __init__(self, settings: Settings, streams: Sequence[StreamDeclaration]) -> None:
        self.settings = settings
        self.streams = streams
        self.document: dict[str, Any] = {}

    @property
    def failed(self) -> bool:
        """Whether a part could not be queried, something that should run does not, or is in an error state."""
        return any(
            part.get("trouble") or part.get("errors") or _has_error(part)
            or any(_has_error(part.get(entry)) for entry in _ANSWERS_OF_THEIR_OWN)
            for block in BLOCKS for part in self._parts(block)
        )  # fmt: skip

    def stored(self) -> Iterator[tuple[Block | None, Part]]:
        """What PostgreSQL and Redis hold, without Spark: each part with its block, or PostgreSQL's error."""
        try:
            connection = connect(self.settings.postgres, "castro_spark status")
        except (psycopg2.OperationalError, SessionRefused) as error:
            problem = str(unreachable(error) or f"PostgreSQL: {error}")
            for block in BLOCKS:
                for subject in self._subjects(block):
                    self._put(block, {**subject, "error": problem})
            yield None, {"error": problem}  # once, since PostgreSQL is one server
            return
        with closing(connection):
            asked = Asked(self.settings, self.streams, connection)
            for block in BLOCKS:
                for subject in self._subjects(block):
                    part = {**subject, **_answer(lambda: block.answer(asked, subject), connection)}  # noqa: B023
                    self._put(block, part)
                    yield block, part

    def _subjects(self, block: Block) -> list[Part]:
        subjects = block.subjects(self.settings, self.streams)
        self.document[block.key] = {} if subjects is None else []
        return [{}] if subjects is None else subjects

    def _put(self, block: Block, part: Part) -> None:
        if isinstance(self.document[block.key], list):
            self.document[block.key].append(part)
        else:
            self.document[block.key] = part

    def _parts(self, block: Block) -> list[Part]:
        found = self.document.get(block.key, [])
        return found if isinstance(found, list) else [found]


def lines(block: Block | None, part: Part) -> Iterator[str]:
    """A part that `Status.stored` yields, as text."""
    return error_lines(part["error"]) if block is None else block.lines(part)


def _has_error(part: Any) -> bool:
    return isinstance(part, dict) and "error" in part


def _answer(question: Callable[[], Part], connection: Connection) -> Part:
    """The answer, or a part with an entry `error`; leaves the connection usable."""
    try:
        return question()
    except (psycopg2.errors.UndefinedTable, psycopg2.errors.UndefinedColumn) as error:
        problem = NotMigrated(first_line(error), "run ./spark-submit.sh migrate with the same settings")
        return {"error": f"PostgreSQL: {problem}"}
    except (CastroError, psycopg2.Error) as error:
        return {"error": f"PostgreSQL: {in_words(error)}"}
    finally:
        if not connection.closed:
            connection.rollback()
