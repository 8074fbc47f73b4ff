"""What a block of the status is: a key of the document, a question to PostgreSQL and Redis, and its text."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from castro_spark.settings import Settings
from castro_spark.sinks.postgres.connection import Connection
from castro_spark.streams.declaration import StreamDeclaration

Part = dict[str, Any]  # plain data


@dataclass(frozen=True)
class Asked:
    """What a status is asked about, and the session that answers."""

    settings: Settings
    streams: Sequence[StreamDeclaration]
    connection: Connection


def _alone(settings: Settings, streams: Sequence[StreamDeclaration]) -> list[Part] | None:
    del settings, streams
    return None


@dataclass(frozen=True)
class Block:
    """One block. A part that cannot be answered has an entry `error`; the others are reported.

    The status fails (exit status 1) if a part has `error`, or anything in `trouble` or `errors`.
    """

    key: str  # in the document
    answer: Callable[[Asked, Part], Part]  # a part's further entries, for its subject
    lines: Callable[[Part], Iterator[str]]  # a part as text
    # The subjects, a list in the document, such as {"stream": "sales"}; None: the block is one part without a subject.
    subjects: Callable[[Settings, Sequence[StreamDeclaration]], list[Part] | None] = _alone


def error_lines(error_text: str, indent: str = "") -> Iterator[str]:
    """An error as the text of a part."""
    first, *rest = error_text.splitlines()
    yield f"{indent}ERROR       {first}"
    for line in rest:
        yield f"{indent}{line}"
